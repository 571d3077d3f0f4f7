"""Starting a procedure: who may, on which published version, about which case or meeting."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select

from app import audit
from app.identity.person import Person
from app.runtime import releases
from app.runtime import service as runtime
from app.store.database import db
from app.work.errors import UnknownItem
from app.work.models import ItemState, WorkItem
from app.work.ports import Subject, ports


@dataclass(frozen=True)
class Startable:
    """A procedure that a person may start."""

    process_id: str
    title: str
    definition_key: int


def startable(person: Person) -> list[Startable]:
    """The published procedures that one of the person's roles may start, by title."""
    if person.area_key is None:
        return []
    found = []
    for definition in releases.latest_definitions(person.area_key):
        allowed = {r.strip() for r in str(definition.properties.get("startableBy", "")).split(",") if r.strip()}
        if allowed & person.role_slugs:
            found.append(Startable(definition.process_id, definition.name or definition.process_id, definition.key))
    return sorted(found, key=lambda s: s.title)


def start(process_id: str, person: Person) -> WorkItem | None:
    """Start a procedure and answer with the first task that waits for the person.

    :raises UnknownItem: no such procedure, or the person may not start it.
    """
    chosen = next((s for s in startable(person) if s.process_id == process_id), None)
    if chosen is None or person.area_key is None:
        raise UnknownItem("There is no such procedure that you can start.", resource_id=process_id)
    definition = releases.definition(chosen.definition_key)
    kind = str(definition.properties.get("subject", "none"))
    maker = ports.subjects.get(kind)
    subject = maker(person.area_key, process_id, person, definition.properties) if maker else Subject(None, None, {})
    variables = {
        "starter": str(person.key),
        "starterAgency": str(person.agency_key) if person.agency_key else None,
        **subject.variables,
    }
    instance = runtime.start(
        process_id,
        variables,
        area_key=person.area_key,
        case_key=subject.case_key,
        meeting_key=subject.meeting_key,
        by=person.key,
        definition_key=definition.key,
    )
    audit.record(
        "procedure.start",
        actor=person,
        subject=f"instance:{instance.key}",
        case_key=subject.case_key,
        meeting_key=subject.meeting_key,
    )
    return db.session.execute(
        select(WorkItem)
        .where(WorkItem.instance_key == instance.key, WorkItem.state == ItemState.OPEN, WorkItem.assignee == person.key)
        .order_by(WorkItem.key)
        .limit(1)
    ).scalar()
