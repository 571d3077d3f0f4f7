"""What was refused: who asked for something that exists and may not have it. Without content, once a minute for each person and thing.

Written in a transaction of its own after the request's has been undone. If it cannot be written the refusal stands all the same.
"""

from __future__ import annotations

import logging
import threading
from datetime import datetime, timedelta

from sqlalchemy import literal, select, union_all

from app.audit.recording import record
from app.identity.person import Person
from app.store.clock import wall_now
from app.store.database import db, reading, short_write

log = logging.getLogger(__name__)

WINDOW = timedelta(minutes=1)
MOST_KEPT = 10_000
# What an address may name by key. A meeting and a case are their dossiers.
NAMED = (
    "case",
    "meeting",
    "work_item",
    "instance",
    "incident",
    "mending",
    "document",
    "submission",
    "attachment",
    "user_account",
    "contact",
    "agency",
    "process_definition",
    "conflict_of_interest",
    "attendee",
    "action",
)

_lock = threading.Lock()
_noted: dict[tuple[int, str, int], datetime] = {}


def note(person: Person, reference: str | None, *, status: int) -> None:
    """Note that somebody was refused (403) or told that there is nothing (404).

    :param reference: the key or name of what was asked for, from the error or the address.
    """
    named = (reference or "")[:60]
    if not _first(person.key, named, status):
        return
    try:
        kind = _what(int(named)) if named.isdigit() and len(named) < 20 else None
        if status == 404 and kind is None:
            return  # nothing is there: nobody was refused anything
        subject = f"{kind}:{named}" if kind else None
        with short_write():
            record(
                "refusal.hidden" if status == 404 else "refusal.not-allowed",
                actor=person,
                subject=subject,
                case_key=int(named) if kind == "case" else None,
            )
    except Exception as error:  # the refusal itself must reach the person
        db.session.rollback()
        log.error("a refusal was not recorded", extra={"error": type(error).__name__})


def _first(user_key: int, named: str, status: int) -> bool:
    """Whether this is the first of its kind within a minute, in this process."""
    now = wall_now()
    same = (user_key, named, status)
    with _lock:
        last = _noted.get(same)
        if last is not None and now - last < WINDOW:
            return False
        if len(_noted) >= MOST_KEPT:
            for old in [one for one, at in _noted.items() if now - at >= WINDOW] or list(_noted)[: MOST_KEPT // 2]:
                del _noted[old]
        _noted[same] = now
        return True


def _what(key: int) -> str | None:
    """What kind of thing has a key, in one statement; None when nothing has."""
    tables = [db.metadata.tables[name] for name in NAMED if name in db.metadata.tables]
    with reading():
        db.session.rollback()
        found = db.session.execute(
            union_all(*(select(literal(table.name)).where(table.c.key == key) for table in tables)).limit(1)
        ).scalar()
        db.session.rollback()
    return str(found) if found is not None else None


def reset() -> None:
    """Forget what was noted in this process; for tests."""
    with _lock:
        _noted.clear()
