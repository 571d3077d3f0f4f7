"""Builders: what each document says, gathered from cases and meetings when the job makes it."""

from __future__ import annotations

from app import documents
from app.operations.papers.action_plan import build_action_plan
from app.operations.papers.agenda import build_agenda
from app.operations.papers.attendance import build_attendance
from app.operations.papers.iswc import build_iswc
from app.operations.papers.minutes import build_extract, build_minutes


def register() -> None:
    """Tell the documents room who fills what."""
    documents.register_builder(documents.Kind.AGENDA, build_agenda)
    documents.register_builder(documents.Kind.ATTENDANCE, build_attendance)
    documents.register_builder(documents.Kind.MINUTES, build_minutes)
    documents.register_builder(documents.Kind.MINUTES_EXTRACT, build_extract)
    documents.register_builder(documents.Kind.ACTION_PLAN, build_action_plan)
    documents.register_builder(documents.Kind.ISWC_FORM, build_iswc)
