"""What workers do now and then: once in a while for each process, whichever of its workers comes first."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from app.store import chores
from app.store.chores import Chore, add_chore, chore_of

AT = datetime(2026, 1, 5, 9, tzinfo=UTC)


class Clock:
    """Wall time that the test moves."""

    def __init__(self) -> None:
        self.at = AT

    def __call__(self) -> datetime:
        return self.at


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(chores, "wall_now", made)
    return made


def test_a_chore_rests_once_it_is_done(clock: Clock) -> None:
    done: list[datetime] = []
    chore = Chore(lambda: done.append(clock.at), timedelta(minutes=1))
    for seconds in (0, 30, 59, 60, 90, 125):
        clock.at = AT + timedelta(seconds=seconds)
        chore()
    assert done == [AT, AT + timedelta(seconds=60), AT + timedelta(seconds=125)]


def test_one_that_never_rests_is_done_at_each_beat(clock: Clock) -> None:
    done: list[int] = []
    chore = Chore(lambda: done.append(1))
    chore()
    chore()
    assert done == [1, 1]


def test_a_clock_that_is_put_back_keeps_no_chore_waiting(clock: Clock) -> None:
    done: list[datetime] = []
    chore = Chore(lambda: done.append(clock.at), timedelta(hours=1))
    chore()
    clock.at = AT - timedelta(days=1)
    chore()
    assert done == [AT, AT - timedelta(days=1)]


def test_one_that_fails_has_had_its_turn(clock: Clock) -> None:
    tries: list[int] = []

    def broken() -> None:
        tries.append(1)
        raise ValueError("no")

    chore = Chore(broken, timedelta(minutes=1))
    with pytest.raises(ValueError, match="no"):
        chore()
    chore()
    assert tries == [1]


def test_what_is_added_twice_is_done_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chores, "chores", [])

    def work() -> None:
        """Nothing."""

    add_chore(work, timedelta(minutes=1))
    add_chore(work, timedelta(minutes=1))
    assert len(chores.chores) == 1
    assert chore_of(work) is chores.chores[0]
