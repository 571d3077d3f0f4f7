"""One way to refuse: `application/problem+json` (RFC 9457) with title, status, detail and the request's id."""

from __future__ import annotations

import logging
import traceback
from typing import Any

import orjson
from flask import Blueprint, Response, g, request
from werkzeug.exceptions import HTTPException

from app.access.refusals import note_refusal
from app.api import moments
from app.errors import ConvenorError
from app.forms.errors import ExpressionFailed
from app.identity.errors import FreshSignInNeeded, SignInNeeded
from app.identity.freshness import TOKEN, max_age
from app.operations import mending
from app.runtime.errors import NobodyWaiting, ReleaseRefused
from app.store.database import db, set_reading
from app.store.limits import TooMany
from app.store.outage import RETRY_AFTER, Busy, Outage, outage
from app.work.errors import AnswersRefused, ItemClosed
from app.work.errors import FreshSignInNeeded as FreshWorkSignInNeeded

log = logging.getLogger(__name__)

_TITLES = {
    400: "Invalid request",
    404: "Not found",
    405: "Method not allowed",
    406: "Not acceptable",
    413: "Too large",
    415: "Unsupported media type",
    504: "Not ended in time",
}
EXHAUSTED = "RESOURCE_EXHAUSTED"  # by the contract
_SENTENCES = {
    400: "The request could not be understood.",
    404: "There is nothing at this address. The API reference lists what is supported.",
    405: "This address does not take this method.",
    406: "This is not JSON. Get it as bytes, at the address that ends in /binary.",
    413: "The request is too large.",
    415: "Send JSON with the content type application/json.",
    504: "The instance has begun and goes on; it had not ended when the time of the request was up.",
}


def register(blueprint: Blueprint) -> None:
    """Let a blueprint answer every error as a problem."""
    blueprint.register_error_handler(ConvenorError, refused)
    blueprint.register_error_handler(HTTPException, http_error)
    blueprint.register_error_handler(Exception, broken)


def problem(status: int, title: str, detail: str, **more: Any) -> Response:
    """The answer of an error. Whatever the request had begun to write is undone."""
    _undo()
    body = {
        "type": "about:blank",
        "title": title,
        "status": status,
        "detail": detail,
        "instance": str(g.get("request_id", "")),
        **more,
    }
    response = Response(orjson.dumps(body), status, content_type="application/problem+json")
    if status == 401:
        response.headers["WWW-Authenticate"] = 'Bearer realm="convenor"'
    return response


def step_up() -> Response:
    """Somebody signed in too long ago for this: what a client must ask of the provider (RFC 9470, section 3)."""
    answer = problem(401, "Sign in again", TOKEN, maxAge=max_age())
    answer.headers["WWW-Authenticate"] = (
        f'Bearer realm="convenor", error="insufficient_user_authentication", error_description="{TOKEN}", max_age="{max_age()}"'
    )
    return answer


def refused(error: ConvenorError) -> Response:
    """Something of ours refuses: its own title and sentence, and the list of what is wrong where there is one."""
    if error.status >= 500:
        log.error(
            "refused",
            extra={"error": type(error).__name__, "status": error.status, "resource": error.resource_id},
        )
    if isinstance(error, ExpressionFailed) and (key := str((request.view_args or {}).get("key", ""))).isdigit():
        mending.form_failed(int(key), error)
    note_refusal(error, request.endpoint)
    if error.status == 404 and not isinstance(error, NobodyWaiting):
        return problem(404, _TITLES[404], "This cannot be found, or you may not know whether it exists.")
    if isinstance(error, FreshSignInNeeded | FreshWorkSignInNeeded):
        return step_up()
    more: dict[str, Any] = {}
    if isinstance(error, AnswersRefused):
        more["errors"] = [{"name": name, "message": message} for name, message in error.errors]
    elif isinstance(error, ReleaseRefused):
        more["errors"] = [
            {
                "file": each.file,
                "elementId": each.element_id,
                "severity": str(each.severity),
                "message": each.what,
                "remedy": each.remedy,
            }
            for each in error.problems
        ]
    elif isinstance(error, ItemClosed) and error.at is not None:
        more["closedAt"] = moments.told(error.at)
    title = "Sign-in needed" if isinstance(error, SignInNeeded) else error.title
    answer = problem(error.status, title, error.message, **more)
    if isinstance(error, TooMany):
        answer.headers["Retry-After"] = str(error.retry_after)
    return answer


def http_error(error: HTTPException) -> Response:
    """A refusal of the web framework, or of a request's own shape."""
    code = error.code or 500
    if code < 400:
        response = error.get_response()
        assert isinstance(response, Response)
        return response
    if (away := outage(getattr(error, "original_exception", None))) is not None:
        return unavailable(away)
    shape = (getattr(error, "data", None) or {}).get("messages")
    if shape:
        return problem(400, _TITLES[400], f"The request is not well-formed: {_first(shape)}.")
    answer = problem(
        code, _TITLES.get(code, "The request was refused"), _SENTENCES.get(code, "The request was refused.")
    )
    for name, value in error.get_headers():
        if name in {"Allow", "Retry-After"}:
            answer.headers[name] = value
    return answer


def broken(error: Exception) -> Response:
    """Something unforeseen. The log has where it happened and of what kind; never the message, which may hold content."""
    if (away := outage(error)) is not None:
        return unavailable(away)
    frames = traceback.extract_tb(error.__traceback__)
    where = [f"{frame.filename.rpartition('/app/')[2]}:{frame.lineno} {frame.name}" for frame in frames]
    log.error("unhandled", extra={"error": type(error).__name__, "where": where, "endpoint": request.endpoint})
    return problem(500, "Something went wrong", "Nothing has been half done. Try again later.")


def unavailable(error: Outage) -> Response:
    """The database cannot serve: said plainly, with when to try again. Clients of the contract do so by themselves where the title tells
    them to: not when it is unknown whether what they sent has been done."""
    answer = refused(error)
    if isinstance(error, Busy):
        answer = problem(error.status, EXHAUSTED, error.message)
    answer.headers["Retry-After"] = RETRY_AFTER
    return answer


def _first(shape: Any, path: str = "") -> str:
    """The first thing that is wrong with a request's shape, with the place; only names that are ours to say."""
    if isinstance(shape, dict):
        key, inner = next(iter(shape.items()))
        return _first(inner, path if key in ("json", "form", "files", "_schema") else f"{path}.{key}".lstrip("."))
    if isinstance(shape, list):
        return _first(shape[0], path)
    return f"{path[:80]}: {str(shape).rstrip('.')}" if path else str(shape).rstrip(".")


def _undo() -> None:
    """Raising rolls back. What follows only reads."""
    g.rolled_back = True
    db.session.rollback()
    set_reading(True)
