"""In whose name an act may be done: asked when it is approved or taken over, and again before each round."""

from __future__ import annotations

from sqlalchemy import select

from app.access import decide
from app.access.facts import AreaFacts
from app.access.permissions import Permission
from app.cases.involvement import cases_in_conflict
from app.identity.person import Person
from app.identity.register import person_for
from app.operations.mending.models import Act, Mending, MendingItem
from app.store.database import db


def may_go_on(mending: Mending) -> bool:
    """Whether whoever answers for an act may still do it: they may have been shut out or lost the role since."""
    by = mending.decided_by or mending.proposed_by
    return by is None or may_answer(person_for(by), mending)


def dossiers_barred(mending: Mending) -> set[int]:
    """The cases of an act that whoever answers for it has a conflict of interest in by now."""
    by = mending.decided_by or mending.proposed_by
    if by is None:
        return set()
    in_conflict = MendingItem.dossier_key.in_(cases_in_conflict(person_for(by)))
    query = select(MendingItem.dossier_key).where(MendingItem.mending_key == mending.key, in_conflict)
    return {key for key in db.session.execute(query).scalars() if key is not None}


def may_answer(person: Person, mending: Mending) -> bool:
    """Whether an act may be done in the person's name."""
    area = mending.area_key if mending.area_key is not None else person.area_key
    if mending.act == Act.RETRY:
        return decide.allowed(person, Permission.INCIDENT_RETRY, AreaFacts(area))
    return decide.allowed(person, Permission.INCIDENT_APPROVE, AreaFacts(area, author=mending.proposed_by))
