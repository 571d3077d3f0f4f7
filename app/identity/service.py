"""What the rooms above ask of identity: who is this, and have they proved it lately."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from flask import Flask, current_app, g, request, session
from requests.adapters import BaseAdapter

from app.errors import NotAllowed
from app.identity.errors import FreshSignInNeeded, SignInNeeded
from app.identity.in_process import InProcess
from app.identity.person import Person
from app.identity.provider import CLOCK_SKEW, Provider
from app.identity.register import deactivate, person_for
from app.identity.sessions import ServerSession, ServerSessions
from app.identity.tokens import Tokens
from app.settings import Settings
from app.store.clock import wall_now

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

_EXTENSION = "convenor.identity"


@dataclass(frozen=True, slots=True)
class Identity:
    """What identity keeps for one application."""

    settings: Settings
    provider: Provider
    tokens: Tokens


def init_app(app: Flask, settings: Settings, *, transport: BaseAdapter | None = None) -> None:
    """Give an application server-side sessions and its identity provider.

    :param transport: how to reach the provider; the development provider is reached inside the process when None.
    """
    if transport is None and settings.development_provider:
        transport = InProcess(app)
    provider = Provider(app, settings, transport)
    app.extensions[_EXTENSION] = Identity(settings, provider, Tokens(provider, settings))
    app.session_interface = ServerSessions(settings)


def identity() -> Identity:
    """Identity of the running application."""
    found: Identity = current_app.extensions[_EXTENSION]
    return found


def person_or_none() -> Person | None:
    """The person of the current request: set by the API from a bearer token, else from the browser's session."""
    if "convenor_person" not in g:
        held = session._get_current_object()  # type: ignore[attr-defined]
        g.convenor_person = held.person if isinstance(held, ServerSession) else None
    found: Person | None = g.convenor_person
    return found


def current_person() -> Person:
    """The person of the current request.

    :raises SignInNeeded: nobody is signed in.
    """
    person = person_or_none()
    if person is None:
        raise SignInNeeded("Sign in to go on.")
    return person


def set_person(person: Person | None) -> None:
    """Say who the current request is for. The API does after checking a token; sign-in and sign-out do."""
    g.convenor_person = person


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


def is_fresh(person: Person) -> bool:
    """Whether the person has proved who they are within CONVENOR_FRESH_AUTHENTICATION_MINUTES (wall time)."""
    if person.auth_time is None:
        return False
    age = wall_now() - person.auth_time
    return -CLOCK_SKEW <= age <= timedelta(minutes=identity().settings.fresh_authentication_minutes)


def require_fresh(person: Person, *, back: str | None = None) -> None:
    """Go on only if the person has proved lately who they are: before authorising, releasing and publishing.

    :param back: the local address of the page to return to after signing in again; a GET request's own address when None.
    :raises FreshSignInNeeded: a browser; the page handler sends it to sign in again and back.
    :raises NotAllowed: a token.
    """
    if is_fresh(person):
        return
    if person.client is not None:
        raise NotAllowed("This needs a token of somebody who has just signed in. Get a new token and try again.")
    if back is None and request.method == "GET":
        back = request.full_path.rstrip("?")
    raise FreshSignInNeeded("Sign in again to show that it is you.", back=back)
