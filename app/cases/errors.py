"""What can go wrong with a case."""

from __future__ import annotations

from app.errors import Conflict, Invalid, NotFound, Unavailable


class UnknownCase(NotFound):
    """No such case, or none that the person may know of."""


class CaseDestroyed(Conflict):
    """The case has been destroyed; only the record that it was remains."""


class WrongState(Conflict):
    """The case cannot go to that state from where it stands."""


class UnknownDeadline(NotFound):
    """The case has no open deadline of that name."""


class LedgerDamaged(Unavailable):
    """What has been destroyed cannot be told from the ledger, so that nothing may be served."""


class AttachmentRefused(Invalid):
    """A file of a type or size that is not taken."""
