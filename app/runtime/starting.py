"""Starting an instance."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.errors import Invalid
from app.runtime import releases, schedule
from app.runtime.models import Instance, InstanceStatus, ProcessDefinition
from app.runtime.step import begin
from app.store.clock import business_now
from app.store.database import db, new_key
from app.store.jobs import Job

STANDARD = frozenset(("caseId", "meetingId", "starter", "starterAgency"))


def start(
    process_id: str | None,
    variables: Mapping[str, Any] | None = None,
    *,
    area_key: int,
    by: int | None,
    case_key: int | None = None,
    meeting_key: int | None = None,
    definition_key: int | None = None,
    version: int | None = None,
) -> Instance:
    """Start an instance of the latest version of a process in an area, or of the version named.

    The standard variables (caseId, meetingId, starter, starterAgency) are dropped where a process does not declare
    them.

    :raises InstanceNotFound: no such process in the area.
    :raises VariableRefused: a variable is not declared or of another type.
    :raises Invalid: the process only starts with an event.
    """
    if definition_key is not None:
        definition = releases.definition(definition_key, area_key=area_key)
    else:
        definition = releases.find_definition(area_key, process_id or "", version)
    process = releases.parsed(definition.release_key).diagrams.processes[definition.process_id]
    if not any(event.plain for event in process.start_events):
        raise Invalid("This process is started by an event, not by a person.", resource_id=definition.process_id)
    declared = process.declarations
    given = {
        name: value
        for name, value in (variables or {}).items()
        if not (declared and name in STANDARD and name not in declared.types)
    }
    return begin_instance(definition, declared.admit_all(given), case_key=case_key, meeting_key=meeting_key, by=by)


def begin_instance(
    definition: ProcessDefinition,
    variables: dict[str, Any],
    *,
    case_key: int | None,
    meeting_key: int | None,
    by: int | None,
    start_at: str | None = None,
    correlation_key: str | None = None,
) -> Instance:
    """Make the row and run the instance to its first wait. Variables are FEEL values by now.

    :param correlation_key: of the message that starts it: while it is active no other message of this key starts one of its process.
    """
    row = Instance(
        key=new_key(),
        definition_key=definition.key,
        release_key=definition.release_key,
        process_id=definition.process_id,
        area_key=definition.area_key,
        case_key=case_key,
        meeting_key=meeting_key,
        state=b"",
        status=InstanceStatus.ACTIVE,
        has_incident=False,
        started_at=business_now(),
        started_by=by,
        correlation_key=correlation_key,
    )
    db.session.add(row)
    begin(row, variables, start_at)
    return row


def run_start_job(job: Job) -> None:
    """The job handler of timer start events: one instance, of no case yet. A start event that a newer version has
    replaced starts nothing."""
    start_event = schedule.take_turn(job)
    if start_event is None:
        return
    definition = releases.definition(start_event.definition_key)
    begin_instance(definition, {}, case_key=None, meeting_key=None, by=None, start_at=start_event.element_id)
