"""Mending incidents: who may ask for what, whose approval it takes, and doing it one at a time or by the hundred."""

from __future__ import annotations

from app.operations.mending.doing import JOB_KIND, progress, run_job
from app.operations.mending.finding import (
    Cause,
    Filters,
    Found,
    Offered,
    View,
    causes,
    count_around,
    keys_of,
    like,
    offered,
    page,
    view,
)
from app.operations.mending.history import Told, history, open_count, open_proposals, told_of
from app.operations.mending.leaving import leave_unsent
from app.operations.mending.models import Act, ItemState, Mending, MendingItem, MendingState
from app.operations.mending.proposing import (
    AT_MOST,
    approve,
    call_off,
    find,
    first_told,
    items_of,
    may_decide,
    may_resume,
    propose,
    refuse,
    resume,
    retry,
    retry_unattended,
)
from app.operations.mending.typed import Sent, example
from app.operations.mending.watching import EVERY, form_failed, look, opened, register_retries
from app.store.chores import add_chore
from app.store.jobs import Handler, handlers

__all__ = [
    "AT_MOST",
    "Act",
    "Cause",
    "Filters",
    "Found",
    "ItemState",
    "Mending",
    "MendingItem",
    "MendingState",
    "Offered",
    "Sent",
    "Told",
    "View",
    "approve",
    "call_off",
    "causes",
    "count_around",
    "example",
    "find",
    "first_told",
    "form_failed",
    "history",
    "init_app",
    "items_of",
    "keys_of",
    "leave_unsent",
    "like",
    "look",
    "may_decide",
    "may_resume",
    "offered",
    "open_count",
    "open_proposals",
    "opened",
    "page",
    "progress",
    "propose",
    "refuse",
    "resume",
    "retry",
    "retry_unattended",
    "told_of",
    "view",
]


def init_app() -> None:
    """Register what runs acts upon many incidents, how incidents from outside a step are tried again, and the look-out."""
    register_retries()
    handlers.register(JOB_KIND, Handler(run_job))
    add_chore(look, EVERY)
