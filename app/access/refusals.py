"""Refused attempts are logged: who, where and to what, never what was typed (OWASP ASVS 5.0, 16.3.2)."""

from __future__ import annotations

import logging

from app.errors import ConvenorError
from app.identity.service import person_or_none

log = logging.getLogger(__name__)

FORBIDDEN, HIDDEN = 403, 404


def note_refusal(error: ConvenorError, endpoint: str | None) -> None:
    """Log that somebody was refused something, or asked for what there is not, or is not for them."""
    if error.status not in (FORBIDDEN, HIDDEN):
        return
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
