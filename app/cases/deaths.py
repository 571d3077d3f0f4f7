"""A victim's death, recorded on the case, and taken back when that was an error (01-marac §11 X6). Who said so is sealed with the case."""

from __future__ import annotations

from app.cases import reasoned
from app.cases.dossiers import lock_case
from app.cases.errors import WrongState
from app.cases.models import CaseState

DIED, IN_ERROR = "victim-died", "victim-died-in-error"


def record_death(case_key: int, *, reason: str, by: int) -> None:
    """The victim has died.

    :raises WrongState: it is recorded already, or the case is destroyed.
    """
    case = lock_case(case_key)
    if case.state == CaseState.DISPOSED:
        raise WrongState("This case has been destroyed already.", resource_id=str(case_key))
    if has_died(case_key):
        raise WrongState("The victim's death has been recorded already.", resource_id=str(case_key))
    reasoned.decide(case_key, DIED, reason=reason, by=by)


def take_back(case_key: int, *, reason: str, by: int) -> None:
    """It was recorded in error.

    :raises WrongState: none is recorded.
    """
    lock_case(case_key)
    if not has_died(case_key):
        raise WrongState("No death is recorded on this case.", resource_id=str(case_key))
    reasoned.decide(case_key, IN_ERROR, reason=reason, by=by)


def has_died(case_key: int) -> bool:
    """Whether the victim's death stands recorded."""
    return reasoned.latest(case_key, DIED, IN_ERROR) == DIED


def death_of(case_key: int) -> reasoned.Reasoned | None:
    """The victim's death, if it stands recorded: when, by whom, and what is known and who said so."""
    newest = next(iter(reasoned.decided(case_key, DIED, IN_ERROR)), None)
    return newest if newest is not None and newest.kind == DIED else None
