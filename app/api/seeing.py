"""Which instances a person may know of, and whose insides they may look into: where their tokens are, and their variables."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import ColumnElement, and_, or_, select

from app import audit
from app.access import decide
from app.access.facts import AreaFacts
from app.access.permissions import Permission
from app.agencies import service as agencies
from app.api import search
from app.api.blueprints import area_of, caller, key_from
from app.cases.clearance import may_see_case
from app.cases.dossiers import find_case
from app.cases.facts import facts_of_all
from app.cases.involvement import cases_in_conflict
from app.cases.models import Case
from app.cases.search import cases_for
from app.errors import NotAllowed, NotFound
from app.identity.person import Person
from app.meetings import attendance
from app.meetings.models import AgendaItem, Meeting
from app.runtime import releases
from app.runtime.models import Instance, ProcessDefinition
from app.store.database import db

ALL_CASES = 100_000
Row = tuple[Instance, ProcessDefinition]


def facts_of_area(area_key: int) -> AreaFacts:
    """An area as access sees it."""
    return AreaFacts(area_key, demo=agencies.area(area_key).demo)


# ------------------------------------------------------------------------------------------------ knowing of it
def visible(person: Person) -> search.Query:
    """The instances that the person may see: those of cases and meetings that they may see, and of the others those
    that they started or that are theirs to look at by role."""
    area_key = area_of(person)
    ways: list[ColumnElement[bool]] = [
        Instance.case_key.in_([case.key for case in cases_for(person, limit=ALL_CASES)]),
        and_(Instance.case_key.is_(None), Instance.meeting_key.in_(_meetings(person, area_key))),
    ]
    of_neither = and_(Instance.case_key.is_(None), Instance.meeting_key.is_(None))
    if decide.allowed(person, Permission.INSTANCE_READ, facts_of_area(area_key)):
        ways.append(of_neither)
    else:
        ways.append(and_(of_neither, Instance.started_by == person.key))
    return (
        select(Instance, ProcessDefinition)
        .join(ProcessDefinition, ProcessDefinition.key == Instance.definition_key)
        .where(Instance.area_key == area_key, or_(*ways))
    )


def _meetings(person: Person, area_key: int) -> list[int]:
    rows = db.session.execute(select(Meeting).where(Meeting.area_key == area_key)).scalars().all()
    attendance.fetch([row.key for row in rows])
    return [row.key for row in rows if decide.allowed(person, Permission.MEETING_READ, attendance.facts_of(row))]


def find(key: str) -> Row:
    """An instance that the person may see, and its definition.

    :raises NotFound: none.
    """
    return find_for(caller(), key)


def find_for(person: Person, key: str) -> Row:
    """The same for somebody who does not ask in a request."""
    row = db.session.get(Instance, key_from(key))
    if row is None or not may_see(person, row):
        raise NotFound("There is no such instance.", resource_id=key)
    return row, releases.definition(row.definition_key)


def may_see(person: Person, row: Instance) -> bool:
    """The rule of :func:`visible` for one instance."""
    if person.area_key != row.area_key:
        return False
    if row.case_key is not None:
        return may_see_case(person, find_case(row.case_key))
    if row.meeting_key is not None:
        meeting = db.session.get(Meeting, row.meeting_key)
        return meeting is not None and decide.allowed(person, Permission.MEETING_READ, attendance.facts_of(meeting))
    facts = AreaFacts(row.area_key, demo=agencies.area(row.area_key).demo, starter=row.started_by)
    return decide.allowed(person, Permission.INSTANCE_READ, facts)


# ------------------------------------------------------------------------------------------------ looking into it
def path_of(key: str) -> Row:
    """An instance of which the person may see how far it is: every element, not its outline.

    :raises NotFound: none, or the person may not know of it.
    :raises NotAllowed: the person may know of it, and not of its path.
    """
    return _inside(key, Permission.INSTANCE_READ, "path")


def variables_of(key: str) -> Row:
    """An instance whose variables the person may see. Those of a case are the case's: the look is recorded.

    :raises NotFound, NotAllowed: see :func:`path_of`.
    """
    return _inside(key, Permission.ENGINE_VARIABLE_READ, "variables")


def _inside(key: str, permission: Permission, what: str) -> Row:
    row, definition = find(key)
    if not open_to(caller(), [(row, definition)], permission):
        if row.case_key is None and row.meeting_key is None:
            raise NotFound("There is no such instance.", resource_id=key)
        raise NotAllowed("You may not see what is inside this procedure.", resource_id=key)
    looked_into([row], what)
    return row, definition


def open_to(person: Person, rows: Sequence[Row], permission: Permission) -> list[Row]:
    """Those of some visible instances that the person may look into.

    Where a case has got to tells what was decided in it: the same people as its variables. The co-ordinator and those who
    chair look after meetings; who may come to one does not see into it, nor does who must not see one of its cases.

    :param permission: what it takes for an instance about no case and no meeting.
    """
    facts = facts_of_all(cases_among({row.case_key for row, _ in rows if row.case_key is not None}))
    cleared = {key for key in facts if decide.allowed(person, Permission.CASE_VARIABLES_READ, facts[key])}
    barred = _meetings_in_conflict(person) if any(row.meeting_key is not None for row, _ in rows) else set()
    found = []
    for row, definition in rows:
        if row.case_key is not None:
            may = row.case_key in cleared
        elif row.meeting_key is not None:
            looks_after = decide.allowed(person, Permission.INSTANCE_READ, AreaFacts(row.area_key))
            may = looks_after and row.meeting_key not in barred
        else:
            demo = agencies.area(row.area_key).demo
            may = decide.allowed(person, permission, AreaFacts(row.area_key, demo=demo, starter=row.started_by))
        if may:
            found.append((row, definition))
    return found


def _meetings_in_conflict(person: Person) -> set[int]:
    """The meetings that hear a case which the person has a conflict of interest in: what is inside tells of all their cases."""
    heard = select(AgendaItem.meeting_key).where(AgendaItem.case_key.in_(cases_in_conflict(person)))
    return set(db.session.execute(heard).scalars())


def looked_into(rows: Sequence[Instance], what: str) -> None:
    """Record the look into those that are about a case or a meeting. :param what: ``path`` or ``variables``."""
    for row in rows:
        if row.case_key is not None:
            audit.view(caller(), f"instance-{what}", subject=f"instance:{row.key}", case_key=row.case_key)
        elif row.meeting_key is not None:
            audit.view(caller(), f"instance-{what}", subject=f"instance:{row.key}", meeting_key=row.meeting_key)


# ------------------------------------------------------------------------------------------------ the record
def records_open_to(person: Person) -> list[int]:
    """The cases and meetings whose record of what was decided, and why, the person may read, by key."""
    cases = cases_for(person, limit=ALL_CASES)
    facts = facts_of_all(cases)
    found = [case.key for case in cases if decide.allowed(person, Permission.CASE_LOG_READ, facts[case.key])]
    area_key = area_of(person)
    if decide.allowed(person, Permission.INSTANCE_READ, AreaFacts(area_key)):
        barred = _meetings_in_conflict(person)
        found += [key for key in _meetings(person, area_key) if key not in barred]
    return found


def cases_among(keys: Collection[int]) -> list[Case]:
    """Those of some keys of cases and meetings that are cases."""
    return list(db.session.execute(select(Case).where(Case.key.in_(keys))).scalars()) if keys else []
