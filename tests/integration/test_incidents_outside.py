"""Incidents through the API and on the command line: the same rules as on the pages."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from app import devidp, notices
from app.audit import AuditEntry
from app.cli.main import main
from app.identity import register
from app.operations.mending import watching
from app.runtime import service as runtime
from app.runtime.models import Incident
from app.store.database import db
from tests.support.ward import SECRET, Ward

HERE = "/v2/convenor/incidents"


@pytest.fixture
def ward(app: Flask) -> Ward:
    return Ward(app)


class Caller:
    """Somebody who calls the API with a bearer token."""

    def __init__(self, ward: Ward, username: str) -> None:
        self.client = ward.app.test_client()
        secret = devidp.client_secret(ward.app.config["SETTINGS"], username)
        form = {"grant_type": "client_credentials", "client_id": username, "client_secret": secret}
        token = self.client.post("/devidp/token", data=form, base_url="http://127.0.0.1:8000").json["access_token"]
        self.headers = {"Authorization": f"Bearer {token}"}

    def get(self, path: str, **query: Any) -> Any:
        return self.client.get(path, query_string=query, headers=self.headers)

    def post(self, path: str, body: Any = None) -> Any:
        return self.client.post(path, json=body or {}, headers=self.headers)


def test_an_incident_is_looked_at_proposed_and_approved_by_two(ward: Ward, monkeypatch: pytest.MonkeyPatch) -> None:
    instance = ward.begin(case=True, ready=SECRET)
    key = str(ward.incident(instance).key)
    oscar, olive = Caller(ward, "oscar"), Caller(ward, "olive")
    listed = oscar.get(HERE, kind="CONDITION").json
    assert [(one["incidentKey"], one["elementId"], one["release"]) for one in listed["items"]] == [(key, "fork", 1)]
    assert oscar.get(HERE, kind="TIMER").json["totalItems"] == 0
    found = oscar.get(f"{HERE}/{key}").json
    assert (found["expression"], found["saw"], found["values"]) == ("=ready", {"ready": "string"}, None)
    assert (found["choices"]["variables"], found["choices"]["mayBeSkipped"]) == ({"ready": None}, False)
    assert SECRET not in json.dumps(found)
    assert Caller(ward, "cora").get(f"{HERE}/{key}").json["values"] == {"ready": SECRET}
    asked = {"act": "correct", "incidentKeys": [key], "reason": "It was a text.", "variable": "ready", "value": True}
    assert olive.post(f"{HERE}/proposals", asked).status_code == 403
    made = oscar.post(f"{HERE}/proposals", asked)
    assert (made.status_code, made.json["state"]) == (201, "proposed")
    approval = f"{HERE}/proposals/{made.json['mendingKey']}/approval"
    assert [one["act"] for one in olive.get(f"{HERE}/proposals").json["items"]] == ["correct"]
    assert oscar.post(approval).status_code == 403
    with monkeypatch.context() as patched:
        patched.setattr("app.identity.freshness.is_fresh", lambda person: False)
        stale = olive.post(approval)
        assert (stale.status_code, stale.mimetype) == (401, "application/problem+json")
        assert 'error="insufficient_user_authentication"' in stale.headers["WWW-Authenticate"]
    assert ward.tasks(instance) == []
    monkeypatch.setattr("app.identity.freshness.is_fresh", lambda person: True)
    done = olive.post(approval).json
    assert (done["state"], done["progress"]) == ("done", {"done": 1})
    assert ward.tasks(instance) == ["yes"]
    assert [one["reason"] for one in oscar.get(f"{HERE}/{key}").json["history"]] == ["It was a text."]
    assert olive.post(approval).status_code == 409


def test_many_are_tried_again_and_bad_requests_are_told_why(ward: Ward) -> None:
    instances = [ward.begin(ready="x") for _ in range(3)]
    keys = [str(ward.incident(one).key) for one in instances]
    oscar = Caller(ward, "oscar")
    with ward.app.app_context():
        runtime.set_variables(instances[0], {"ready": True}, by=None)
        db.session.commit()
    asked = oscar.post(f"{HERE}/retry", {"incidentKeys": keys}).json
    ward.work()
    told = oscar.get(f"{HERE}/proposals/{asked['mendingKey']}").json
    assert (told["total"], told["progress"]) == (3, {"done": 1, "stopped": 2})
    signed = str(ward.incident(ward.begin("r")).key)
    for body, status in (
        ({"act": "skip", "incidentKeys": [signed], "reason": "x"}, 409),
        ({"act": "move", "incidentKeys": [signed], "reason": "x", "target": "e"}, 409),
        ({"act": "skip", "incidentKeys": [signed], "reason": " "}, 400),
        ({"act": "retry", "incidentKeys": [signed], "reason": "x"}, 400),
        ({"act": "skip", "incidentKeys": [signed, keys[1]], "reason": "x"}, 400),
        ({"act": "skip", "incidentKeys": ["7"], "reason": "x"}, 404),
        ({"act": "skip", "incidentKeys": [], "reason": "x"}, 400),
    ):
        answer = oscar.post(f"{HERE}/proposals", body)
        assert (answer.status_code, answer.mimetype) == (status, "application/problem+json"), body
    assert Caller(ward, "cora").get(HERE).status_code == 403
    for path in (f"{HERE}/{signed}", f"{HERE}/proposals/{asked['mendingKey']}"):
        assert Caller(ward, "cora").get(path).status_code == 404


def test_the_command_line_lists_shows_and_tries_again(
    ward: Ward, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("app.cli.serve_commands.application", lambda settings: ward.app)
    monkeypatch.setattr("app.settings.load_settings", lambda: ward.app.config["SETTINGS"])
    instance = ward.begin(ready=SECRET)
    key = str(ward.incident(instance).key)

    def run(*arguments: str) -> tuple[int, str]:
        code = main(["incidents", *arguments])
        return code, capsys.readouterr().out

    code, told = run("list")
    assert (code, key in told, SECRET in told) == (0, True, False)
    assert json.loads(run("list", "--json", "--kind", "CONDITION")[1])["element"] == "fork"
    assert run("list", "--kind", "ROLE") == (0, "Nothing has stopped.\n")
    assert "Skip: A gateway is not skipped" in run("show", key)[1]
    assert run("retry", key) == (1, f"{key}  stopped again\n")
    with ward.app.app_context():
        runtime.set_variables(instance, {"ready": True}, by=None)
        db.session.commit()
    code, told = run("retry", "7", key)
    assert (code, told) == (1, f"7  There is no such incident.\n{key}  went on\n")
    instance = ward.begin(case=True, ready=SECRET)
    key = str(ward.incident(instance).key)
    assert re.search(r"^Case \S+: tell its co-ordinator", run("show", key)[1], re.MULTILINE)
    with ward.app.app_context():
        runtime.set_variables(instance, {"ready": True}, by=None)
        db.session.commit()
    code, told = run("retry", "--element", "fork")
    assert (code, "went on" in told) == (0, True)
    assert ward.tasks(instance) == ["yes"]
    assert run("retry", key)[0] == 1, "over already"


def test_a_notice_that_could_not_be_sent_says_for_whom_it_was(
    ward: Ward, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Else nobody knows whose address to mend."""
    monkeypatch.setattr("app.cli.serve_commands.application", lambda settings: ward.app)
    monkeypatch.setattr("app.settings.load_settings", lambda: ward.app.config["SETTINGS"])
    with ward.app.app_context():
        cora = register.find_user("cora")
        assert cora is not None
        cora.email = None
        notices.send(
            notices.Template.TASK_ASSIGNED, [cora.key], reference="R-1", due=None, path="/work", area_key=ward.area
        )
        db.session.commit()
    ward.work()
    with ward.app.app_context():
        watching.look()
        db.session.commit()
        key = db.session.execute(select(Incident.key).where(Incident.kind == "NOTICE")).scalar_one()
    assert main(["incidents", "show", str(key)]) == 0
    assert "To cora." in capsys.readouterr().out
    other = str(ward.incident(ward.begin(ready="x")).key)
    for number, by, code, told in (
        (str(key), "cora", 1, "You are not allowed to do this."),
        (other, "oscar", 1, "Only a notice can be left: what has stopped waits for somebody to mend it."),
        (str(key), "oscar", 0, "left"),
        (str(key), "oscar", 1, "This incident has been resolved already."),
    ):
        assert main(["incidents", "leave", number, "--by", by]) == code
        assert capsys.readouterr().out == f"{number}  {told}\n"
    with ward.app.app_context():
        assert notices.failed_count() == 0
        entry = db.session.execute(select(AuditEntry).where(AuditEntry.action == "notice.leave")).scalar_one()
        oscar = register.find_user("oscar")
        assert oscar is not None
        assert entry.actor == oscar.key


BEYOND = "99999999999999999999999"


@pytest.mark.parametrize(
    "command",
    [
        ["incidents", "show", BEYOND],
        ["incidents", "list", "--older-than", BEYOND],
        ["incidents", "list", "--older-than", "-1"],
        ["move", "plan", "p", "--from", BEYOND],
        ["move", "plan", "p", "--instance", BEYOND],
    ],
)
def test_numbers_that_no_database_takes_are_a_wrong_command_line(command: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(command)
    assert ended.value.code == 2
