"""Finding cases: by reference, or by a name through the blind index. Never by a name in a column or a log."""

from __future__ import annotations

from sqlalchemy import ColumnElement, and_, or_, select

from app.access import decide
from app.access.facts import Ground, Phase, states_of
from app.access.listing import Clause, where_to_look
from app.access.permissions import Permission
from app.cases.facts import facts_of_all
from app.cases.matching import NAME, NICKNAME, ONE_SOUND, tokens_of
from app.cases.models import Case, CaseState, Involvement, MatchToken
from app.identity.person import Person
from app.store.database import db
from app.store.vault import active

_CHUNK = 200


def cases_named(person: Person, text: str) -> list[int]:
    """Keys of cases with a party of that name, of those whose names the person may see."""
    kinds = {NAME, NICKNAME, ONE_SOUND} if len(text.split()) == 1 else {NAME, NICKNAME}
    tokens = {active().index_token(kind, value) for kind, value in tokens_of(text, (), None) if kind in kinds}
    if not tokens or person.area_key is None:
        return []
    keys = db.session.execute(
        select(MatchToken.case_key)
        .join(Case, Case.key == MatchToken.case_key)
        .where(MatchToken.token.in_(tokens), Case.area_key == person.area_key)
        .distinct()
    ).scalars()
    cases = list(db.session.execute(select(Case).where(Case.key.in_(list(keys)))).scalars())
    facts = facts_of_all(cases)
    return [
        case.key
        for case in cases
        if case.state != CaseState.DISPOSED and decide.allowed(person, Permission.CASE_PARTIES_READ, facts[case.key])
    ]


def cases_for(
    person: Person, *, state: str | None = None, text: str = "", limit: int, below: int | None = None
) -> list[Case]:
    """Cases that the person may see, newest first, at most ``limit`` of them.

    :param below: only those that began before the case of this key.
    """
    ways = where_to_look(person, Permission.CASE_SUMMARY_READ)
    if person.area_key is None or not ways:
        return []
    query = select(Case).where(Case.area_key == person.area_key, or_(*(_by(way) for way in ways)))
    if state:
        query = query.where(Case.state == state)
    if text.strip():
        named = cases_named(person, text)
        matches = Case.reference.ilike(f"%{text.strip()}%")
        query = query.where(matches | Case.key.in_(named) if named else matches)
    found: list[Case] = []
    while len(found) < limit:
        page = query.order_by(Case.key.desc()).limit(_CHUNK)
        rows = list(db.session.execute(page if below is None else page.where(Case.key < below)).scalars())
        facts = facts_of_all(rows)
        found += [case for case in rows if decide.allowed(person, Permission.CASE_SUMMARY_READ, facts[case.key])]
        if len(rows) < _CHUNK:
            break
        below = rows[-1].key
    return found[:limit]


def _by(way: Clause) -> ColumnElement[bool]:
    """The cases that a way leads to, as a condition."""
    submitted = and_(Case.submitted_at.is_not(None), Case.state.in_(sorted(states_of(way.phases))))
    drafted = and_(Case.submitted_at.is_(None), Case.state != CaseState.DISPOSED)
    stands = or_(submitted, drafted) if Phase.DRAFT in way.phases else submitted
    if Phase.ADDED in way.phases:
        stands = or_(stands, and_(drafted, Case.merged_into.is_not(None)))
    if way.agency_key is None:
        return stands
    involved = select(Involvement.case_key).where(
        Involvement.agency_key == way.agency_key,
        Involvement.ground.in_(sorted(way.any_of)),
        Involvement.until.is_(None),
    )
    if Ground.REFERRER not in way.any_of:
        return and_(stands, Case.key.in_(involved))
    return and_(stands, or_(Case.key.in_(involved), Case.referring_agency_key == way.agency_key))
