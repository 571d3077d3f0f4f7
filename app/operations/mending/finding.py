"""Finding incidents: a page of them by kind, procedure, release, element and age; the causes they share; one in full."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeAlias

from sqlalchemy import Select, func, or_, select

from app.access import decide
from app.access.errors import HIDDEN
from app.access.facts import AreaFacts
from app.access.permissions import Permission
from app.cases.facts import facts_of
from app.cases.involvement import cases_in_conflict
from app.cases.models import Case, ConflictOfInterest
from app.errors import NotFound
from app.identity.models import User
from app.identity.person import Person
from app.notices.models import Notice
from app.runtime import service as runtime
from app.runtime.models import Incident, IncidentState, Instance, Release
from app.store.clock import business_now
from app.store.database import db

PAGE = 50

Query: TypeAlias = Select[*tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Filters:
    """Which incidents: the empty ones do not count.

    :param older_than: hours they have waited at least.
    :param release: the number of the release that the procedure runs on.
    """

    kind: str = ""
    process_id: str = ""
    element_id: str = ""
    message: str = ""
    release: int | None = None
    older_than: int | None = None
    resolved: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """A page of incidents, oldest first, each with the number of its release."""

    rows: list[tuple[Incident, int | None]]
    total: int
    page: int

    @property
    def pages(self) -> int:
        return max(1, -(-self.total // PAGE))


@dataclass(frozen=True, slots=True)
class Offered:
    """What the open incidents can be narrowed down by."""

    kinds: list[str]
    processes: list[str]
    elements: list[str]
    releases: list[int]


@dataclass(frozen=True, slots=True)
class Cause:
    """Incidents of the same kind, at the same element, with the same message."""

    kind: str
    process_id: str
    element_id: str
    message: str
    count: int
    example: int


@dataclass(frozen=True, slots=True)
class Causes:
    """A page of causes."""

    rows: list[Cause]
    total: int
    page: int

    @property
    def pages(self) -> int:
        return max(1, -(-self.total // PAGE))


@dataclass(frozen=True, slots=True)
class View:
    """One incident.

    :ivar cause: in sentences; types, never values.
    :ivar saw: the variables that the expression read, with the kind of value each held.
    :ivar values: the same with their values, for somebody cleared to read the case's variables; None for everybody else.
    :ivar recipient: the user name of whoever a notice was for, so that their address can be mended.
    """

    row: Incident
    instance: Instance | None
    release: int | None
    cause: str
    expression: str
    saw: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Any] | None = None
    recipient: str | None = None


def visible(person: Person) -> Query:
    """The incidents that the person may see, each with its release's number; none of a case that they have a conflict of interest in.

    :raises NotAllowed: incidents are not theirs to see.
    """
    decide.require(person, Permission.INCIDENT_READ, AreaFacts(person.area_key))
    return _around(person)


def _around(person: Person) -> Query:
    """The incidents of the person's area and of none; of every area for somebody of the installation."""
    in_conflict = Instance.case_key.in_(cases_in_conflict(person))
    query = _with_release().where(or_(Instance.case_key.is_(None), ~in_conflict))
    if person.area_key is None:
        return query
    return query.where(or_(Incident.area_key == person.area_key, Incident.area_key.is_(None)))


def _with_release() -> Query:
    return (
        select(Incident, Release.number)
        .outerjoin(Instance, Instance.key == Incident.instance_key)
        .outerjoin(Release, Release.key == Instance.release_key)
    )


def _narrow(query: Query, filters: Filters) -> Query:
    query = query.where(Incident.state == (IncidentState.RESOLVED if filters.resolved else IncidentState.ACTIVE))
    for column, wanted in (
        (Incident.kind, filters.kind),
        (Incident.process_id, filters.process_id),
        (Incident.element_id, filters.element_id),
        (Incident.message, filters.message),
    ):
        if wanted:
            query = query.where(column == wanted)
    if filters.release is not None:
        query = query.where(Release.number == filters.release)
    if filters.older_than is not None:
        query = query.where(Incident.created_at <= business_now() - timedelta(hours=filters.older_than))
    return query


