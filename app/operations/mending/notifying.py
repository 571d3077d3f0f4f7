"""Who is told about a mending: whoever may approve it that it waits, whoever proposed it how it was decided, whoever may take it over that
it has stopped. A notice says that there is something to read, and nothing of what it is."""

from __future__ import annotations

from sqlalchemy import select

from app import notices
from app.identity import register
from app.identity.person import Person
from app.identity.roles import Role
from app.notices import Template
from app.operations.mending.answering import may_answer
from app.operations.mending.history import barred
from app.operations.mending.models import Act, Mending, MendingState
from app.store.database import db

_DECIDED = {
    MendingState.REFUSED: "What you proposed has been refused. Nothing was changed.",
    MendingState.STALE: "What you proposed was approved, but could not be done any more. Nothing was changed.",
    MendingState.RUNNING: "What you proposed has been approved and is being done.",
    MendingState.DONE: "What you proposed has been approved and done.",
}


def proposed(mending: Mending) -> None:
    """It waits: tell the process owners of the area who may approve it."""
    _tell(mending, Template.MENDING_PROPOSED, Role.PROCESS_OWNER)


def stopped(mending: Mending) -> None:
    """Whoever answered for it may not do it any more: tell those who may take it over."""
    role = Role.OPERATOR if mending.act == Act.RETRY else Role.PROCESS_OWNER
    _tell(mending, Template.MENDING_STOPPED, role)


def decided(mending: Mending) -> None:
    """It was approved or refused: tell whoever proposed it, unless they took it back themselves."""
    if mending.proposed_by is None or mending.proposed_by == mending.decided_by:
        return
    _send(mending, Template.MENDING_DECIDED, [mending.proposed_by], _DECIDED[MendingState(mending.state)])


def _tell(mending: Mending, template: Template, role: Role) -> None:
    if mending.area_key is None:
        return
    people = register.holders(role, area_key=mending.area_key)
    may = [one.key for one in people if may_answer(one, mending) and not _is_barred(one, mending)]
    _send(mending, template, may)


def _is_barred(person: Person, mending: Mending) -> bool:
    query = select(Mending.key).where(Mending.key == mending.key, barred(person))
    return db.session.execute(query).first() is not None


def _send(mending: Mending, template: Template, people: list[int], what: str | None = None) -> None:
    if mending.area_key is None or not people:
        return
    notices.send(
        template,
        people,
        reference=f"Mending {mending.key}",
        what=what,
        due=None,
        path=f"/admin/incidents/proposals/{mending.key}",
        area_key=mending.area_key,
    )
