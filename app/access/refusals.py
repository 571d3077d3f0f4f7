"""Refused attempts are logged and audited: who, where and to what, never what was typed (OWASP ASVS 5.0, 16.3.2)."""

from __future__ import annotations

import logging

from flask import g, request

from app.audit import refusals
from app.errors import ConvenorError
from app.identity.service import person_or_none

log = logging.getLogger(__name__)

FORBIDDEN, HIDDEN = 403, 404


def note_refusal(error: ConvenorError, endpoint: str | None) -> None:
    """Log that somebody was refused something, or asked for what there is not, or is not for them. What exists and was refused to somebody
    signed in is audited too; whatever the request had begun is undone for that."""
    if error.status not in (FORBIDDEN, HIDDEN):
        return
    g.rolled_back = True
    person = person_or_none()
    log.warning(
        "access refused",
        extra={
            "error": type(error).__name__,
            "status": error.status,
            "resource": error.resource_id,
            "endpoint": endpoint,
            "person": str(person.key) if person is not None else None,
        },
    )
    if person is not None:
        refusals.note(person, error.resource_id or _asked(), status=error.status)


def _asked() -> str:
    return str((request.view_args or {}).get("key") or "")
