"""What completing a task is going to ask for, read in one statement when the task is taken in hand.

Rows of several tables that have nothing to do with each other stand one kind after the other, each in columns of its own. Each kind is then
known under the question that would ask for it. What is not foreseen here is asked for when it is wanted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    Subquery,
    and_,
    bindparam,
    cast,
    exists,
    false,
    literal,
    null,
    or_,
    select,
    union_all,
)
from sqlalchemy.orm import Bundle, aliased
from sqlalchemy.types import TypeEngine

from app.agencies import parameters
from app.agencies import service as agencies
from app.agencies.models import Agency, Parameter
from app.cases import deadlines, involvement, parties
from app.cases.models import Case, ConflictOfInterest, Deadline, Dossier, Involvement, Party
from app.identity import register
from app.identity.models import User
from app.identity.person import Person
from app.runtime.models import StartSubscription, Subscription
from app.store.database import db
from app.store.remembering import tell
from app.work.models import Draft, WorkItem

CLOSED = "task-closed"  # the message by which whoever chases a task hears that it is over

Asked = Mapping[str, Any]
Found = Mapping[type[Any], list[Any]]


def _at_hand(_asked: Asked, _found: Found) -> None:
    """Rows that are got by their keys."""


@dataclass(frozen=True, slots=True, eq=False)
class Kind:
    """Rows of one table that are read along.

    :ivar which: the condition, with the parameters of :func:`asked`.
    :ivar keep: makes them known.
    :ivar columns: what is read of each row besides its key, when that is less than the row.
    """

    model: type[Any]
    which: ColumnElement[bool]
    keep: Callable[[Asked, Found], None] = _at_hand
    columns: tuple[str, ...] = ()


def asked(name: str) -> ColumnElement[int]:
    """A key of the task that is taken in hand: its ``area``, ``agency``, ``case``, ``meeting`` and ``dossier``, who is at it (``person``)
    and their agency (``home``, the task's own before it), and the one that its deadline is named after (``named``)."""
    return bindparam(name, type_=BigInteger)


_listed = aliased(Case)
# The meetings that a task has to do with: its own, and the one that its case is listed for.
MEETINGS = (asked("meeting"), select(_listed.meeting_key).where(_listed.key == asked("case")).scalar_subquery())


def meetings_of(asked_for: Asked, found: Found) -> set[int]:
    """The same, once they are read."""
    listed = (case.meeting_key for case in found.get(Case, ()) if case.key == asked_for["case"])
    return {key for key in (asked_for["meeting"], *listed) if key is not None}


def _keep_draft(asked_for: Asked, found: Found) -> None:
    tell(("draft", asked_for["item"], asked_for["person"]), (Draft,), (next(iter(found[Draft]), None),))


def _keep_deadlines(asked_for: Asked, found: Found) -> None:
    case = asked_for["case"]
    deadlines.read_already(meetings_of(asked_for, found) | ({case} if case is not None else set()), found[Deadline])


def _keep_involved(asked_for: Asked, found: Found) -> None:
    if asked_for["case"] is not None:
        involvement.read_already(asked_for["case"], found[ConflictOfInterest], found[Involvement])


DOSSIERS = Kind(Dossier, Dossier.key.in_((asked("dossier"), asked("meeting"))))
DRAFT = Kind(Draft, and_(Draft.item_key == asked("item"), Draft.user_key == asked("person")), _keep_draft)
DEADLINES = Kind(
    Deadline,
    and_(Deadline.dossier_key.in_((asked("case"), *MEETINGS)), Deadline.superseded_at.is_(None)),
    _keep_deadlines,
)
AGENCY = Kind(Agency, Agency.key == asked("agency"))
CASE = Kind(Case, Case.key == asked("case"))
CONFLICTS = Kind(
    ConflictOfInterest,
    and_(ConflictOfInterest.case_key == asked("case"), ConflictOfInterest.lifted_at.is_(None)),
    _keep_involved,
)
INVOLVED = Kind(Involvement, and_(Involvement.case_key == asked("case"), Involvement.until.is_(None)))
ALWAYS = (DOSSIERS, DRAFT, DEADLINES, AGENCY, CASE, CONFLICTS, INVOLVED)
PARTIES = Kind(
    Party, Party.case_key == asked("case"), lambda known, found: parties.read_already(known["case"], found[Party])
)
AGENCIES = Kind(
    Agency,
    Agency.area_key == asked("area"),
    lambda known, found: agencies.read_already(known["area"], found[Agency]),
)
COLLEAGUES = Kind(
    User,
    register.is_of(asked("home")),
    lambda known, found: register.read_already(known["home"], found[User]),
)
ONESELF = Kind(User, User.key == asked("person"))
PARAMETERS = Kind(
    Parameter,
    Parameter.area_key == asked("area"),
    lambda known, found: parameters.read_already(known["area"], found[Parameter]),
    ("name", "type", "value", "effective_from"),
)


def read(item: WorkItem, person: Person, further: Iterable[Kind]) -> bool:
    """Read a task's dossier, the person's draft, the agency, the case with its conflicts of interest, grounds and deadlines, and more.

    :param further: the last of a table is what is read of it.
    :returns: whether somebody waits to hear that the task is over.
    """
    wanted = tuple({kind.model: kind for kind in (*ALWAYS, *further)}.values())
    asked_for = {
        "dossier": item.dossier_key,
        "item": item.key,
        "reference": str(item.key),
        "person": person.key,
        "area": item.area_key,
        "agency": item.agency_key,
        "home": item.agency_key or person.agency_key,
        "case": item.case_key,
        "meeting": item.meeting_key,
        "named": item.named,
    }
    found, chased = _ask(wanted, asked_for, chased=True)
    for kind in wanted:
        kind.keep(asked_for, found)
    return chased


def together(kinds: tuple[Kind, ...], asked_for: Asked) -> Found:
    """Read rows of several tables in one statement and make them known; nothing else is asked.

    :param asked_for: what the conditions of the kinds ask for.
    """
    found, _ = _ask(kinds, asked_for, chased=False)
    for kind in kinds:
        kind.keep(asked_for, found)
    return found


def _ask(kinds: tuple[Kind, ...], asked_for: Asked, *, chased: bool) -> tuple[dict[type[Any], list[Any]], bool]:
    found: dict[type[Any], list[Any]] = {kind.model: [] for kind in kinds}
    waits = False
    for number, *rows in db.session.execute(_side_by_side(kinds, chased), dict(asked_for)):
        if number < len(kinds):
            found[kinds[number].model].append(rows[number])
        else:
            waits = bool(rows[number])
    return found, waits


@lru_cache(maxsize=64)
def _side_by_side(kinds: tuple[Kind, ...], chased: bool) -> Select[Any]:
    """A union of the rows of each kind, and one that says whether the task is chased, if that is asked.

    Each kind has a column of its own for its key, by which a row is known to be of that kind. The other columns serve every kind that has
    one of that type: a row costs by its width.
    """
    placed = [_placed(kind) for kind in kinds]
    places = list(dict.fromkeys(chain.from_iterable(placed)))
    empty = [*(BigInteger() for _ in kinds), *(type_() for type_, _ in places)]
    nothing = [cast(null(), type_).label(f"c{place}") for place, type_ in enumerate(empty)]
    waits = _is_chased() if chased else false()
    parts = [select(literal(len(kinds)).label("number"), waits.label("chased"), *nothing)]
    for number, (kind, columns) in enumerate(zip(kinds, placed, strict=True)):
        keys = [kind.model.__table__.c.key if number == each else null() for each in range(len(kinds))]
        others = [columns.get(place, null()) for place in places]
        parts.append(select(literal(number), null(), *keys, *others).where(kind.which))
    rows = union_all(*parts).subquery("along")
    return select(rows.c.number, *(_row_of(kind, rows) for kind in kinds), rows.c.chased)


def _is_chased() -> ColumnElement[bool]:
    waits = exists().where(
        Subscription.area_key == asked("area"),
        Subscription.message == CLOSED,
        Subscription.correlation_key == bindparam("reference"),
    )
    starts = exists().where(StartSubscription.area_key == asked("area"), StartSubscription.name == CLOSED)
    return or_(waits, starts)


Place = tuple[type[TypeEngine[Any]], int]


def _placed(kind: Kind) -> dict[Place, Any]:
    """The columns of a kind, but for its key, each as the first, second, third… of its type."""
    taken: Counter[type[TypeEngine[Any]]] = Counter()
    placed = {}
    for column in kind.model.__table__.columns:
        if column.name != "key" and (not kind.columns or column.name in kind.columns):
            placed[(type(column.type), taken[type(column.type)])] = column
            taken[type(column.type)] += 1
    return placed


def _row_of(kind: Kind, rows: Subquery) -> Any:
    if not kind.columns:
        return aliased(kind.model, rows)
    columns = (kind.model.__table__.c[name] for name in (*kind.columns, "key"))
    found = ((column.name, rows.corresponding_column(column)) for column in columns)
    return Bundle(kind.model.__name__, *(place.label(name) for name, place in found if place is not None))
