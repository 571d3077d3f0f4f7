"""Drafts: what has been typed and not sent. Sealed, one per task and person; they survive a lost session, an error, a restart."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import delete, select

from app.cases.dossiers import dossier_key
from app.identity.person import Person
from app.store.clock import wall_now
from app.store.database import db, new_key
from app.store.remembering import told
from app.store.vault import Sealed, seal_item, unseal_item
from app.work.models import Draft, WorkItem


def _find(item: WorkItem, person: Person) -> Draft | None:
    known: tuple[Draft | None] | None = told(("draft", item.key, person.key))
    if known is not None:
        return known[0]
    return db.session.execute(
        select(Draft).where(Draft.item_key == item.key, Draft.user_key == person.key)
    ).scalar_one_or_none()


def load(item: WorkItem, person: Person) -> tuple[dict[str, Any], datetime] | None:
    """The person's draft of a task and when it was saved (wall time); None when there is none."""
    row = _find(item, person)
    return None if row is None else (answers_of(row), row.saved_at)


def answers_of(row: Draft) -> dict[str, Any]:
    """What a draft holds."""
    sealed = Sealed(row.wrapped_key, row.ciphertext)
    answers: dict[str, Any] = orjson.loads(unseal_item(dossier_key(row.dossier_key), sealed, f"draft:{row.key}"))
    return answers


def save(item: WorkItem, person: Person, answers: dict[str, Any]) -> datetime:
    """Keep what has been typed so far; the instant it was kept."""
    if item.dossier_key is None:
        raise ValueError("a draft needs a case or a meeting")
    row = _find(item, person)
    key = row.key if row is not None else new_key()
    sealed = seal_item(dossier_key(item.dossier_key), orjson.dumps(answers), f"draft:{key}")
    if row is None:
        row = Draft(key=key, item_key=item.key, user_key=person.key, dossier_key=item.dossier_key)
        db.session.add(row)
    row.wrapped_key, row.ciphertext, row.saved_at = sealed.wrapped_key, sealed.ciphertext, wall_now()
    return row.saved_at


def discard(item: WorkItem, person: Person) -> None:
    """Throw the person's draft of a task away."""
    db.session.execute(delete(Draft).where(Draft.item_key == item.key, Draft.user_key == person.key))


def pass_on(item: WorkItem, of: int, to: int) -> None:
    """What somebody typed who can do the task no more goes to whoever is handed it, unless they have typed something themselves."""
    rows = db.session.execute(select(Draft).where(Draft.item_key == item.key, Draft.user_key.in_((of, to)))).scalars()
    found = {row.user_key: row for row in rows}
    if of in found and to not in found:
        found[of].user_key = to
