"""Two clocks. Business time (deadlines, timers, FEEL) may be moved in the demo and in tests; wall time (sessions, leases) never."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from time import monotonic
from zoneinfo import ZoneInfo

from sqlalchemy import BigInteger, event, select
from sqlalchemy.orm import Mapped, mapped_column

from app.store.database import Model, db

LONDON = ZoneInfo("Europe/London")
END_OF_DAY = time(23, 59, 59)


class ClockOffset(Model):
    """One row: how far business time is ahead of wall time, in microseconds. Never present in production."""

    __tablename__ = "clock_offset"

    id: Mapped[int] = mapped_column(primary_key=True)
    microseconds: Mapped[int] = mapped_column(BigInteger, default=0)


class Clock:
    """Business time as wall time plus an offset, or frozen at an instant in tests."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._offset = timedelta(0)
        self._frozen: datetime | None = None

    def now(self) -> datetime:
        """Business time, UTC."""
        with self._lock:
            return self._frozen if self._frozen is not None else datetime.now(UTC) + self._offset

    def freeze(self, at: datetime | None) -> None:
        """Stop business time at an instant (tests); None lets it run again."""
        with self._lock:
            self._frozen = at.astimezone(UTC) if at else None

    def advance(self, by: timedelta) -> None:
        """Move business time of this process forwards.

        :raises ValueError: backwards.
        """
        if by < timedelta(0):
            raise ValueError("business time only moves forwards")
        with self._lock:
            if self._frozen is not None:
                self._frozen += by
            else:
                self._offset += by

    def set_offset(self, offset: timedelta) -> None:
        with self._lock:
            self._offset = offset


clock = Clock()
_as_of: ContextVar[datetime | None] = ContextVar("convenor_as_of", default=None)


def business_now() -> datetime:
    """The instant that deadlines and timers are held against, UTC."""
    return _as_of.get() or clock.now()


@contextmanager
def as_of(at: datetime) -> Iterator[None]:
    """Business time stands still inside: what was decided then takes its course as if it had done so at once."""
    token = _as_of.set(at)
    try:
        yield
    finally:
        _as_of.reset(token)


def late_by() -> timedelta:
    """How long ago what takes its course now was decided; nothing outside :func:`as_of`."""
    at = _as_of.get()
    return timedelta(0) if at is None else clock.now() - at


def wall_now() -> datetime:
    """The real instant, UTC: sessions, tokens, leases, back-off, audit."""
    return datetime.now(UTC)


def business_today() -> date:
    """Today in London, in business time."""
    return business_now().astimezone(LONDON).date()


def end_of_day(day: date) -> datetime:
    """The last second of a London day: when something due on that day is due (DESIGN: a deadline is a fact)."""
    return datetime.combine(day, END_OF_DAY, LONDON).astimezone(UTC)


def start_of_day(day: date) -> datetime:
    """The first instant of a London day."""
    return datetime.combine(day, time(0), LONDON).astimezone(UTC)


LOOK_AGAIN = 5.0
_MARK = "clock"


@dataclass
class _Seen:
    """When this process read the offset last: which mark there was, and until when (monotonic) it may be gone by."""

    mark: tuple[str, int] | None = None
    until: float = 0.0


_seen = _Seen()


def load_offset(folder: Path | None = None) -> None:
    """Read the stored offset (demo only): other processes may have moved it.

    :param folder: where a file is touched whenever time is moved: while it is as it was, the offset is known for some seconds.
    """
    mark = None if folder is None else _mark(folder)
    if mark is not None and mark == _seen.mark and monotonic() < _seen.until:
        return
    row = db.session.execute(select(ClockOffset.microseconds).where(ClockOffset.id == 1)).scalar()
    clock.set_offset(timedelta(microseconds=row or 0))
    _seen.mark, _seen.until = mark, monotonic() + LOOK_AGAIN


def _mark(folder: Path) -> tuple[str, int]:
    path = folder / _MARK
    try:
        return str(path), path.stat().st_mtime_ns
    except FileNotFoundError:
        return str(path), 0


def store_advance(by: timedelta, folder: Path) -> None:
    """Move business time forwards for every process, within the caller's transaction.

    :param folder: the data folder, whose mark is touched when the transaction has been committed.
    """
    if by < timedelta(0):
        raise ValueError("business time only moves forwards")
    row = db.session.get(ClockOffset, 1)
    if row is None:
        row = ClockOffset(id=1, microseconds=0)
        db.session.add(row)
    row.microseconds += by // timedelta(microseconds=1)
    clock.set_offset(timedelta(microseconds=row.microseconds))
    event.listen(db.session(), "after_commit", lambda _: (folder / _MARK).touch(), once=True)
