"""What an operator watches: the metrics, the alerts that the guide gives, and the log."""

from __future__ import annotations

import operator
import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event, select
from werkzeug.middleware.proxy_fix import ProxyFix

from app.runtime import outside_jobs, releases
from app.runtime import service as runtime
from app.runtime.job_models import OutsideJob
from app.store.database import db
from app.store.worker import Worker
from tests.support.installation import Blank
from tests.support.ward import Ward
from tests.unit.runtime.runtime_kit import doc, line, service

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
    found = dict.fromkeys(re.findall(r"^# TYPE (\w+) gauge$", answer.text, re.MULTILINE), 0.0)
    for name, value in re.findall(r"^(\w+)(?:\{[^}]*\})? (\S+)$", answer.text, re.MULTILINE):
        found[name] = max(found[name], float(value))
    return found


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
    Worker(borough, lease=timedelta(seconds=10)).run_once()
    found = metrics(borough)
    assert {rule["metric"] for rule in rules} - {"up"} <= set(found)
    assert len({rule["name"] for rule in rules}) == len(rules) >= 7
    compared = {">": operator.gt, "<": operator.lt}
    loud = [
        rule["name"]
        for rule in rules
        if rule["metric"] != "up" and compared[rule["compared"]](found[rule["metric"]], float(rule["number"]))
    ]
    assert loud == [], "a system at rest wakes nobody"


def test_work_for_workers_outside_is_counted_by_type_and_state(app: Flask) -> None:
    ward = Ward(app)
    drawn = [
        doc(service("w", f"outside:{name}") + line("w"), pid=f"p{n}") for n, name in enumerate(("scales", "Ann Lee?"))
    ]
    with app.app_context():
        releases.publish_release(
            {f"{n}.bpmn": xml for n, xml in enumerate(drawn)}, area_key=ward.area, by=1, allow_undeclared=True
        )
        for process in ("p0", "p0", "p0", "p0", "p1"):
            runtime.start(process, {}, area_key=ward.area, by=1)
        db.session.commit()
        asked = {"worker": "w", "timeout": timedelta(minutes=5)}
        first, second, _ = outside_jobs.hand_out(ward.area, "outside:scales", limit=3, **asked)
        outside_jobs.fail(first.job.key, retries=0, message="", back_off=timedelta(0))
        outside_jobs.fail(second.job.key, retries=2, message="", back_off=timedelta(hours=1))
        waiting = select(OutsideJob).where(OutsideJob.type == "outside:scales", OutsideJob.lease == 0)
        db.session.execute(waiting).scalar_one().updated_at -= timedelta(minutes=20)
        db.session.commit()
    text = app.test_client().get("/metrics").text
    for state in ("waiting", "leased", "later", "failed"):
        assert f'convenor_outside_jobs{{state="{state}",type="outside:scales"}} 1.0' in text, state
    assert 'convenor_outside_jobs{state="waiting",type="other"} 1.0' in text
    assert "Ann" not in text
    found = re.findall(r'waiting_seconds\{type="outside:scales"\} (\S+)', text)
    assert [round(float(each), -2) for each in found] == [1200]


def test_what_is_kept_of_ended_work_is_not_read_for_the_metrics(blank: Blank, tmp_path: Path) -> None:
    """The database may find what has not ended by an index of its own, in which nothing else is."""
    asked: list[tuple[str, Any]] = []
    with blank.copy(tmp_path / "data") as installation, installation.app() as app:

        def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
            if "FROM outside_job" in statement:
                asked.append((statement, parameters))

        event.listen(db.engine, "before_cursor_execute", note)
        assert app.test_client().get("/metrics").status_code == 200
        event.remove(db.engine, "before_cursor_execute", note)
        [(statement, parameters)] = asked
        explain = "EXPLAIN QUERY PLAN" if db.engine.dialect.name == "sqlite" else "EXPLAIN"
        with db.engine.connect() as connection:
            if db.engine.dialect.name == "postgresql":  # a table of no rows is read whole, unless that is forbidden
                connection.exec_driver_sql("SET enable_seqscan = off")
            plan = connection.exec_driver_sql(f"{explain} {statement}", parameters).all()
        assert "ix_outside_job_open" in str(plan)


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
    borough.config["SETTINGS"] = replace(borough.config["SETTINGS"], metrics_token=token)
    headers = {"Authorization": header} if header else {}
    answer = borough.test_client().get("/metrics", headers=headers, environ_base={"REMOTE_ADDR": address})
    assert answer.status_code == status
    assert ("convenor_" in answer.text) is (status == 200)


@pytest.mark.parametrize(
    ("connected", "claimed", "status"),
    [
        ("127.0.0.1", None, 200),
        ("10.1.2.3", "127.0.0.1", 403),  # nobody is on the machine by saying so
        ("127.0.0.1", "10.1.2.3", 403),  # through a proxy on the machine
    ],
)
def test_metrics_are_not_opened_by_a_header(
    borough: Flask, monkeypatch: pytest.MonkeyPatch, connected: str, claimed: str | None, status: int
) -> None:
    monkeypatch.setattr(borough, "wsgi_app", ProxyFix(borough.wsgi_app, x_for=1))  # as in production
    headers = {"X-Forwarded-For": claimed} if claimed else {}
    answer = borough.test_client().get("/metrics", headers=headers, environ_base={"REMOTE_ADDR": connected})
    assert answer.status_code == status


@contextmanager
def database_away(app: Flask) -> Iterator[None]:
    """Nobody can connect."""

    def refuse(*_: Any) -> None:
        error = sqlite3.OperationalError("unable to open database file")
        error.sqlite_errorcode = sqlite3.SQLITE_CANTOPEN
        raise error

    with app.app_context():
        db.session.remove()
        event.listen(db.engine, "do_connect", refuse)
        db.engine.dispose()
        try:
            yield
        finally:
            event.remove(db.engine, "do_connect", refuse)


def test_ready_says_what_is_missing(borough: Flask) -> None:
    client = borough.test_client()

    def ready() -> tuple[int, str]:
        answer = client.get("/readyz")
        return answer.status_code, answer.text

    assert ready() == (503, "not ready: no worker has been alive lately\n")
    Worker(borough, lease=timedelta(seconds=10)).run_once()
    assert ready() == (200, "ready\n")
    with database_away(borough):
        assert ready() == (503, "not ready: the database does not answer\n")
        assert client.get("/healthz").status_code == 200
        page = client.get("/work")
        assert (page.status_code, page.headers["Retry-After"]) == (503, "5")
        assert "The database can" in page.text
    assert ready() == (200, "ready\n")


def test_a_refusal_names_the_request_as_the_log_does(borough: Flask) -> None:
    answer = borough.test_client().get("/cases/1")
    assert re.fullmatch(r"[0-9a-f]{16}", answer.headers["X-Request-Id"])
