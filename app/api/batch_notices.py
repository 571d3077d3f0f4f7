"""Who is told that a batch operation has stopped because whoever asked for it may not do it any more: those who may take it over."""

from __future__ import annotations

from app import notices
from app.identity import register
from app.identity.roles import Role
from app.notices import Template
from app.runtime.batches import BatchOperation, doings


def stopped(operation: BatchOperation) -> None:
    """Tell the operators and process owners of the area who may go on with it."""
    may = [
        one.key
        for role in (Role.OPERATOR, Role.PROCESS_OWNER)
        for one in register.holders(role, area_key=operation.area_key)
        if doings[operation.type].why_not(operation, one.key) is None
    ]
    notices.send(
        Template.BATCH_STOPPED,
        may,
        reference=f"Batch operation {operation.key}",
        due=None,
        path="/admin",
        area_key=operation.area_key,
    )
