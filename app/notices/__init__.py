"""Notices: e-mails that say who must act, by when, and where. They never carry a name or a detail of a case."""

from app.notices.catalogue import Template
from app.notices.job import Directory, register_jobs
from app.notices.ledger import replay_sent
from app.notices.models import Failure, Notice, NoticeState
from app.notices.service import (
    SECRET,
    expect,
    failed_count,
    forget,
    leave,
    list_failed,
    requeue_failed,
    send,
    waiting_seconds,
)

__all__ = [
    "SECRET",
    "Directory",
    "Failure",
    "Notice",
    "NoticeState",
    "Template",
    "expect",
    "failed_count",
    "forget",
    "leave",
    "list_failed",
    "register_jobs",
    "replay_sent",
    "requeue_failed",
    "send",
    "waiting_seconds",
]
