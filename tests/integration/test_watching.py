"""What an operator watches: the metrics, the alerts that the guide gives, and the log."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from flask import Flask

GUIDE = (Path(__file__).parents[2] / "docs" / "operators" / "watching.md").read_text(encoding="utf-8")
RULE = re.compile(
    r"      - alert: (?P<name>Convenor[A-Z]\w+)\n"
    r"        expr: (?P<metric>[a-z_]+)(?P<labels>\{[^}]*\})? (?P<compared>==|>|<|>=|<=|!=) (?P<number>\d+)\n"
    r"        for: \d+[smh]\n"
    r"        labels: \{severity: (?:page|ticket)\}\n"
    r'        annotations: \{summary: "(?P<summary>[^"]+)"\}\n'
)


def metrics(app: Flask) -> dict[str, float]:
    answer = app.test_client().get("/metrics")
    assert answer.status_code == 200
    lines = [line.split(" ") for line in answer.text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, value in lines}


def test_every_metric_is_in_the_guide_and_the_other_way_round(borough: Flask) -> None:
    told = set(re.findall(r"^\| `(convenor_\w+)` \|", GUIDE, re.MULTILINE))
    assert told == set(metrics(borough))


def test_the_alerts_are_rules_of_prometheus_on_metrics_that_there_are(borough: Flask) -> None:
    """Nothing in the block is anything but the rules, so a slip of the pen in one of them is found."""
    [block] = re.findall(r"```yaml\n# alerts[^\n]*\n(groups:\n.*?)```", GUIDE, re.DOTALL)
    head = "groups:\n  - name: convenor\n    rules:\n"
    assert block.startswith(head)
    rules = list(RULE.finditer(block))
    assert "".join(rule.group() for rule in rules) == block.removeprefix(head)
    found = metrics(borough)
    assert {rule["metric"] for rule in rules} - {"up"} <= set(found)
    assert len({rule["name"] for rule in rules}) == len(rules) >= 7
    quiet = [rule["name"] for rule in rules if rule["metric"] != "up" and found[rule["metric"]] > float(rule["number"])]
    assert quiet == [], "a system at rest wakes nobody"


@pytest.mark.parametrize(
    ("token", "header", "address", "status"),
    [
        ("", "", "127.0.0.1", 200),
        ("", "", "10.1.2.3", 403),
        ("secret", "", "127.0.0.1", 401),
        ("secret", "Bearer wrong", "10.1.2.3", 401),
        ("secret", "Bearer secret", "10.1.2.3", 200),
    ],
)
def test_metrics_are_for_who_holds_the_token_or_is_on_the_machine(
    borough: Flask, token: str, header: str, address: str, status: int
) -> None:
    borough.config["SETTINGS"] = borough.config["SETTINGS"].model_copy(update={"metrics_token": token})
    headers = {"Authorization": header} if header else {}
    answer = borough.test_client().get("/metrics", headers=headers, environ_base={"REMOTE_ADDR": address})
    assert answer.status_code == status
    assert ("convenor_" in answer.text) is (status == 200)


def test_a_refusal_names_the_request_as_the_log_does(borough: Flask) -> None:
    answer = borough.test_client().get("/cases/1")
    assert re.fullmatch(r"[0-9a-f]{16}", answer.headers["X-Request-Id"])
