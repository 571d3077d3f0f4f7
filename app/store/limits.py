"""How often somebody may do something: counted in fixed windows of wall time, per person or per address.

One process with SQLite counts in memory. Many processes share a PostgreSQL database and count in a table of it, each in a statement
of its own on a connection of its own, so that a count never waits for a page's transaction and is not undone with it.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import BigInteger, String, delete, func, select
from sqlalchemy.orm import Mapped, mapped_column

from app.errors import ConvenorError
from app.store.clock import wall_now
from app.store.database import Model, db
from app.store.vault import active

KEPT = timedelta(hours=2)
MOST_KEPT = 50_000


class TooMany(ConvenorError):
    """Somebody has done something too often.

    :ivar retry_after: seconds until it may be tried again.
    """

    title = "Too many requests"
    status = 429

    def __init__(self, message: str, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class Limit:
    """So much in a window.

    :param what: what is counted, in a word.
    :param most: how much of it in one window.
    :param message: what somebody who goes beyond it is told.
    """

    what: str
    most: int
    window: timedelta
    message: str


class RateCount(Model):
    """One count of one window. ``bucket`` is a keyed digest: who it is cannot be told from it."""

    __tablename__ = "rate_count"

    bucket: Mapped[str] = mapped_column(String(64), primary_key=True)
    begins: Mapped[datetime] = mapped_column(primary_key=True, index=True)
    amount: Mapped[int] = mapped_column(BigInteger)


_lock = threading.Lock()
_counts: dict[tuple[str, datetime], int] = {}


def spend(limit: Limit, who: str, amount: int = 1) -> None:
    """Count, and go on only if it is not too much.

    :param who: the person's key or the address, told apart by a prefix.
    :raises TooMany: it is.
    """
    now = wall_now()
    seconds = int(limit.window.total_seconds())
    begins = datetime.fromtimestamp(int(now.timestamp()) // seconds * seconds, now.tzinfo)
    bucket = active().digest(f"{limit.what}\x1f{who}")
    counted = _in_database if db.engine.dialect.name == "postgresql" else _in_memory
    if counted(bucket, begins, amount) > limit.most:
        left = begins + limit.window - now
        raise TooMany(limit.message, max(1, int(left.total_seconds())))


def _in_memory(bucket: str, begins: datetime, amount: int) -> int:
    with _lock:
        if len(_counts) >= MOST_KEPT:
            _forget(wall_now() - KEPT)
        if len(_counts) >= MOST_KEPT:  # somebody floods from many addresses: the oldest counts go
            for key in sorted(_counts, key=lambda one: one[1])[: MOST_KEPT // 2]:
                del _counts[key]
        _counts[(bucket, begins)] = _counts.get((bucket, begins), 0) + amount
        return _counts[(bucket, begins)]


def _in_database(bucket: str, begins: datetime, amount: int) -> int:
    from sqlalchemy.dialects.postgresql import insert  # nothing for SQLite to import

    row = insert(RateCount).values(bucket=bucket, begins=begins, amount=amount)
    counted = row.on_conflict_do_update(
        index_elements=[RateCount.bucket, RateCount.begins], set_={"amount": RateCount.amount + amount}
    ).returning(RateCount.amount)
    with db.engine.begin() as connection:
        return int(connection.execute(counted).scalar_one())


def sweep() -> None:
    """The workers' chore: windows that are long over are forgotten."""
    before = wall_now() - KEPT
    with _lock:
        _forget(before)
    if db.engine.dialect.name == "postgresql":
        with db.engine.begin() as connection:
            if connection.execute(
                select(func.count()).select_from(RateCount).where(RateCount.begins < before)
            ).scalar():
                connection.execute(delete(RateCount).where(RateCount.begins < before))


def _forget(before: datetime) -> None:
    for key in [one for one in _counts if one[1] < before]:
        del _counts[key]


def reset() -> None:
    """Forget what was counted in memory; for tests."""
    with _lock:
        _counts.clear()
