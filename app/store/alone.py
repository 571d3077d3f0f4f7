"""One after the other: work that must see what whoever did it before has committed.

On PostgreSQL by a lock on the name of the work, until the transaction ends. On SQLite whoever writes is alone already.
"""

from __future__ import annotations

from hashlib import blake2b

from sqlalchemy import text

from app.store.database import WAITED, db
from app.store.remembering import waited

_WAIT = text("SELECT pg_advisory_xact_lock(:number)")


def after_others(*name: object) -> None:
    """Wait until every other transaction that has said the same name has ended; what they may have changed is then read anew."""
    if db.engine.dialect.name != "postgresql":
        return
    db.session.execute(_WAIT, {"number": number_of(*name)}, execution_options={WAITED: True})
    waited()


def number_of(*name: object) -> int:
    """PostgreSQL's locks of this kind are numbers of 64 bits. Two names that fall on one number only wait for each other."""
    told = "\x1f".join(map(str, name)).encode()
    return int.from_bytes(blake2b(told, digest_size=8).digest(), "big", signed=True)
