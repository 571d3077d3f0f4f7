"""Is this victim, this perpetrator known? A keyed blind index finds candidates; the person who decides sees them, nothing is merged.

Each party leaves tokens: the whole name, each pairing of a given name (nicknames folded) with the sound of the family name, the date of
birth, and the date with day and month exchanged. A candidate shares a name-like token, or the date of birth and the sound of one name.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import delete, select

from app.cases.models import Case, MatchDecision, MatchToken, Party
from app.store.clock import business_now
from app.store.database import db, new_key
from app.store.flushing import put, remove, untouched, waiting_rows
from app.store.remembering import tell, told
from app.store.shelf import rows_of
from app.store.vault import active

NAME, SOUND, NICKNAME, BORN, BORN_SWAPPED, ONE_SOUND = "name", "sound", "nickname", "born", "born-swapped", "one-sound"

_FAMILIES = (
    "elizabeth liz lizzie beth betty eliza libby elsie",
    "margaret maggie meg peggy greta",
    "katherine catherine kathryn kate katie cathy kathy cath kath",
    "siobhan shivaun shevaun chevonne",
    "niamh neve neave",
    "caoimhe keeva kiva",
    "sinead shinade",
    "aoife eefa",
    "alexandra alex sandra lexi sasha",
    "alexander alex alec sandy",
    "william will bill billy liam",
    "robert rob bob bobby robbie bert",
    "richard rick ricky dick rich",
    "james jim jimmy jamie",
    "john jack johnny jon",
    "jonathan jon jonny",
    "michael mike mick micky",
    "muhammad mohammed mohammad mohamed muhammed mohamad mo",
    "ahmed ahmad",
    "hussein hussain husain husayn",
    "yusuf yousef yousuf joseph joe",
    "fatima fatimah fatma",
    "aisha ayesha aysha aicha",
    "patricia pat patsy trish tricia",
    "patrick pat paddy",
    "thomas tom tommy",
    "daniel dan danny",
    "david dave davy",
    "anthony antony tony",
    "andrew andy drew",
    "christopher chris kit",
    "christine chris chrissie christina tina",
    "edward ed eddie ted ned",
    "steven stephen steve stevie",
    "susan sue susie suzanne",
    "victoria vicky vicki tori",
    "rebecca becky becca bex",
    "deborah deb debbie debra",
    "jennifer jen jenny",
    "samantha sam sammy",
    "samuel sam sammy",
    "nicholas nick nicky",
    "nicola nicky nikki",
    "matthew matt",
    "gregory greg",
    "joanne jo joanna",
    "sara sarah",
    "ann anne anna annie",
    "zainab zaynab zeinab",
    "agnieszka aga",
    "malgorzata gosia",
    "katarzyna kasia",
    "oleksandr alexander sasha",
)
_CANON: dict[str, set[str]] = {}
for _family in _FAMILIES:
    _members = _family.split()
    for _member in _members:
        _CANON.setdefault(_member, set()).add(_members[0])


@dataclass(frozen=True)
class Candidate:
    """An earlier party that may be the same person, and why."""

    case_key: int
    reference: str
    party_key: int
    role: str
    reasons: tuple[str, ...]
    score: int
    decided: bool | None


def normalise(name: str) -> list[str]:
    """The parts of a name: no accents, no punctuation, lower case, in the order given."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c)).lower()
    return re.findall(r"[a-z0-9]+", re.sub(r"['’`-]", "", plain)) or re.findall(r"\w+", plain)


def _sound(part: str) -> str:
    from jellyfish import metaphone  # large for what only the parties of a case need

    return metaphone(part) or part


def tokens_of(name: str, aliases: Iterable[str], born: date | None) -> set[tuple[str, str]]:
    """(kind, normalised value) pairs of one person, before keying."""
    found: set[tuple[str, str]] = set()
    for one in (name, *aliases):
        parts = normalise(one)
        if not parts:
            continue
        found.add((NAME, " ".join(sorted(parts))))
        found.add((SOUND, " ".join(sorted(_sound(p) for p in parts))))
        for part in parts:
            found.add((ONE_SOUND, _sound(part)))
        if len(parts) > 1:
            given, family = parts[0], _sound(parts[-1])
            for canon in {given, *_CANON.get(given, ())}:
                found.add((NICKNAME, f"{canon} {family}"))
    if born:
        found.add((BORN, born.isoformat()))
        if born.day <= 12:
            found.add((BORN_SWAPPED, date(born.year, born.day, born.month).isoformat()))
    return found


def index_party(case_key: int, party_key: int, name: str, aliases: Iterable[str], born: date | None) -> None:
    """Write the keyed tokens of a party."""
    for kind, value in sorted(tokens_of(name, aliases, born)):
        if kind == BORN_SWAPPED:
            continue  # looked for, never stored: storing both sides would match two wrong dates
        token = active().index_token(kind, value)
        row = {"key": new_key(), "case_key": case_key, "party_key": party_key, "kind": kind, "token": token}
        put(MatchToken, ("key",), [row])


def forget_index(case_key: int) -> None:
    """Remove the tokens of a case's parties."""
    remove(MatchToken, ("key",), case_key=case_key)


