"""Legal holds: a case that must be kept (a review of a homicide, criminal disclosure, a complaint, an inquiry) is not destroyed while one
is set (01-marac §4). Each is set and lifted by a recorded decision; the reasons are sealed with the case."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import datetime

from app.cases.dossiers import lock_case, seal_for, unseal_for
from app.cases.errors import WrongState
from app.cases.models import CaseState, TimelineEvent
from app.cases.timeline import events, note
from app.store.database import db, new_key

SET, LIFTED = "hold-set", "hold-lifted"


@dataclass(frozen=True, slots=True)
class Decision:
    """A hold was set or lifted.

    :param by: the user's key.
    """

    set: bool
    at: datetime
    by: int
    reason: str


def set_hold(case_key: int, *, reason: str, by: int) -> None:
    """Nothing of the case is destroyed from now on.

    :raises WrongState: it is destroyed already, or a hold is set.
    """
    case = lock_case(case_key)
    if case.state == CaseState.DISPOSED:
        raise WrongState("This case has been destroyed already.", resource_id=str(case_key))
    if case.legal_hold:
        raise WrongState("This case is under a legal hold already.", resource_id=str(case_key))
    case.legal_hold = True
    record(case_key, SET, reason, by)


def lift_hold(case_key: int, *, reason: str, by: int) -> None:
    """The case follows its retention again. Nothing is destroyed by this: the next retention review decides.

    :raises WrongState: no hold is set.
    """
    case = lock_case(case_key)
    if not case.legal_hold:
        raise WrongState("This case is under no legal hold.", resource_id=str(case_key))
    case.legal_hold = False
    record(case_key, LIFTED, reason, by)


def record(case_key: int, kind: str, reason: str, by: int) -> None:
    """Note a decision on a case, its reason sealed with the case."""
    key = new_key()
    sealed = seal_for(case_key, reason, f"hold:{key}")
    event = note(case_key, kind, actor=by, facts={"reason": base64.b64encode(sealed).decode()})
    event.key = key
    db.session.flush()


def decisions(case_key: int) -> list[Decision]:
    """Every hold that was set or lifted, newest first; none once the case is destroyed."""
    return [
        Decision(event.kind == SET, event.at, event.actor or 0, reason_of(event))
        for event in events(case_key, limit=10_000)
        if event.kind in (SET, LIFTED)
    ]


def reason_of(event: TimelineEvent) -> str:
    """The reason of a decision that :func:`record` noted."""
    sealed = base64.b64decode(event.facts["reason"])
    return str(unseal_for(event.dossier_key, sealed, f"hold:{event.key}"))
