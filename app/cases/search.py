"""Finding cases: by reference, or by a name through the blind index. Never by a name in a column or a log."""

from __future__ import annotations

from sqlalchemy import select

from app.cases.clearance import may_see_case, may_see_names
from app.cases.matching import NAME, NICKNAME, ONE_SOUND, tokens_of
from app.cases.models import Case, MatchToken
from app.identity.person import Person
from app.store.database import db
from app.store.vault import active


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
    found = []
    for key in keys:
        case = db.session.get(Case, key)
        if case is not None and may_see_names(person, case):
            found.append(key)
    return found


def cases_for(person: Person, *, state: str | None = None, text: str = "", limit: int = 200) -> list[Case]:
    """Cases that the person may see, newest first."""
    if person.area_key is None:
        return []
    query = select(Case).where(Case.area_key == person.area_key)
    if state:
        query = query.where(Case.state == state)
    if text.strip():
        named = cases_named(person, text)
        matches = Case.reference.ilike(f"%{text.strip()}%")
        query = query.where(matches | Case.key.in_(named) if named else matches)
    rows = db.session.execute(query.order_by(Case.key.desc())).scalars()
    found: list[Case] = []
    for case in rows:
        if may_see_case(person, case):
            found.append(case)
            if len(found) >= limit:
                break
    return found
