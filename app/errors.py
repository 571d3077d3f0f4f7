"""The one tree of errors. Every error says in plain English what is wrong and carries the id of what it concerns."""

from __future__ import annotations


class ConvenorError(Exception):
    """Something that Convenor refuses or cannot do.

    :param message: one polite sentence for a person; never personal data, never a secret.
    :param resource_id: the id (key, element id, file name) of what the error concerns.
    """

    title = "Something went wrong"
    status = 500

    def __init__(self, message: str, *, resource_id: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.resource_id = resource_id


class NotFound(ConvenorError):
    """What was asked for does not exist, or the person may not know whether it exists."""

    title = "Not found"
    status = 404


class NotAllowed(ConvenorError):
    """The person may know that the thing exists but may not do this with it."""

    title = "Not allowed"
    status = 403


class Conflict(ConvenorError):
    """The state has moved on: somebody else has done it, or it can no longer be done."""

    title = "Conflict"
    status = 409


class Invalid(ConvenorError):
    """The input cannot be taken as it is."""

    title = "Invalid input"
    status = 400


class Unavailable(ConvenorError):
    """A dependency or a setting is missing, so that this cannot be served now."""

    title = "Not available"
    status = 503
