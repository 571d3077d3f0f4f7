"""Rotating the master key: every dossier's key is wrapped again under the newest version. What is sealed under these keys stays as it is.

It runs while people work, in batches that are each committed, so it can be stopped and started again at any time.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, func, select, update

from app import audit
from app.cases.models import Dossier
from app.store.database import db, reading, short_write, truncate_wal
from app.store.vault import active

BATCH = 200


@dataclass(frozen=True, slots=True)
class Rotated:
    """What a rotation did.

    :ivar wrapped: how many keys were wrapped again. :ivar version: the version that wraps every key now.
    """

    wrapped: int
    version: int


def label(dossier: int) -> str:
    """What a dossier's key is bound to (:func:`app.cases.dossiers.dossier_key`)."""
    return f"dossier:{dossier}"


def rotate(batch: int = BATCH) -> Rotated:
    """Wrap again whatever an older master key still wraps. The caller is inside an application context.

    :raises VaultError: a key is wrapped under a version that is not configured, or does not open. What was done before stays done.
    """
    vault = active()
    wrapped = 0
    while keys := _older(batch):
        with short_write():
            done = sum(_wrap(key) for key in keys)
            if done:
                audit.record("keys.rotate", subject=f"version:{vault.current_version}", detail=f"dossiers:{done}")
        wrapped += done
    if wrapped:
        truncate_wal()
    return Rotated(wrapped, vault.current_version)


def versions() -> dict[int, int]:
    """How many dossiers' keys each version of the master key wraps."""
    first = func.substr(Dossier.wrapped_key, 1, 1)
    query = select(first, func.count()).where(Dossier.wrapped_key.is_not(None)).group_by(first)
    with reading():
        found = {bytes(byte)[0]: count for byte, count in db.session.execute(query)}
        db.session.rollback()
    return found


def _is_older() -> ColumnElement[bool]:
    return func.substr(Dossier.wrapped_key, 1, 1) != bytes([active().current_version])


def _older(batch: int) -> list[int]:
    query = select(Dossier.key).where(Dossier.wrapped_key.is_not(None), _is_older()).order_by(Dossier.key).limit(batch)
    with reading():
        found = list(db.session.execute(query).scalars())
        db.session.rollback()
    return found


def _wrap(key: int) -> int:
    """Wrap one key again; 0 when the dossier has been destroyed or done by another meanwhile."""
    old = db.session.execute(select(Dossier.wrapped_key).where(Dossier.key == key, _is_older())).scalar()
    if old is None:
        return 0
    vault = active()
    new = vault.wrap(vault.unwrap(old, label(key)), label(key))
    changed = db.session.execute(
        update(Dossier).where(Dossier.key == key, Dossier.wrapped_key == old).values(wrapped_key=new)
    )
    return int(changed.rowcount)  # type: ignore[attr-defined]
