"""What identity refuses."""

from __future__ import annotations

from app.errors import Conflict, ConvenorError, Invalid, NotAllowed


class SignInNeeded(ConvenorError):
    """Nobody is signed in, or the session or token has ended."""

    title = "Sign in"
    status = 401


class FreshSignInNeeded(NotAllowed):
    """The person signed in too long ago for an act that needs them to prove again who they are.

    :param back: the local address to return to after signing in again.
    """

    title = "Sign in again"

    def __init__(self, message: str, *, back: str | None = None, resource_id: str | None = None) -> None:
        super().__init__(message, resource_id=resource_id)
        self.back = back


class SignInRefused(NotAllowed):
    """What came back from the identity provider cannot be trusted, or the person may not use Convenor."""

    title = "You could not be signed in"


class UsernameTaken(Conflict):
    """Two people cannot have one user name."""


class UnknownRole(Invalid):
    """No role has this slug or title."""
