"""What the rooms above call. Everything runs in the caller's transaction and never commits; raising means roll back.

One module for each concern stands behind this page: :mod:`starting`, :mod:`usertasks`, :mod:`messages`,
:mod:`timers`, :mod:`mending`,
:mod:`looking`; published files are in :mod:`app.runtime.releases`.
"""

from __future__ import annotations

from app.runtime import history, kept, lapsing
from app.runtime.accepting import CONTINUE, acting, complete, complete_or_accept, is_settled, run_continue_job
from app.runtime.looking import (
    ElementState,
    Offer,
    cause_of,
    element_states,
    incidents,
    instance,
    of_case,
    of_meeting,
    offer,
    plain_variables,
    processes_of,
    timers,
    variables,
    variables_of_cases,
    waiting_messages,
)
from app.runtime.mending import cancel_instance, forget_case, retry_incident, set_variables
from app.runtime.messages import Receiver, correlate_message, publish_message
from app.runtime.releases import check_files, publish_release
from app.runtime.retries import RETRY, run_retry_job
from app.runtime.schedule import START, start_failed
from app.runtime.signals import SIGNAL, broadcast_signal, run_signal_job
from app.runtime.starting import run_start_job, start
from app.runtime.step import WAKE
from app.runtime.timers import prepare_wake_jobs, rearm_deadline, run_wake_job, wake, wake_failed
from app.runtime.usertasks import complete_task
from app.store.chores import add_chore
from app.store.jobs import Handler, handlers
from app.store.worker import returns

__all__ = [
    "ElementState",
    "Offer",
    "Receiver",
    "acting",
    "broadcast_signal",
    "cancel_instance",
    "cause_of",
    "check_files",
    "complete",
    "complete_or_accept",
    "complete_task",
    "correlate_message",
    "element_states",
    "forget_case",
    "incidents",
    "instance",
    "is_settled",
    "of_case",
    "of_meeting",
    "offer",
    "plain_variables",
    "processes_of",
    "publish_message",
    "publish_release",
    "rearm_deadline",
    "register_jobs",
    "retry_incident",
    "set_variables",
    "start",
    "timers",
    "variables",
    "variables_of_cases",
    "waiting_messages",
    "wake",
]


def register_jobs() -> None:
    """Register the handlers of the instances' alarms and of timed starts; call once at start-up."""
    handlers.register(WAKE, Handler(run_wake_job, wake_failed, together=True, prepare=prepare_wake_jobs))
    handlers.register(CONTINUE, Handler(run_continue_job, wake_failed, together=True, prepare=prepare_wake_jobs))
    handlers.register(RETRY, Handler(run_retry_job, wake_failed, together=True))
    handlers.register(SIGNAL, Handler(run_signal_job, together=True))
    handlers.register(START, Handler(run_start_job, start_failed))
    lapsing.register()
    add_chore(history.sweep, history.EVERY)
    add_chore(kept.follow_ended, kept.EVERY)
    add_chore(lapsing.look, lapsing.EVERY)
    if lapsing.renew not in returns:
        returns.append(lapsing.renew)
