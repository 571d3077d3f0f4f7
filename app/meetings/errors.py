"""What can go wrong with a meeting."""

from __future__ import annotations

from app.errors import Conflict, Invalid, NotAllowed, NotFound


class UnknownMeeting(NotFound):
    """No such meeting, or none that the person may know of."""


class MeetingMoved(Conflict):
    """The meeting can no longer be changed that way."""


class WrongMeetingDate(Invalid):
    """A date that a meeting cannot have."""


class LinkRefused(NotAllowed):
    """A one-time signature link that has been used, has run out, or never was."""

    title = "This link cannot be used"
