"""Audit: what was seen and done, by whom, in entries that hold references only, sealed into a chain that shows any change."""

from __future__ import annotations

from flask import Flask

from app.audit import recording
from app.audit.ddl import statements
from app.audit.heads import export_head
from app.audit.models import AuditEntry, AuditSeal
from app.audit.reading import client_of
from app.audit.recording import flush_views, record, view
from app.audit.sealing import seal_batch, seal_lag_seconds, seal_pending
from app.audit.state import bears_our_signature, install
from app.audit.verifying import Report, verify
from app.settings import Settings
from app.store.chores import add_chore

__all__ = [
    "AuditEntry",
    "AuditSeal",
    "Report",
    "bears_our_signature",
    "client_of",
    "export_head",
    "flush_views",
    "init_app",
    "record",
    "seal_batch",
    "seal_lag_seconds",
    "seal_pending",
    "statements",
    "verify",
    "view",
]


def init_app(app: Flask, settings: Settings) -> None:
    """Give an application its audit: keys, the writing of views, and sealing by the workers."""
    install(app, settings)
    recording.init_app(app)
    add_chore(seal_pending)
