"""Deadlines are written together at the end; in between, whatever is done and undone, they read as if each had been written at once."""

from __future__ import annotations

from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from flask import Flask
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, update

from app.cases import deadlines
from app.cases.dossiers import open_case
from app.cases.models import Deadline
from app.store import flushing
from app.store.attempt import attempt
from app.store.clock import business_now
from app.store.database import db
from app.store.remembering import waited

OWNERS, NAMES = (0, 1), ("a", "b")
acts = st.tuples(
    st.sampled_from(["set", "move", "meet", "lapse", "look", "list", "write", "theirs"]),
    st.sampled_from(OWNERS),
    st.sampled_from(NAMES),
)
steps = st.lists(acts | st.lists(acts, max_size=4), max_size=14)  # a list inside is tried, and fails


@dataclass
class Fact:
    owner: int
    name: str
    day: int
    met: bool = False
    over: bool = False


class Failed(Exception):
    pass


class Play:
    """The deadlines of two cases, and what should be known of them."""

    def __init__(self) -> None:
        self.cases = [open_case(1, "marac-case", by=1, agency_key=None).key for _ in OWNERS]
        self.facts: list[Fact] = []
        self.start, self.days = business_now(), 0

    def current(self, owner: int, name: str) -> Fact | None:
        return next((f for f in reversed(self.facts) if (f.owner, f.name, f.over) == (owner, name, False)), None)

    def act(self, what: str, owner: int, name: str) -> None:
        case, fact = self.cases[owner], self.current(owner, name)
        self.days += 1
        at = self.start + timedelta(days=self.days)
        if what == "set":
            deadlines.record(case, name, at, rule="r")
            self.entered(owner, name, fact)
        elif what == "move" and fact is not None:
            deadlines.move(case, name, at, by=1, reason="r", rearm=lambda *_: None)
            self.entered(owner, name, fact)
        elif what == "meet":
            deadlines.meet(case, name)
            for each in self.facts:
                each.met = each.met or each is fact
        elif what == "lapse":
            deadlines.lapse(case, name)
            if fact is not None and not fact.met:
                fact.over = True
        elif what == "write":
            flushing.write()
        elif what == "theirs":
            self.theirs(case, fact)
        elif what == "list":
            assert self.told(deadlines.in_force(case)) == self.known(owner)
        else:
            found = deadlines.current(case, name)
            assert (found and ((found.due_at - self.start).days, found.met_at is not None)) == (
                fact and (fact.day, fact.met)
            )

    def entered(self, owner: int, name: str, earlier: Fact | None) -> None:
        if earlier is not None:
            earlier.over = True
        self.facts.append(Fact(owner, name, self.days))

    def theirs(self, case: int, fact: Fact | None) -> None:
        """Somebody else, whom this transaction then waits for, has superseded a deadline that is in the table."""
        if fact is None:
            return
        due = self.start + timedelta(days=fact.day)
        theirs = update(Deadline.__table__).where(Deadline.dossier_key == case, Deadline.due_at == due)  # type: ignore[arg-type]
        if db.session.connection().execute(theirs.values(superseded_at=self.start)).rowcount:
            fact.over = True
        waited()

    def told(self, rows: list[Deadline]) -> list[tuple[str, int, bool]]:
        return [(row.name, (row.due_at - self.start).days, row.met_at is not None) for row in rows]

    def known(self, owner: int) -> list[tuple[str, int, bool]]:
        return [(f.name, f.day, f.met) for f in self.facts if f.owner == owner and not f.over]

    def tried(self, acts_: list[tuple[str, int, str]]) -> None:
        """All of it fails in the end, what others did included: it was done in this transaction."""
        before = deepcopy(self.facts)

        def work() -> None:
            self.facts = deepcopy(before)
            for each in acts_:
                if each[0] != "theirs":
                    self.act(*each)
            raise Failed

        with suppress(Failed):
            attempt(work)
        self.facts = before


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps)
@example([(what, 0, "a") for what in ("set", "write", "meet", "theirs", "look")])
def test_deadlines_read_as_if_each_had_been_written_at_once(on_each: Flask, still: None, steps: list[Any]) -> None:
    try:
        play = Play()
        for step in steps:
            if isinstance(step, list):
                play.tried(step)
            else:
                play.act(*step)
        flushing.write()
        columns = select(Deadline.dossier_key, Deadline.name, Deadline.due_at, Deadline.met_at, Deadline.superseded_at)
        rows = db.session.execute(columns.where(Deadline.dossier_key.in_(play.cases)).order_by(Deadline.key))
        written = [
            Fact(play.cases.index(owner), name, (due - play.start).days, met is not None, over is not None)
            for owner, name, due, met, over in rows
        ]
        assert written == play.facts
    finally:
        db.session.rollback()
