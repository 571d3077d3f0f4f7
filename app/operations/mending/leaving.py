"""Leaving a notice unsent: whoever it was for has been told another way, or is not there any more. Nothing else can be left."""

from __future__ import annotations

from app import audit, notices
from app.access import decide
from app.access.facts import AreaFacts
from app.access.permissions import Permission
from app.errors import Conflict
from app.identity.person import Person
from app.notices.models import Notice, NoticeState
from app.operations.mending.watching import NOTICE
from app.runtime import mending as engine
from app.runtime.mending.elsewhere import resolve
from app.store.database import db


def leave_unsent(person: Person, incident_key: int) -> None:
    """End the incident of a notice that failed, in the caller's transaction; the record names who answers for it.

    :raises NotFound, Conflict: no such incident, it is over, or it is not a notice's.
    :raises NotAllowed: the person is no operator there.
    """
    row = engine.find_incident(incident_key)
    decide.require(person, Permission.INCIDENT_RETRY, AreaFacts(row.area_key))
    notice = db.session.get(Notice, row.subject_key) if row.kind == NOTICE and row.subject_key is not None else None
    if notice is None:
        raise Conflict(
            "Only a notice can be left: what has stopped waits for somebody to mend it.", resource_id=str(incident_key)
        )
    if notice.state == NoticeState.FAILED:
        notices.leave(notice)
    resolve(row, person.key)
    audit.record("notice.leave", actor=person, subject=f"notice:{notice.key}")