def forget_decisions(party_keys: Collection[int]) -> None:
    """Nothing is decided about these people any more, nor about others in regard to them."""
    if party_keys:
        about = MatchDecision.party_key.in_(party_keys) | MatchDecision.other_party_key.in_(party_keys)
        db.session.execute(delete(MatchDecision).where(about))


_SAYS = {
    NAME: "same name",
    SOUND: "name sounds the same",
    NICKNAME: "known short form of the same name",
    BORN: "same date of birth",
    BORN_SWAPPED: "date of birth with day and month exchanged",
    ONE_SOUND: "part of the name sounds the same",
}
_WEIGHT = {NAME: 5, NICKNAME: 4, SOUND: 4, BORN: 3, BORN_SWAPPED: 2, ONE_SOUND: 1}


@dataclass(frozen=True)
class Sought:
    """Somebody of a case who is looked for among earlier parties."""

    party_key: int
    name: str
    aliases: tuple[str, ...]
    born: date | None


def candidates(case_key: int, party_key: int, name: str, aliases: Iterable[str], born: date | None) -> list[Candidate]:
    """Earlier parties of other cases in the same area that may be this person: best first, of equals those of the newest case."""
    return candidates_for(case_key, (Sought(party_key, name, tuple(aliases), born),))[party_key]


def candidates_for(case_key: int, people: Collection[Sought]) -> dict[int, list[Candidate]]:
    """The same for several people, by party, in two statements. All of them: whether a referral is a repeat hangs on each."""
    wanted: dict[int, dict[str, str]] = {}
    for one in people:
        tokens = wanted.setdefault(one.party_key, {})
        for kind, value in tokens_of(one.name, one.aliases, one.born):
            tokens.setdefault(active().index_token(BORN if kind == BORN_SWAPPED else kind, value), kind)
    area = select(Case.area_key).where(Case.key == case_key).scalar_subquery()
    query = (
        select(MatchToken.case_key, MatchToken.party_key, MatchToken.token, Case.reference, Party.role)
        .join(Case, Case.key == MatchToken.case_key)
        .join(Party, Party.key == MatchToken.party_key)
        .where(
            MatchToken.token.in_({token for tokens in wanted.values() for token in tokens}),
            MatchToken.case_key != case_key,
            Case.area_key == area,
        )
    )
    fresh, gone = waiting_rows(MatchToken)
    own = all(each["case_key"] == case_key for each in (*fresh, *gone))
    asked = ("alike", case_key, frozenset(token for tokens in wanted.values() for token in tokens))
    rows = told(asked) if own else None
    if rows is None:
        with untouched() if own else nullcontext():  # the case's own tokens are not asked for
            rows = db.session.execute(query).all()
        tell(asked, (), rows, shared=True)
    decided = _decided(wanted.keys())
    return {key: _best(key, tokens, rows, decided) for key, tokens in wanted.items()}


def _decided(party_keys: Collection[int]) -> dict[tuple[int, int], bool]:
    found = rows_of(MatchDecision.party_key, party_keys, MatchDecision)
    return {(row.party_key, row.other_party_key): row.same for rows in found.values() for row in rows}


def _best(
    party_key: int, wanted: Mapping[str, str], rows: Iterable[Any], decided: Mapping[tuple[int, int], bool]
) -> list[Candidate]:
    hits: dict[int, tuple[int, str, str, set[str]]] = {}
    for other_case, other_party, token, reference, role in rows:
        if token in wanted:
            hits.setdefault(other_party, (other_case, reference, role, set()))[3].add(wanted[token])
    found = []
    for other_party, (other_case, reference, role, kinds) in hits.items():
        name_like = kinds & {NAME, SOUND, NICKNAME}
        if not name_like and not (kinds & {BORN, BORN_SWAPPED} and ONE_SOUND in kinds):
            continue
        if name_like:
            kinds = kinds - {ONE_SOUND}
        if NAME in kinds:
            kinds = kinds - {SOUND, NICKNAME}
        score = sum(_WEIGHT[k] for k in kinds)
        reasons = tuple(_SAYS[k] for k in sorted(kinds, key=lambda k: -_WEIGHT[k]))
        found.append(
            Candidate(other_case, reference, other_party, role, reasons, score, decided.get((party_key, other_party)))
        )
    return sorted(found, key=lambda c: (-c.score, -c.case_key))


def decide(case_key: int, party_key: int, other_case: int, other_party: int, *, same: bool, by: int) -> None:
    """Record the co-ordinator's decision on a candidate."""
    made = rows_of(MatchDecision.party_key, (party_key,), MatchDecision)[party_key]
    row = next((one for one in made if one.other_party_key == other_party), None)
    if row is None:
        row = MatchDecision(
            case_key=case_key, party_key=party_key, other_case_key=other_case, other_party_key=other_party
        )
        db.session.add(row)
    row.same, row.decided_by, row.decided_at = same, by, business_now()


def undecide(party_key: int, other_party: int) -> None:
    """The co-ordinator cannot tell (any more)."""
    pair = (MatchDecision.party_key == party_key) & (MatchDecision.other_party_key == other_party)
    db.session.execute(delete(MatchDecision).where(pair))