def page(person: Person, filters: Filters, number: int = 1) -> Found:
    """A page of the incidents that the person may see."""
    query = _narrow(visible(person), filters)
    total = db.session.execute(select(func.count()).select_from(query.subquery())).scalar() or 0
    last = max(1, -(-total // PAGE))
    number = min(max(1, number), last)
    order = Incident.key.desc() if filters.resolved else Incident.key
    rows = db.session.execute(query.order_by(order).limit(PAGE).offset((number - 1) * PAGE))
    return Found([(row[0], row[1]) for row in rows], total, number)


def count_around(person: Person) -> int:
    """How many incidents are open in the person's area, and in none; everywhere for somebody of the installation."""
    query = _narrow(_around(person), Filters()).subquery()
    return db.session.execute(select(func.count()).select_from(query)).scalar() or 0


def causes(person: Person, number: int = 1, *, at_least: int = 1) -> Causes:
    """A page of the causes of the open incidents, the most frequent first.

    :param at_least: only those of so many incidents.
    """
    open_ = _narrow(visible(person), Filters()).subquery()
    columns = (open_.c.kind, open_.c.process_id, open_.c.element_id, open_.c.message)
    query = select(*columns, func.count().label("many"), func.min(open_.c.key)).group_by(*columns)
    query = query.having(func.count() >= at_least)
    total = db.session.execute(select(func.count()).select_from(query.subquery())).scalar() or 0
    number = min(max(1, number), max(1, -(-total // PAGE)))
    order = (func.count().desc(), open_.c.element_id, func.min(open_.c.key))
    rows = db.session.execute(query.order_by(*order).limit(PAGE).offset((number - 1) * PAGE))
    return Causes([Cause(*row) for row in rows], total, number)


def offered(person: Person) -> Offered:
    """What the open incidents can be narrowed down by."""
    open_ = _narrow(visible(person), Filters()).subquery()
    rows = db.session.execute(
        select(open_.c.kind, open_.c.process_id, open_.c.element_id, open_.c.number).distinct().limit(1_000)
    ).all()
    return Offered(
        sorted({row[0] for row in rows}),
        sorted({row[1] for row in rows if row[1]}),
        sorted({row[2] for row in rows if row[2]}),
        sorted({row[3] for row in rows if row[3] is not None}),
    )


def like(row: Incident) -> Filters:
    """Which incidents have the same cause as this one."""
    return Filters(row.kind, row.process_id, row.element_id, row.message)


def keys_of(person: Person, filters: Filters, limit: int) -> list[int]:
    """The keys of all incidents that match, oldest first."""
    query = _narrow(visible(person), filters).order_by(Incident.key).limit(limit)
    return [row[0].key for row in db.session.execute(query)]


def matching(filters: Filters, limit: int = 10_000) -> list[Incident]:
    """Incidents of every area, oldest first: for the command line of whoever runs the service."""
    query = _with_release()
    return [row[0] for row in db.session.execute(_narrow(query, filters).order_by(Incident.key).limit(limit))]


def view(person: Person, key: int) -> View:
    """One incident, open or over. Its values only for somebody cleared to read the variables of the case.

    :raises NotFound: no such incident that the person may know of.
    """
    row = db.session.get(Incident, key, populate_existing=True)
    if row is None:
        raise NotFound(HIDDEN, resource_id=str(key))
    instance = db.session.get(Instance, row.instance_key) if row.instance_key is not None else None
    cleared = _cleared(person, instance)
    area = row.area_key if row.area_key is not None else person.area_key
    if instance is not None and is_barred(person, instance.case_key):
        raise NotFound(HIDDEN, resource_id=str(key))
    if not cleared and not decide.allowed(person, Permission.INCIDENT_READ, AreaFacts(area)):
        raise NotFound(HIDDEN, resource_id=str(key))
    release = db.session.get(Release, instance.release_key) if instance is not None else None
    saw = dict(row.details.get("saw") or row.details.get("types") or {})
    values = None
    if cleared and instance is not None and row.state == IncidentState.ACTIVE and instance.state:
        held = runtime.plain_variables(instance.key, row.task_id or None)
        values = {name: held.get(name) for name in saw}
    return View(
        row,
        instance,
        release.number if release is not None else None,
        runtime.cause_of(row),
        str(row.details.get("expression") or ""),
        saw,
        values,
        recipient_of(row),
    )


def _cleared(person: Person, instance: Instance | None) -> bool:
    if instance is None or instance.case_key is None:
        return False
    case = db.session.get(Case, instance.case_key)
    return case is not None and decide.allowed(person, Permission.CASE_VARIABLES_READ, facts_of(case))


def case_of(row: Incident) -> str | None:
    """The reference of the case that has stopped; None for what belongs to none. For whoever has the command line has the database."""
    query = select(Case.reference).join(Instance, Instance.case_key == Case.key).where(Instance.key == row.instance_key)
    return db.session.execute(query).scalar()


def recipient_of(row: Incident) -> str | None:
    """The user name of whoever a notice was for; None for what is about no notice, or one to somebody without an account."""
    if row.subject_key is None or row.kind != "NOTICE":
        return None
    query = select(User.username).join(Notice, Notice.recipient_key == User.key).where(Notice.key == row.subject_key)
    return db.session.execute(query).scalar()


def is_barred(person: Person, case_key: int | None) -> bool:
    """Whether the person has a conflict of interest in the case: it beats what they may do with incidents, too."""
    if case_key is None:
        return False
    return (
        db.session.execute(cases_in_conflict(person).where(ConflictOfInterest.case_key == case_key)).first() is not None
    )
