"""A message that is kept and an instance that begins to wait at the same moment must not miss each other.

Each looks for the other in what is committed, and neither sees what the other is about to commit. On PostgreSQL both therefore first take a
lock on the message's name and key, until they commit: who waits shares it with others who wait, who keeps a message has it alone. On
SQLite whoever writes is alone already.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import text

from app.store.alone import number_of
from app.store.database import db

_KEEP = text("SELECT pg_advisory_xact_lock_shared(:every), pg_advisory_xact_lock(:one)")
_WAIT = text("SELECT pg_advisory_xact_lock_shared(number) FROM unnest(CAST(:numbers AS bigint[])) AS number")
_START = text("SELECT pg_advisory_xact_lock(number) FROM unnest(CAST(:numbers AS bigint[])) AS number")


def to_keep(area_key: int, name: str, key: str) -> bool:
    """Before looking whether anybody waits for a message that is kept otherwise, and before asking whether its id is known.

    :returns: False when nobody else can have written since this transaction began, so that what it has asked still holds.
    """
    if _alone():
        return False
    db.session.execute(_KEEP, {"every": _number(area_key, name), "one": _number(area_key, name, key)})
    return True


def to_wait(area_key: int, wanted: Iterable[tuple[str, str]]) -> None:
    """Before beginning to wait for messages, by name and key."""
    if _alone():
        return
    db.session.execute(_WAIT, {"numbers": sorted(_number(area_key, name, key) for name, key in wanted)})


def to_start(area_key: int, names: Iterable[str]) -> None:
    """Before publishing processes that messages of these names start."""
    if _alone():
        return
    db.session.execute(_START, {"numbers": sorted(_number(area_key, name) for name in names)})


def _alone() -> bool:
    return db.engine.dialect.name != "postgresql"


def _number(area_key: int, *names: str) -> int:
    return number_of("message", area_key, *names)
