"""Legal holds: a case that must be kept (a review of a homicide, criminal disclosure, a complaint, an inquiry) is not destroyed while one
is set (01-marac §4). Each is set and lifted by a recorded decision; the reasons are sealed with the case."""

from __future__ import annotations

from app.cases import reasoned
from app.cases.dossiers import lock_case
from app.cases.errors import WrongState
from app.cases.models import CaseState

SET, LIFTED = "hold-set", "hold-lifted"


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
    reasoned.decide(case_key, SET, reason=reason, by=by)


def lift_hold(case_key: int, *, reason: str, by: int) -> None:
    """The case follows its retention again. Nothing is destroyed by this: the next retention review decides.

    :raises WrongState: no hold is set.
    """
    case = lock_case(case_key)
    if not case.legal_hold:
        raise WrongState("This case is under no legal hold.", resource_id=str(case_key))
    case.legal_hold = False
    reasoned.decide(case_key, LIFTED, reason=reason, by=by)


def decisions(case_key: int) -> list[reasoned.Reasoned]:
    """Every hold that was set or lifted, newest first; none once the case is destroyed."""
    return reasoned.decided(case_key, SET, LIFTED)
