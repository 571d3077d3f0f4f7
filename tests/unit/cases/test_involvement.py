"""Grounds and conflicts of interest are read once in a transaction, and are always what they are now."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event

from app.cases import involvement
from app.cases.dossiers import open_case
from app.cases.facts import facts_of, facts_of_all
from app.cases.models import Case, Ground
from app.store import remembering
from app.store.database import db

AGENCY, OTHER, PERSON = 11, 12, 21


@pytest.fixture
def cases(app: Flask) -> Iterator[list[Case]]:
    with app.app_context():
        found = [open_case(1, "marac-case", by=1, agency_key=None) for _ in range(3)]
        involvement.involve(found[0].key, AGENCY, Ground.REFERRER)
        db.session.commit()
        yield found
        db.session.rollback()


@contextmanager
def asked() -> Iterator[list[str]]:
    """The questions to the two tables."""
    found: list[str] = []

    def note(_connection: Any, _cursor: Any, text: str, *_: Any) -> None:
        if text.startswith("SELECT") and ("FROM involvement" in text or "FROM conflict_of_interest" in text):
            found.append(text)

    event.listen(db.engine, "before_cursor_execute", note)
    yield found
    event.remove(db.engine, "before_cursor_execute", note)


def test_many_cases_are_asked_for_together_and_once(cases: list[Case]) -> None:
    with asked() as questions:
        facts = facts_of_all(cases)
        assert [facts_of(case) for case in cases] == list(facts.values())
        assert involvement.conflicts(cases[0].key) == []
    assert len(questions) == 2, questions
    assert facts[cases[0].key].involvements == {AGENCY: frozenset({str(Ground.REFERRER)})}
    assert not facts[cases[1].key].involvements


def test_what_the_transaction_changes_itself_is_seen_at_once(cases: list[Case]) -> None:
    case = cases[0]
    assert not facts_of(case).conflict_users
    conflict = involvement.declare_conflict(case.key, user_key=PERSON, reason="Her sister.", by=1)
    assert facts_of(case).conflict_users == {PERSON}
    assert not facts_of(cases[1]).conflict_users
    involvement.lift_conflict(conflict.key, by=1)
    assert not facts_of(case).conflict_users
    involvement.change(case.key, AGENCY, ends=(Ground.REFERRER,), begins=())
    involvement.involve(case.key, OTHER, Ground.REFERRER)
    assert set(facts_of(case).involvements) == {OTHER}
    db.session.rollback()
    assert set(facts_of(case).involvements) == {AGENCY}


@pytest.mark.parametrize("passes", [db.session.rollback, db.session.commit, remembering.waited])
def test_it_is_asked_again_by_the_next_transaction_and_after_a_lock(
    cases: list[Case], passes: Callable[[], None]
) -> None:
    """Whoever held the lock may have ruled meanwhile."""
    facts_of(cases[0])
    passes()
    with asked() as questions:
        facts_of(cases[0])
        facts_of(cases[0])
    assert len(questions) == 2, questions
