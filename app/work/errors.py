"""What can go wrong on the work list."""

from __future__ import annotations

from datetime import datetime

from app.errors import Conflict, Invalid, NotAllowed, NotFound


class UnknownItem(NotFound):
    """No such task, or none that the person may know of."""


class ItemClosed(Conflict):
    """Somebody has completed the task already, or it is no longer needed."""

    title = "This task is closed"

    def __init__(self, message: str, *, resource_id: str, by: int | None, at: datetime | None) -> None:
        super().__init__(message, resource_id=resource_id)
        self.by, self.at = by, at


class HeldByAnother(Conflict):
    """Somebody else holds the task."""

    title = "Somebody else has this task"

    def __init__(self, message: str, *, resource_id: str, holder: int) -> None:
        super().__init__(message, resource_id=resource_id)
        self.holder = holder


class NotHeld(Conflict):
    """Nobody holds the task, so nobody's answers to it are taken."""

    title = "You do not have this task"


class SamePerson(NotAllowed):
    """A second person must do this: the one who did the earlier task may not (four eyes)."""

    title = "Another person must do this"


class NotOffered(NotAllowed):
    """The person may know of the task, but it is not offered to them."""

    title = "This task is for others"


class FreshSignInNeeded(NotAllowed):
    """Authorising, releasing and publishing need a sign-in from the last few minutes."""

    title = "Sign in again to continue"


class AnswersRefused(Invalid):
    """The answers do not pass the form's rules; every problem is listed."""

    title = "There is a problem"

    def __init__(self, errors: list[tuple[str, str]], *, resource_id: str) -> None:
        super().__init__("; ".join(message for _, message in errors), resource_id=resource_id)
        self.errors = errors
