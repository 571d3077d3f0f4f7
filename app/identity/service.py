"""What the rooms above ask of identity: who is this, by session or by token."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Flask, has_request_context, request, session

from app.identity.errors import SignInNeeded
from app.identity.freshness import is_fresh, require_fresh
from app.identity.person import Person
from app.identity.register import deactivate, person_for
from app.identity.sessions import ServerSession, ServerSessions, sweep
from app.identity.state import EXTENSION, Identity, identity
from app.settings import Settings
from app.store import limits
from app.store.chores import add_chore

if TYPE_CHECKING:
    from app.identity.transport import Transport

__all__ = [
    "Identity",
    "current_person",
    "deactivate",
    "identity",
    "init_app",
    "is_fresh",
    "person_for",
    "person_from_bearer",
    "person_or_none",
    "require_fresh",
    "set_person",
]

_PERSON = "convenor.person"


def init_app(app: Flask, settings: Settings, *, transport: Transport | None = None) -> None:
    """Give an application server-side sessions and its identity provider.

    :param transport: how to reach the provider; the development provider is reached inside the process when None.
    """
    app.extensions[EXTENSION] = Identity(app, settings, transport)
    app.session_interface = ServerSessions(settings)
    add_chore(sweep)
    add_chore(limits.sweep)


def person_or_none() -> Person | None:
    """The person of the current request: set by the API from a bearer token, else from the browser's session."""
    if not has_request_context():
        return None
    if _PERSON in request.environ:
        told: Person | None = request.environ[_PERSON]
        return told
    held = session._get_current_object()  # type: ignore[attr-defined]
    return held.person if isinstance(held, ServerSession) else None


def current_person() -> Person:
    """The person of the current request.

    :raises SignInNeeded: nobody is signed in.
    """
    person = person_or_none()
    if person is None:
        raise SignInNeeded("Sign in to go on.")
    return person


def set_person(person: Person | None) -> None:
    """Say who the current request is for, instead of the browser's session. The API does after checking a token."""
    request.environ[_PERSON] = person


def person_from_bearer() -> Person:
    """The person of the request's bearer token, and of the request from now on.

    :raises SignInNeeded: there is no token, or it is not valid, or the person has been deactivated.
    """
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise SignInNeeded("Send an access token in the Authorization header.")
    person = identity().tokens.person(token.strip())
    set_person(person)
    return person
