"""What can go wrong with a notice. No message names an address."""

from __future__ import annotations

from app.errors import ConvenorError, Unavailable


class MailError(Unavailable):
    """The mail server could not be reached or did not take the message; it is tried again."""

    title = "Mail not sent"


class MailRefused(ConvenorError):
    """The mail server refuses this recipient for good (a 5xx answer)."""

    title = "Recipient refused"


class MailServerDown(MailError):
    """The mail server could not be spoken to at all; other messages need not try for a while."""

    title = "Mail server down"
