"""Removing what the work list knows of a destroyed case."""

from __future__ import annotations

from sqlalchemy import delete, select, update

from app.store.clock import business_now
from app.store.database import db
from app.work.models import Candidate, Draft, Handover, ItemState, WorkItem


def forget_case(case_key: int) -> None:
    """Close the case's open items and remove drafts and reasons; that tasks were done by whom stays for the audit."""
    keys = select(WorkItem.key).where(WorkItem.case_key == case_key)
    db.session.execute(delete(Draft).where(Draft.item_key.in_(keys)))
    db.session.execute(delete(Candidate).where(Candidate.item_key.in_(keys)))
    db.session.execute(delete(Handover).where(Handover.item_key.in_(keys)))
    db.session.execute(
        update(WorkItem)
        .where(WorkItem.case_key == case_key, WorkItem.state == ItemState.OPEN)
        .values(state=ItemState.CANCELLED, closed_at=business_now())
    )
