"""One place that draws what is refused or goes wrong: politely, with what to do next, and without a detail of any case."""

from __future__ import annotations

import logging
import traceback

from flask import Flask, Response, current_app, g, redirect, render_template, request, url_for
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as AnyResponse

from app.access.refusals import note_refusal
from app.errors import Conflict, ConvenorError, Unavailable
from app.forms.errors import ExpressionFailed
from app.identity.errors import FreshSignInNeeded, SignInNeeded
from app.identity.service import person_or_none
from app.operations import mending
from app.store.database import db, set_reading
from app.store.limits import TooMany
from app.store.outage import RETRY_AFTER, Outage, outage
from app.web import resend, words
from app.work.errors import FreshSignInNeeded as FreshWorkSignInNeeded
from app.work.errors import HeldByAnother, ItemClosed, NotHeld

log = logging.getLogger(__name__)

_HTTP = {
    400: ("The page could not be understood", "Go back, check what you entered and try again."),
    404: (
        "Page not found",
        "If you typed the address, check that it is correct. You may also not have access to what it leads to.",
    ),
    405: ("This page cannot be used that way", "Go back and use the buttons on the page."),
    413: ("The file is too large", "Go back and choose a smaller file."),
    429: ("Too many requests", "Wait a minute and try again."),
}


def init_app(app: Flask) -> None:
    """Register the handlers."""
    app.register_error_handler(ConvenorError, refused)
    app.register_error_handler(CSRFError, stale_page)
    app.register_error_handler(HTTPException, http_error)
    app.register_error_handler(Exception, broken)


def page(status: int, title: str, message: str, *, again: bool = False, **more: object) -> Response:
    """The page of an error, with what was typed.

    :param again: whether it may help to send the same again.
    """
    _undo()
    said = {"title": title, "message": message, "again": again, "typed": resend.typed()}
    try:
        body = render_template("error.html", status=status, **said, **more)
    except SQLAlchemyError:  # the layout asks who is signed in
        body = current_app.jinja_env.get_template("outage.html").render(**said)
    return Response(body, status, content_type="text/html; charset=utf-8")


def refused(error: ConvenorError) -> AnyResponse:
    """Something of ours refuses: its own title and sentence."""
    if isinstance(error, SignInNeeded):
        return sign_in(error)
    if isinstance(error, FreshSignInNeeded | FreshWorkSignInNeeded):
        _undo()
        back = getattr(error, "back", None) or _here()
        return redirect(url_for("auth.sign_in", fresh="1", next=back))
    if error.status >= 500:
        log.error(
            "refused",
            extra={"error": type(error).__name__, "status": error.status, "resource": error.resource_id},
        )
    if isinstance(error, ExpressionFailed) and "key" in (request.view_args or {}):
        mending.form_failed(int(request.view_args["key"]), error)  # type: ignore[index]
    note_refusal(error, request.endpoint)
    if error.status == 404:
        return page(404, _HTTP[404][0], _HTTP[404][1])
    if isinstance(error, ItemClosed):
        when = f" on {words.moment_in_words(error.at)}" if error.at and error.by else ""
        return page(error.status, error.title, f"{error.message.rstrip('.')}{when}.", item=error.resource_id)
    if isinstance(error, HeldByAnother | NotHeld):
        again = isinstance(error, NotHeld)
        return page(error.status, error.title, error.message, item=error.resource_id, again=again)
    response = page(error.status, error.title, error.message, again=isinstance(error, Conflict | Unavailable | TooMany))
    if isinstance(error, TooMany):
        response.headers["Retry-After"] = str(error.retry_after)
    return response


def sign_in(error: SignInNeeded) -> AnyResponse:
    """Nobody is signed in: a reader goes to sign in and comes back; a writer's answers are kept on the page meanwhile."""
    _undo()
    if request.method == "PUT":
        return Response(status=401)
    if (typed := resend.typed()) is not None:
        return Response(resend.draw(typed, signed_out=True), 401, content_type="text/html; charset=utf-8")
    return redirect(url_for("auth.sign_in", next=_here()))


def stale_page(error: CSRFError) -> AnyResponse:
    """The page was open for too long, or another site posted here: nothing is done until the person sends it again."""
    _undo()
    if request.method == "PUT":
        return Response(status=401)
    if (typed := resend.typed()) is not None:
        signed_out = person_or_none() is None
        status = 401 if signed_out else 400
        return Response(resend.draw(typed, signed_out=signed_out), status, content_type="text/html; charset=utf-8")
    return page(400, "This page is out of date", "Go back, reload the page and try again.")


def http_error(error: HTTPException) -> AnyResponse:
    """A refusal of the web framework."""
    code = error.code or 500
    if code < 400:
        return error.get_response()
    original = getattr(error, "original_exception", None)
    if (away := outage(original)) is not None:
        return unavailable(away)
    title, message = _HTTP.get(code, ("Sorry, there is a problem with the service", "Try again later."))
    response = page(code, title, message)
    for name, value in error.get_headers():
        if name in {"Allow", "Retry-After"}:
            response.headers[name] = value
    return response


def broken(error: Exception) -> AnyResponse:
    """Something unforeseen. The log has where it happened and of what kind; never the message, which may hold content."""
    if (away := outage(error)) is not None:
        return unavailable(away)
    frames = traceback.extract_tb(error.__traceback__)
    where = [f"{frame.filename.rpartition('/app/')[2]}:{frame.lineno} {frame.name}" for frame in frames]
    log.error("unhandled", extra={"error": type(error).__name__, "where": where, "endpoint": request.endpoint})
    return page(
        500,
        "Sorry, there is a problem with the service",
        "Nothing that you were doing has been half done. Try again later.",
        again=True,
        reference=g.get("request_id"),
    )


def unavailable(error: Outage) -> AnyResponse:
    """The database cannot serve: said plainly, with when to try again."""
    response = refused(error)
    response.headers["Retry-After"] = RETRY_AFTER
    return response


def _undo() -> None:
    """Raising rolls back. What follows only reads."""
    g.rolled_back = True
    db.session.rollback()
    set_reading(True)


def _here() -> str:
    """The local address to come back to: this page, or the one that was posted from."""
    return request.full_path.rstrip("?")
