"""Whether the keys given are those of a database. Asked before anything is served or restored: what is written under another key cannot
be taken back, and nobody would notice before somebody opens a case, refers a person again or verifies the audit.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import orjson
from sqlalchemy import Connection, select
from sqlalchemy.orm import Session

from app import audit
from app.audit.models import AuditSeal
from app.cases.matching import NAME, tokens_of
from app.cases.models import Dossier, MatchToken, Party
from app.settings import Settings, SettingsError
from app.store.vault import VaultError, active, unseal

LOOKED_AT = 3  # the newest records: one that is damaged does not keep everything from being served
_AUDIT = "CONVENOR_AUDIT_KEY is not the key that sealed the audit of this database."
_INDEX = "CONVENOR_INDEX_KEY is not the key under which the people of this database are found."
_MASTER = "CONVENOR_MASTER_KEYS does not hold the key that wraps the newest cases of this database (version {})."


def require_keys(settings: Settings, database: Connection | Session) -> None:
    """Compare the keys with the newest of what they made. Changes nothing.

    :raises SettingsError: the first that does not fit, unless CONVENOR_KEYS_LOST says that the right ones are lost: then the log
        names them.
    """
    for finding in _unfitting(database):
        if not settings.keys_lost:
            raise SettingsError(f"{finding} Nothing was changed: give the right one.")
        logging.getLogger(__name__).error("serving without the right key", extra={"finding": finding})


def _unfitting(database: Connection | Session) -> Iterator[str]:
    if not _audit_key_fits(database):
        yield _AUDIT
    wrapped = _newest(
        database, select(Dossier.key, Dossier.wrapped_key).where(Dossier.wrapped_key.is_not(None)), Dossier.key
    )
    if wrapped and not any(_opened(row.key, row.wrapped_key) for row in wrapped):
        yield _MASTER.format(wrapped[0].wrapped_key[0])
    elif not _index_key_fits(database):
        yield _INDEX


def _newest(database: Connection | Session, query: Any, key: Any) -> list[Any]:
    return list(database.execute(query.order_by(key.desc()).limit(LOOKED_AT)))


def _audit_key_fits(database: Connection | Session) -> bool:
    columns = (
        getattr(AuditSeal, name) for name in ("number", "first", "last", "previous", "root", "wall_at", "signature")
    )
    seals = _newest(database, select(*columns), AuditSeal.number)
    return not seals or any(audit.bears_our_signature(seal) for seal in seals)


def _opened(dossier: int, wrapped: bytes) -> bytes | None:
    try:
        return active().unwrap(wrapped, f"dossier:{dossier}")
    except VaultError:
        return None


def _index_key_fits(database: Connection | Session) -> bool:
    """Whether one of the newest people would be found under their own name. Whoever cannot be opened says nothing."""
    people = select(Party.key, Party.case_key, Party.sealed, Dossier.wrapped_key).join(
        Dossier, Dossier.key == Party.case_key
    )
    said = [
        _found(database, row) for row in _newest(database, people.where(Dossier.wrapped_key.is_not(None)), Party.key)
    ]
    return not any(one is False for one in said) or any(said)


def _found(database: Connection | Session, party: Any) -> bool | None:
    key = _opened(party.case_key, party.wrapped_key)
    if key is None:
        return None
    try:
        details = orjson.loads(unseal(key, party.sealed, f"{party.case_key}:party:{party.key}"))
    except (VaultError, orjson.JSONDecodeError):
        return None
    ours = {active().index_token(kind, value) for kind, value in tokens_of(details["name"], (), None) if kind == NAME}
    stored = select(MatchToken.token).where(
        MatchToken.case_key == party.case_key, MatchToken.party_key == party.key, MatchToken.kind == NAME
    )
    known = set(database.execute(stored).scalars())
    return bool(ours & known) if ours and known else None
