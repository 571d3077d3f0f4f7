"""Has the person proved lately who they are? Asked before authorising, releasing and publishing."""

from __future__ import annotations

from datetime import timedelta

from flask import request

from app.errors import NotAllowed
from app.identity.errors import FreshSignInNeeded
from app.identity.person import Person
from app.identity.state import identity
from app.store.clock import wall_now

CLOCK_SKEW = timedelta(seconds=60)  # how far the identity provider's clock may be from ours


def is_fresh(person: Person) -> bool:
    """Whether the person has proved who they are within CONVENOR_FRESH_AUTHENTICATION_MINUTES (wall time)."""
    if person.auth_time is None:
        return False
    age = wall_now() - person.auth_time
    return -CLOCK_SKEW <= age <= timedelta(minutes=identity().settings.fresh_authentication_minutes)


def require_fresh(person: Person, *, back: str | None = None) -> None:
    """Go on only if the person has proved lately who they are.

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
