"""The victim dies while a case runs, or after (01-marac §11 X6): the case is kept, and everybody who acts in it is told before they act.

Nothing of the procedure is ended by it: safety actions for children and others at risk go on. Which actions were for the victim alone is a
judgement of their owners.
"""

from __future__ import annotations

from sqlalchemy import select

from app import audit, notices
from app.cases import deaths, holds
from app.cases.models import Case
from app.identity.person import Person
from app.operations.telling import recipients
from app.store.database import db, new_key
from app.work.models import ItemState, WorkItem


def record_death(case: Case, reason: str, person: Person) -> None:
    """Record that the victim has died: a legal hold is set if there is none, and whoever has the case or a task in it is told.

    :raises app.cases.errors.WrongState: it is recorded already, or the case is destroyed.
    """
    deaths.record_death(case.key, reason=reason, by=person.key)
    audit.record("case.victim-died", actor=person, case_key=case.key, detail=reason)
    if not case.legal_hold:
        holds.set_hold(case.key, reason=reason, by=person.key)
        audit.record("case.hold", actor=person, case_key=case.key, detail=reason)
    _tell(case)


def take_back(case: Case, reason: str, person: Person) -> None:
    """It was recorded in error. The hold stays until somebody lifts it.

    :raises app.cases.errors.WrongState: none is recorded.
    """
    deaths.take_back(case.key, reason=reason, by=person.key)
    audit.record("case.victim-died-in-error", actor=person, case_key=case.key, detail=reason)
    _tell(case)


def _tell(case: Case) -> None:
    held = select(WorkItem.assignee).where(
        WorkItem.case_key == case.key, WorkItem.state == ItemState.OPEN, WorkItem.assignee.is_not(None)
    )
    people = recipients(case) | {key for key in db.session.execute(held).scalars() if key is not None}
    notices.send(
        notices.Template.CASE_CHANGED,
        sorted(people),
        reference=case.reference,
        due=None,
        path=f"/cases/{case.key}",
        dedupe=f"case-changed:{new_key()}",
        area_key=case.area_key,
    )
