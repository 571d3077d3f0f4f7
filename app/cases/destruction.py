"""Destroying a case: its key goes, and with it everything sealed under it; index tokens and ciphertext are removed as well.

A ledger of destructions, kept outside the database, is replayed before a restored system serves.
"""

from __future__ import annotations

import json
from pathlib import Path

from sqlalchemy import delete, select, update

from app.cases.dossiers import lock_case
from app.cases.errors import LedgerDamaged, WrongState
from app.cases.models import (
    Action,
    Attachment,
    CaseState,
    ConflictOfInterest,
    Deadline,
    Dossier,
    MatchDecision,
    MatchToken,
    Party,
    ReleasedItem,
    Submission,
    TimelineEvent,
)
from app.cases.timeline import note
from app.store.appending import append, whole_lines
from app.store.clock import business_now, wall_now
from app.store.database import db

LEDGER = "destructions.jsonl"


def destroy_case(case_key: int, *, by: int | None) -> None:
    """Destroy a case's content in the caller's transaction. What stays: that it existed, and that it was destroyed when.

    :raises WrongState: the case is under a legal hold (01-marac §4: blocks disposal).
    """
    case = lock_case(case_key)
    if case.legal_hold:
        raise WrongState("This case is under a legal hold and cannot be destroyed.", resource_id=str(case_key))
    dossier = db.session.get(Dossier, case_key)
    if dossier is None or dossier.destroyed_at is not None:
        return
    session = db.session
    session.execute(delete(MatchToken).where(MatchToken.case_key == case_key))
    session.execute(
        delete(MatchDecision).where((MatchDecision.case_key == case_key) | (MatchDecision.other_case_key == case_key))
    )
    session.execute(delete(Party).where(Party.case_key == case_key))
    session.execute(delete(ReleasedItem).where(ReleasedItem.case_key == case_key))
    session.execute(delete(ConflictOfInterest).where(ConflictOfInterest.case_key == case_key))
    session.execute(
        update(Submission)
        .where(Submission.dossier_key == case_key)
        .values(wrapped_key=None, ciphertext=None, digest="")
    )
    session.execute(
        update(Attachment)
        .where(Attachment.dossier_key == case_key)
        .values(wrapped_key=None, ciphertext=None, sealed_name=b"")
    )
    session.execute(update(Action).where(Action.case_key == case_key).values(sealed=b"", sealed_outcome=None))
    session.execute(update(Deadline).where(Deadline.dossier_key == case_key).values(reason=None))
    session.execute(delete(TimelineEvent).where(TimelineEvent.dossier_key == case_key))
    dossier.wrapped_key = None
    dossier.destroyed_at = business_now()
    case.state = CaseState.DISPOSED
    note(case_key, "destroyed", title="Case destroyed", actor=by)


def append_ledger(folder: Path, dossier: int) -> None:
    """Add a destruction to the ledger file outside the database (and outside its backups)."""
    append(folder / LEDGER, [json.dumps({"dossier": str(dossier), "at": wall_now().isoformat()})])


def to_destroy_again(folder: Path) -> list[int]:
    """Cases that the ledger lists as destroyed and a restored database still holds.

    :raises LedgerDamaged: a line cannot be read, so that nobody knows what it lists.
    """
    lines = enumerate(whole_lines(folder / LEDGER), 1)
    listed = sorted({_listed(folder, number, line) for number, line in lines if line.strip()})
    alive: list[int] = []
    for first in range(0, len(listed), 500):
        query = select(Dossier.key).where(Dossier.key.in_(listed[first : first + 500]), Dossier.destroyed_at.is_(None))
        alive.extend(db.session.execute(query).scalars())
    return alive


def _listed(folder: Path, number: int, line: str) -> int:
    try:
        return int(json.loads(line)["dossier"])
    except (ValueError, KeyError, TypeError):
        raise LedgerDamaged(
            f"Line {number} of {folder / LEDGER} cannot be read, so a case that has been destroyed might come back. "
            "Put the line right from another copy of the ledger, then start again.",
            resource_id=str(folder / LEDGER),
        ) from None
