"""Is this person known? The blind index finds spellings, nicknames, sounds and dates, and leaves no name behind."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from app.cases import matching
from app.cases.dossiers import find_case, open_case
from app.cases.matching import Candidate, normalise, tokens_of
from app.cases.models import MatchToken, PartyRole
from app.cases.parties import PartyDetails, parties, replace_parties
from app.operations import people
from app.store.clock import business_now
from app.store.database import db

AREA = 1


def _case(*people: tuple[PartyRole, PartyDetails]) -> int:
    case = open_case(AREA, "marac-case", by=1, agency_key=None)
    replace_parties(case.key, people)
    return case.key


def _found(known: PartyDetails, asked: PartyDetails) -> list[Candidate]:
    _case((PartyRole.VICTIM, known))
    mine = _case((PartyRole.VICTIM, asked))
    (party,) = parties(mine)
    return matching.candidates(mine, party.key, asked.name, asked.aliases, asked.born)


@pytest.mark.parametrize(
    ("known", "asked", "why"),
    [
        (PartyDetails("Elin Marsh"), PartyDetails("ELIN  MARSH"), "same name"),
        (PartyDetails("Elin Marsh"), PartyDetails("Marsh, Elin"), "same name"),
        (PartyDetails("Zoë Müller"), PartyDetails("Zoe Muller"), "same name"),
        (PartyDetails("Siobhan Doyle"), PartyDetails("Shivaun Doyle"), "known short form of the same name"),
        (PartyDetails("Elizabeth Hart"), PartyDetails("Liz Hart"), "known short form of the same name"),
        (PartyDetails("Catherine Smyth"), PartyDetails("Kathryn Smith"), "known short form of the same name"),
        (PartyDetails("Stephen Clark"), PartyDetails("Steven Clarke"), "name sounds the same"),
        (PartyDetails("Elin Marsh", aliases=("Ellie Pole",)), PartyDetails("Ellie Pole"), "same name"),
        (
            PartyDetails("Ana Silva", dob="1990-02-03"),
            PartyDetails("Ana Costa", dob="1990-02-03"),
            "same date of birth",
        ),
        (
            PartyDetails("Ana Silva", dob="1990-02-03"),
            PartyDetails("Ana Costa", dob="1990-03-02"),
            "date of birth with day and month exchanged",
        ),
    ],
)
def test_a_known_person_is_found_and_it_says_why(
    app: Flask, known: PartyDetails, asked: PartyDetails, why: str
) -> None:
    with app.app_context():
        (only,) = _found(known, asked)
        assert why in only.reasons


@pytest.mark.parametrize(
    ("known", "asked"),
    [
        (PartyDetails("Elin Marsh"), PartyDetails("Elin Forster")),
        (PartyDetails("Elin Marsh", dob="1990-02-03"), PartyDetails("Rosa Hale", dob="1990-02-03")),
        (PartyDetails("Elin Marsh", dob="1990-02-03"), PartyDetails("Elin Forster", dob="1991-02-03")),
    ],
)
def test_somebody_else_is_not_found(app: Flask, known: PartyDetails, asked: PartyDetails) -> None:
    with app.app_context():
        assert _found(known, asked) == []


def test_a_decision_is_kept_with_the_candidate(app: Flask) -> None:
    with app.app_context():
        earlier = _case((PartyRole.VICTIM, PartyDetails("Elin Marsh")))
        mine = _case((PartyRole.VICTIM, PartyDetails("Elin Marsh")))
        (party,), (other,) = parties(mine), parties(earlier)
        matching.decide(mine, party.key, earlier, other.key, same=False, by=5)
        db.session.flush()
        (only,) = matching.candidates(mine, party.key, "Elin Marsh", (), None)
        assert only.decided is False


ALAN = PartyDetails("Alan Marr", dob="1980-01-02")
BRIAN = PartyDetails("Brian Marr", dob="1982-03-04")
LEE = PartyDetails("Lee Marr", relationship="brother")
OTHER_LEE = PartyDetails("Lee Marr", relationship="father")


def _decided_after(first: list[PartyDetails], then: list[PartyDetails]) -> list[bool | None]:
    """What is decided, in turn, on each perpetrator of a correction; before it the first was somebody known and the others were not."""
    role = PartyRole.PERPETRATOR
    earlier = _case(*((role, one) for one in first))
    mine = _case(*((role, one) for one in first))
    for party, other in zip(parties(mine), parties(earlier), strict=True):
        matching.decide(mine, party.key, earlier, other.key, same=party.position == 0, by=5)
    replace_parties(mine, [(role, one) for one in then])
    db.session.flush()
    decided = people.decided_pairs(mine)
    return [next((d.same for d in decided if d.party_key == party.key), None) for party in parties(mine)]


@pytest.mark.parametrize(
    ("first", "then", "decided"),
    [
        ([ALAN, BRIAN], [BRIAN, ALAN], [False, True]),
        ([ALAN, BRIAN], [BRIAN], [False]),
        ([ALAN, BRIAN], [LEE, ALAN, BRIAN], [None, True, False]),
        ([ALAN], [BRIAN], [None]),
        ([ALAN, BRIAN], [replace(ALAN, address="1 Mill Road"), replace(BRIAN, name="BRIAN  Marr")], [True, False]),
        ([ALAN], [replace(ALAN, dob="1981-01-02")], [None]),
        ([ALAN], [replace(ALAN, aliases=("Al Dunn",))], [None]),
        ([LEE, OTHER_LEE], [OTHER_LEE, LEE], [False, True]),
        ([LEE, OTHER_LEE], [OTHER_LEE], [False]),
        ([LEE], [OTHER_LEE], [None]),
        ([LEE, LEE], [LEE, LEE], [True, False]),
        ([LEE, LEE], [LEE], [None]),
        ([ALAN, ALAN], [replace(ALAN, address="1 Mill Road"), replace(ALAN, address="2 Mill Road")], [None, None]),
    ],
)
def test_a_decision_stays_with_the_person_and_never_moves_to_another(
    app: Flask, first: list[PartyDetails], then: list[PartyDetails], decided: list[bool | None]
) -> None:
    """B7: whoever is named in another place keeps it; whoever is somebody else, or might be, is decided on again."""
    with app.app_context():
        assert _decided_after(first, then) == decided


def test_a_decision_goes_when_the_person_of_the_earlier_case_becomes_somebody_else(app: Flask) -> None:
    with app.app_context():
        earlier, mine = (_case((PartyRole.VICTIM, PartyDetails("Elin Marsh"))) for _ in range(2))
        (party,), (other,) = parties(mine), parties(earlier)
        matching.decide(mine, party.key, earlier, other.key, same=True, by=5)
        db.session.flush()
        replace_parties(earlier, [(PartyRole.VICTIM, PartyDetails("Elin Marsh", dob="1990-02-03"))])
        db.session.flush()
        (only,) = matching.candidates(mine, party.key, "Elin Marsh", (), None)
        assert only.decided is None


def test_the_index_holds_no_name(app: Flask) -> None:
    with app.app_context():
        _case((PartyRole.VICTIM, PartyDetails("Elin Marsh", dob="1990-02-03")))
        for row in db.session.execute(select(MatchToken)).scalars():
            assert len(row.token) == 32
            assert "marsh" not in f"{row.token}{row.kind}".lower()


@given(st.text(max_size=60), st.lists(st.text(max_size=20), max_size=3), st.none() | st.dates())
def test_any_name_can_be_indexed(name: str, aliases: list[str], born: date | None) -> None:
    for kind, value in tokens_of(name, aliases, born):
        assert kind
        assert value
    assert normalise(name.upper()) == normalise(name.upper().lower())


def test_however_many_are_alike_none_is_left_out(app: Flask) -> None:
    """The repeat test hangs on the newest case of the pair: a common name does not push it off an end."""
    with app.app_context():
        for _ in range(25):
            _case((PartyRole.VICTIM, PartyDetails("Ann Smith")), (PartyRole.PERPETRATOR, PartyDetails("Joe Dunn")))
        newest = _case((PartyRole.VICTIM, PartyDetails("Ann Smith")), (PartyRole.PERPETRATOR, PartyDetails("Lee Marr")))
        alike = [_case((PartyRole.VICTIM, PartyDetails("Ann Smith"))) for _ in range(25)]
        mine = _case((PartyRole.VICTIM, PartyDetails("Ann Smith")), (PartyRole.PERPETRATOR, PartyDetails("Lee Marr")))
        for key in (newest, *alike):
            find_case(key).submitted_at = business_now()
        victim, perpetrator = parties(mine)
        found = people.candidates_for(mine, (victim, perpetrator))
        assert len(found[victim.key]) == 51
        assert found[victim.key][0].case_key == newest, "the case of both comes first"
        assert [one.case_key for one in found[victim.key][1:26]] == alike[::-1]
        for party, other in ((victim, 0), (perpetrator, 1)):
            matching.decide(mine, party.key, newest, parties(newest)[other].key, same=True, by=1)
        earlier = people.earlier_referral(mine)
        assert earlier is not None
        assert earlier.key == newest
