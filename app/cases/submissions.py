"""Submissions: what people typed, sealed under a key each, owned by an agency; and the release of research items one by one."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import orjson
from sqlalchemy import select

from app.cases.dossiers import dossier_key
from app.cases.errors import UnknownCase
from app.cases.models import ReleasedItem, Submission
from app.store.clock import business_now
from app.store.database import db, new_key
from app.store.flushing import unwritten
from app.store.remembering import tell, told
from app.store.vault import Sealed, active, seal_item, unseal_item


def record(
    dossier: int,
    answers: dict[str, Any],
    *,
    form_id: str,
    release_key: int,
    element_id: str,
    agency_key: int | None,
    by: int,
    work_item_key: int | None = None,
) -> Submission:
    """Seal and keep what was typed, in the caller's transaction."""
    key = new_key()
    plaintext = orjson.dumps(answers)
    sealed = seal_item(dossier_key(dossier), plaintext, f"submission:{key}")
    row = Submission(
        key=key,
        dossier_key=dossier,
        agency_key=agency_key,
        form_id=form_id,
        release_key=release_key,
        element_id=element_id,
        work_item_key=work_item_key,
        submitted_by=by,
        submitted_at=business_now(),
        digest=active().digest(plaintext.decode()),
        wrapped_key=sealed.wrapped_key,
        ciphertext=sealed.ciphertext,
    )
    db.session.add(row)
    tell(("recorded", dossier, form_id), (), row)
    tell(("latest", dossier, form_id, agency_key), (), (row,))
    return row


def just_recorded(dossier: int, form_id: str) -> Submission | None:
    """The submission of a form that this transaction has recorded, which is the latest; None when it has recorded none."""
    found: Submission | None = told(("recorded", dossier, form_id))
    return found


def read(submission: Submission) -> dict[str, Any]:
    """The answers of a submission. The caller has checked access and shows only what `access` permits.

    :raises VaultError: it has been destroyed.
    """
    sealed = Sealed(submission.wrapped_key or b"", submission.ciphertext or b"")
    answers: dict[str, Any] = orjson.loads(
        unseal_item(dossier_key(submission.dossier_key), sealed, f"submission:{submission.key}")
    )
    return answers


def find(submission_key: int) -> Submission:
    """:raises UnknownCase: no such submission."""
    row = db.session.get(Submission, submission_key)
    if row is None:
        raise UnknownCase("There is no such record.", resource_id=str(submission_key))
    return row


def of(dossier: int, *form_ids: str) -> list[Submission]:
    """Submissions of a dossier, oldest first; of the named forms only, when any are named."""
    query = select(Submission).where(Submission.dossier_key == dossier)
    if form_ids:
        query = query.where(Submission.form_id.in_(form_ids))
    with unwritten(Submission) as fresh:
        rows = list(db.session.execute(query.order_by(Submission.submitted_at, Submission.key)).scalars())
    return rows + [row for row in fresh if row.dossier_key == dossier and (not form_ids or row.form_id in form_ids)]


def latest(dossier: int, form_id: str, agency_key: int | None = None) -> Submission | None:
    """The current submission of a form (many risk checklists per case: the latest is current, none overwritten; London DSA 2.2)."""
    just = just_recorded(dossier, form_id)
    if just is not None and just.wrapped_key is not None and agency_key in (None, just.agency_key):
        return just
    asked = ("latest", dossier, form_id, agency_key)
    known: tuple[Submission | None] | None = told(asked)
    if known is not None and (known[0] is None or known[0].wrapped_key is not None):
        return known[0]  # what this transaction records itself is known before
    query = select(Submission).where(
        Submission.dossier_key == dossier, Submission.form_id == form_id, Submission.wrapped_key.is_not(None)
    )
    if agency_key is not None:
        query = query.where(Submission.agency_key == agency_key)
    latest_first = query.order_by(Submission.submitted_at.desc(), Submission.key.desc()).limit(1)
    with unwritten(Submission) as fresh:
        mine = [
            row
            for row in fresh
            if row.dossier_key == dossier and row.form_id == form_id and agency_key in (None, row.agency_key)
        ]
        found = mine[-1] if mine else db.session.execute(latest_first).scalar()
    tell(asked, (), (found,), shared=True)
    return found


def rewrite(submission: Submission, answers: dict[str, Any]) -> None:
    """Keep a submission with less in it: sealed anew under a fresh key, so that what was taken out cannot be opened any more."""
    plaintext = orjson.dumps(answers)
    sealed = seal_item(dossier_key(submission.dossier_key), plaintext, f"submission:{submission.key}")
    submission.wrapped_key, submission.ciphertext = sealed.wrapped_key, sealed.ciphertext
    submission.digest = active().digest(plaintext.decode())


def destroy(submission: Submission) -> None:
    """Destroy one submission's key and ciphertext; the reference to it stays."""
    submission.wrapped_key = None
    submission.ciphertext = None


def newest(dossier: int, form_ids: Collection[str]) -> Submission | None:
    """The newest submission of several forms. One that this transaction has recorded is newer than any that is kept."""
    just = [row for form_id in form_ids if (row := just_recorded(dossier, form_id)) is not None]
    return max(just or of(dossier, *form_ids), key=lambda row: (row.submitted_at, row.key), default=None)


def release_items(submission: Submission, items: set[int], *, by: int) -> None:
    """Release rows of a research return to the meeting. Releasing again changes nothing."""
    for item in sorted(items - released_items(submission.key)):
        db.session.add(
            ReleasedItem(
                case_key=submission.dossier_key,
                submission_key=submission.key,
                item=item,
                agency_key=submission.agency_key or 0,
                released_by=by,
                released_at=business_now(),
            )
        )


def released_items(submission_key: int) -> set[int]:
    """The row numbers (from 0) that have been released."""
    return set(
        db.session.execute(select(ReleasedItem.item).where(ReleasedItem.submission_key == submission_key)).scalars()
    )
