"""Has the person proved lately who they are? Asked before authorising, releasing and publishing."""

from __future__ import annotations

from datetime import timedelta

from flask import request

from app.identity.errors import FreshSignInNeeded
from app.identity.person import Person
from app.identity.state import identity
from app.store.clock import wall_now

CLOCK_SKEW = timedelta(seconds=60)  # how far the identity provider's clock may be from ours
TOKEN = "This needs a token of somebody who has just signed in. Sign in again, get a new token and try again."  # noqa: S105


def is_fresh(person: Person) -> bool:
    """Whether the person has proved who they are within CONVENOR_FRESH_AUTHENTICATION_MINUTES (wall time)."""
    if person.auth_time is None:
        return False
    age = wall_now() - person.auth_time
    return -CLOCK_SKEW <= age <= timedelta(minutes=identity().settings.fresh_authentication_minutes)


def require_fresh(person: Person, *, back: str | None = None) -> None:
    """Go on only if the person has proved lately who they are.

    :param back: the local address of the page to return to after signing in again; a GET request's own address when None.
    :raises FreshSignInNeeded: the page handler sends a browser to sign in again and back; the API tells a token's holder what to ask for.
    """
    if is_fresh(person):
        return
    if person.client is not None:
        raise FreshSignInNeeded(TOKEN)
    if back is None and request.method == "GET":
        back = request.full_path.rstrip("?")
    raise FreshSignInNeeded("Sign in again to show that it is you.", back=back)


def require_fresh_or_machine(person: Person) -> None:
    """The same for what a program may do as well: a token by client credentials stands for nobody who could sign in.

    :raises FreshSignInNeeded: a person, who has not proved lately who they are.
    """
    if not person.machine:
        require_fresh(person)


def max_age() -> int:
    """For how many seconds a sign-in counts as fresh."""
    return identity().settings.fresh_authentication_minutes * 60
