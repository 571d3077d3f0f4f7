"""What every worker does now and then besides jobs (sealing the audit, sweeping what is old), each in transactions of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.store.clock import wall_now

Work = Callable[[], object]


@dataclass(slots=True)
class Chore:
    """One of them.

    :param every: how long it rests once a worker of this process has done it; nought: it is done at each beat.
    """

    work: Work
    every: timedelta = timedelta(0)
    done_at: datetime | None = None

    def __call__(self) -> None:
        """Do it, if nobody of this process has done it lately."""
        now = wall_now()
        if self.done_at is not None and abs(now - self.done_at) < self.every:
            return
        self.done_at = now
        self.work()


chores: list[Chore] = []


def add_chore(work: Work, every: timedelta = timedelta(0)) -> None:
    """Have every worker do this from now on; what they do already is not added twice."""
    if chore_of(work) is None:
        chores.append(Chore(work, every))


def chore_of(work: Work) -> Chore | None:
    """The chore that does this."""
    return next((each for each in chores if each.work == work), None)
