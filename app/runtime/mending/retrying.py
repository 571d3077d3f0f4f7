"""Trying again what stopped. It needs nobody's approval: nothing is changed and nothing is skipped."""

from __future__ import annotations

import logging

from sqlalchemy import select, update
from sqlalchemy.exc import DBAPIError

from app.errors import Conflict
from app.runtime.errors import InstanceNotFound, StaleInstance
from app.runtime.mending.elsewhere import resolve, retries
from app.runtime.models import Incident, IncidentState, Instance
from app.runtime.step import step
from app.runtime.timers import wake
from app.store.clock import business_now
from app.store.database import db

log = logging.getLogger("convenor.runtime")

RESOLVED = "This incident has been resolved already."


def find_incident(incident_key: int, *, active: bool = True) -> Incident:
    """An incident as it is now.

    :param active: only one that still waits for somebody.
    :raises InstanceNotFound: no such incident.
    :raises Conflict: it has been resolved already.
    """
    row = db.session.get(Incident, incident_key, populate_existing=True)
    if row is None:
        raise InstanceNotFound("There is no such incident.", resource_id=str(incident_key))
    if active and row.state != IncidentState.ACTIVE:
        raise Conflict(RESOLVED, resource_id=str(incident_key))
    return row


def retry_incident(incident_key: int, *, by: int | None) -> bool:
    """Try the stopped task again. True: it went on; False: it stopped again, and a new incident says why if the reason has changed.

    :raises InstanceNotFound: no such incident.
    :raises Conflict: it has been resolved already.
    """
    row = find_incident(incident_key)
    again = retries.get(row.kind)
    if again is not None:
        went_on = again(row, by)
    elif row.task_id == 0 and row.instance_key is not None:
        return _wake(row.instance_key, by)
    else:
        went_on = _retry(row)
    if went_on:
        resolve(row, by)
    return went_on


def _retry(row: Incident) -> bool:
    if row.instance_key is None:
        raise Conflict("This incident belongs to no procedure and is not tried again here.", resource_id=str(row.key))
    with step(row.instance_key) as taken:
        taken.wf.retry(row.task_id)
        return row.task_id not in taken.wf.incidents


def _wake(instance_key: int, by: int | None) -> bool:
    """The alarm of an instance could not be run: run it now. Every incident that says so is over when it runs; when it
    breaks again, nothing has happened."""
    savepoint = db.session.begin_nested()
    try:
        db.session.execute(
            update(Incident)
            .where(
                Incident.instance_key == instance_key,
                Incident.task_id == 0,
                Incident.kind.not_in(list(retries)),
                Incident.state == IncidentState.ACTIVE,
            )
            .values(state=IncidentState.RESOLVED, resolved_at=business_now(), resolved_by=by)
        )
        wake(instance_key)
        savepoint.commit()
    except (StaleInstance, DBAPIError):
        raise
    except Exception as error:
        savepoint.rollback()
        log.warning("the alarm failed again", extra={"instance": instance_key, "error": type(error).__name__})
        return False
    settle_flag(instance_key)
    return True


def settle_flag(instance_key: int) -> None:
    """Let the instance's flag say whether something in it has stopped, whatever the last step has written."""
    stopped = (
        select(Incident.key)
        .where(
            Incident.instance_key == instance_key,
            Incident.state == IncidentState.ACTIVE,
            Incident.kind.not_in(list(retries)),
        )
        .limit(1)
    )
    found = db.session.execute(stopped).first() is not None
    row = db.session.get(Instance, instance_key, populate_existing=True)
    if row is not None and row.has_incident != found:
        row.has_incident = found
        db.session.flush()
