"""A message that is kept and an instance that begins to wait at the same moment must not miss each other.

Each looks for the other in what is committed, and neither sees what the other is about to commit. On PostgreSQL both therefore first take a
lock on the message's name and key, until they commit: who waits shares it with others who wait, who keeps a message has it alone. On
SQLite whoever writes is alone already.

So it is with a message that finds the instance of its key active, and the end of that instance: both first take a lock on process and key.
That one comes before the lock on name and key, for what is started may itself begin to wait.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import text

from app.store.alone import number_of
from app.store.database import WAITED, db
from app.store.remembering import waited

_KEEP = text("SELECT pg_advisory_xact_lock_shared(:every), pg_advisory_xact_lock(:one)")
_WAIT = text("SELECT pg_advisory_xact_lock_shared(number) FROM unnest(CAST(:numbers AS bigint[])) AS number")
_START = text("SELECT pg_advisory_xact_lock(number) FROM unnest(CAST(:numbers AS bigint[])) AS number")

_BEGIN = text(
    "SELECT pg_advisory_xact_lock_shared(:every), pg_advisory_xact_lock(number) FROM unnest(CAST(:numbers AS bigint[])) AS number"
)
_UNTOUCHED = {WAITED: True}  # what waits to be written may wait on


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


def to_begin(area_key: int, name: str, key: str, process_ids: Iterable[str]) -> None:
    """Before asking whether a message of a key may start processes."""
    if _alone():
        return
    numbers = _begun(area_key, ((process_id, key) for process_id in process_ids))
    asked = {"every": _number(area_key, name), "numbers": numbers}
    db.session.execute(_BEGIN, asked, execution_options=_UNTOUCHED)
    waited()


def to_follow(area_key: int, ended: Iterable[tuple[str, str]]) -> None:
    """Before asking what has waited for the end of instances, by process and key."""
    if not _alone() and (numbers := _begun(area_key, ended)):
        db.session.execute(_START, {"numbers": numbers}, execution_options=_UNTOUCHED)
        waited()


def _begun(area_key: int, pairs: Iterable[tuple[str, str]]) -> list[int]:
    return sorted(number_of("begun", area_key, process_id, key) for process_id, key in pairs)


def _alone() -> bool:
    return db.engine.dialect.name != "postgresql"


def _number(area_key: int, *names: str) -> int:
    return number_of("message", area_key, *names)
