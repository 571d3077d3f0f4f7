"""What an error looks like, and what it never tells."""

from __future__ import annotations

import json
import sqlite3
from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Blueprint, Flask, g
from sqlalchemy.exc import OperationalError
from werkzeug.exceptions import MethodNotAllowed, RequestEntityTooLarge, ServiceUnavailable

from app.api import problems
from app.errors import Conflict, ConvenorError, NotAllowed, NotFound
from app.identity.errors import SignInNeeded
from app.logs import JsonLines
from app.problems import Problem, Severity
from app.runtime.errors import NobodyWaiting, ReleaseRefused
from app.store.database import db
from app.work.errors import AnswersRefused, ItemClosed

SECRET = "Elin Marsh"


def _locked() -> sqlite3.OperationalError:
    error = sqlite3.OperationalError("database is locked")
    error.sqlite_errorcode = sqlite3.SQLITE_BUSY
    return error


ERRORS: dict[str, Exception] = {
    "not-found": NotFound("There is no such case of hers.", resource_id="1"),
    "not-allowed": NotAllowed("A second person must do this."),
    "conflict": Conflict("Somebody was first."),
    "nobody": NobodyWaiting("Nobody waits for this message."),
    "signed-out": SignInNeeded("Send an access token."),
    "closed": ItemClosed("It was completed.", resource_id="1", by=2, at=datetime(2026, 3, 2, tzinfo=UTC)),
    "answers": AnswersRefused([("victim.name", "Enter her name"), ("dob", "Enter a date")], resource_id="1"),
    "release": ReleaseRefused([Problem("a.bpmn", "f4", "It is wrong.", "Mend it.", Severity.ERROR)]),
    "broken": RuntimeError(SECRET),
    "ours": ConvenorError("The sealing key is missing."),
    "method": MethodNotAllowed(valid_methods=["GET"]),
    "large": RequestEntityTooLarge(),
    "busy": ServiceUnavailable(retry_after=5),
    "locked": OperationalError("UPDATE", {}, _locked()),
    "away": OperationalError("UPDATE", {}, OSError()),
}


@pytest.fixture
def app() -> Flask:
    app = Flask("problems")
    app.config["SQLALCHEMY_DATABASE_URI"] = "sqlite://"
    db.init_app(app)
    blueprint = Blueprint("b", __name__)
    problems.register(blueprint)

    @blueprint.before_request
    def begin() -> None:
        g.request_id = "abc123"

    @blueprint.get("/<name>")
    def fail(name: str) -> None:
        raise ERRORS[name]

    app.register_blueprint(blueprint)
    return app


def refused(app: Flask, name: str) -> tuple[Any, dict[str, Any]]:
    response = app.test_client().get(f"/{name}")
    assert response.content_type == "application/problem+json"
    body = json.loads(response.data)
    assert body["type"] == "about:blank"
    assert body["instance"] == "abc123"
    assert body["status"] == response.status_code
    return response, body


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("not-allowed", 403),
        ("conflict", 409),
        ("nobody", 404),
        ("signed-out", 401),
        ("closed", 409),
        ("answers", 400),
        ("release", 400),
        ("method", 405),
        ("large", 413),
        ("busy", 503),
    ],
)
def test_each_refusal_has_its_status(app: Flask, name: str, status: int) -> None:
    _, body = refused(app, name)
    assert body["status"] == status
    assert body["detail"]


def test_what_is_hidden_and_what_is_not_there_are_told_alike(app: Flask) -> None:
    _, body = refused(app, "not-found")
    assert body["detail"] == "This cannot be found, or you may not know whether it exists."


def test_a_token_is_asked_for(app: Flask) -> None:
    response, _ = refused(app, "signed-out")
    assert response.headers["WWW-Authenticate"] == 'Bearer realm="convenor"'


def test_everything_wrong_with_answers_and_files_is_listed(app: Flask) -> None:
    assert refused(app, "answers")[1]["errors"] == [
        {"name": "victim.name", "message": "Enter her name"},
        {"name": "dob", "message": "Enter a date"},
    ]
    assert refused(app, "release")[1]["errors"] == [
        {"file": "a.bpmn", "elementId": "f4", "severity": "error", "message": "It is wrong.", "remedy": "Mend it."}
    ]


def test_a_closed_task_says_when(app: Flask) -> None:
    assert refused(app, "closed")[1]["closedAt"] == "2026-03-02T00:00:00Z"


def test_headers_that_a_client_needs_are_kept(app: Flask) -> None:
    assert refused(app, "method")[0].headers["Allow"] == "GET"
    assert refused(app, "busy")[0].headers["Retry-After"] == "5"


def test_a_client_is_told_when_it_may_send_again_by_itself(app: Flask) -> None:
    response, body = refused(app, "locked")
    assert (body["status"], body["title"], response.headers["Retry-After"]) == (503, "RESOURCE_EXHAUSTED", "5")
    response, body = refused(app, "away")
    assert (body["status"], response.headers["Retry-After"]) == (503, "5")
    assert "RESOURCE_EXHAUSTED" not in json.dumps(body), "it may have been done"


def test_the_unforeseen_tells_nothing_to_the_caller_or_the_log(app: Flask, caplog: pytest.LogCaptureFixture) -> None:
    caplog.handler.setFormatter(JsonLines())
    _, body = refused(app, "broken")
    assert body["status"] == 500
    assert SECRET not in json.dumps(body)
    entry = json.loads(caplog.text)
    assert entry["error"] == "RuntimeError"
    assert any("test_problems.py" in where for where in entry["where"])
    assert SECRET not in caplog.text


def test_a_failure_of_ours_is_logged_by_its_kind(app: Flask, caplog: pytest.LogCaptureFixture) -> None:
    caplog.handler.setFormatter(JsonLines())
    _, body = refused(app, "ours")
    assert (body["status"], json.loads(caplog.text)["error"]) == (500, "ConvenorError")
