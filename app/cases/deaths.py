"""A victim's death, recorded on the case, and taken back when that was an error (01-marac §11 X6). Who said so is sealed with the case."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from app.cases.dossiers import lock_case
from app.cases.errors import WrongState
from app.cases.holds import reason_of, record
from app.cases.models import CaseState, TimelineEvent
from app.store.database import db

DIED, IN_ERROR = "victim-died", "victim-died-in-error"


@dataclass(frozen=True, slots=True)
class Death:
    """A death that stands recorded.

    :param at: when it was recorded.
    :param by: the key of whoever recorded it.
    :param reason: what is known, and who said so.
    """

    at: datetime
    by: int
    reason: str


def record_death(case_key: int, *, reason: str, by: int) -> None:
    """The victim has died.

    :raises WrongState: it is recorded already, or the case is destroyed.
    """
    case = lock_case(case_key)
    if case.state == CaseState.DISPOSED:
        raise WrongState("This case has been destroyed already.", resource_id=str(case_key))
    if has_died(case_key):
        raise WrongState("The victim's death has been recorded already.", resource_id=str(case_key))
    record(case_key, DIED, reason, by)


def take_back(case_key: int, *, reason: str, by: int) -> None:
    """It was recorded in error.

    :raises WrongState: none is recorded.
    """
    lock_case(case_key)
    if not has_died(case_key):
        raise WrongState("No death is recorded on this case.", resource_id=str(case_key))
    record(case_key, IN_ERROR, reason, by)


def has_died(case_key: int) -> bool:
    """Whether the victim's death stands recorded."""
    return _standing(case_key) is not None


def death_of(case_key: int) -> Death | None:
    """The victim's death, if it stands recorded."""
    event = _standing(case_key)
    return Death(event.at, event.actor or 0, reason_of(event)) if event is not None else None


def _standing(case_key: int) -> TimelineEvent | None:
    latest = db.session.execute(
        select(TimelineEvent)
        .where(TimelineEvent.dossier_key == case_key, TimelineEvent.kind.in_((DIED, IN_ERROR)))
        .order_by(TimelineEvent.at.desc(), TimelineEvent.key.desc())
        .limit(1)
    ).scalar()
    return latest if latest is not None and latest.kind == DIED else None
