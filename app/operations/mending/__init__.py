"""Mending incidents: who may ask for what, whose approval it takes, and doing it one at a time or by the hundred."""

from __future__ import annotations

from app.operations.mending.doing import JOB_KIND, run_job
from app.operations.mending.finding import Filters, Found, causes, page, view
from app.operations.mending.history import Told, history, open_proposals, told_of
from app.operations.mending.models import Act, ItemState, Mending, MendingItem, MendingState
from app.operations.mending.proposing import approve, find, propose, refuse, retry
from app.operations.mending.watching import look, opened, register_retries, watch
from app.store.jobs import Handler, handlers
from app.store.worker import chores

__all__ = [
    "Act",
    "Filters",
    "Found",
    "ItemState",
    "Mending",
    "MendingItem",
    "MendingState",
    "Told",
    "approve",
    "causes",
    "find",
    "history",
    "init_app",
    "look",
    "open_proposals",
    "opened",
    "page",
    "propose",
    "refuse",
    "retry",
    "told_of",
    "view",
]


def init_app() -> None:
    """Register what runs acts upon many incidents, how incidents from outside a step are tried again, and the look-out."""
    register_retries()
    handlers.register(JOB_KIND, Handler(run_job))
    if watch not in chores:
        chores.append(watch)
