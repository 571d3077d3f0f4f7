"""What the workshop refuses."""

from __future__ import annotations

from app.errors import Conflict, Invalid, NotFound


class MoveRefused(Invalid):
    """What was asked for is not a move that could be planned or begun."""

    title = "Move refused"


class UnknownMove(NotFound):
    """No such move in the person's area."""

    title = "Not found"


class MoveClosed(Conflict):
    """There is nothing left to undo."""

    title = "Nothing to undo"
