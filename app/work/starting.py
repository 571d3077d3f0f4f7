"""Starting a procedure: who may, on which published version, about which case or meeting."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import select

from app import audit
from app.access import decide
from app.access.facts import AreaFacts
from app.access.permissions import Permission
from app.agencies import service as agencies
from app.errors import Conflict, Invalid
from app.identity.person import Person
from app.runtime import releases
from app.runtime import service as runtime
from app.runtime.models import Instance, ProcessDefinition
from app.store.database import db
from app.work.errors import UnknownItem
from app.work.models import ItemState, WorkItem
from app.work.ports import Subject, ports

Definition = ProcessDefinition | releases.Published

_NOT_STARTABLE = "There is no such procedure that you can start."


@dataclass(frozen=True)
class Startable:
    """A procedure that a person may start."""

    process_id: str
    title: str
    definition_key: int


def startable(person: Person) -> list[Startable]:
    """The published procedures that the person may start, by title."""
    if person.area_key is None:
        return []
    definitions = releases.latest_definitions(person.area_key)
    published = _published_by(person, definitions)
    found = [
        Startable(definition.process_id, definition.name or definition.process_id, definition.key)
        for definition in definitions
        if _by_role(person, definition) or definition.release_key in published
    ]
    return sorted(found, key=lambda s: s.title)


def may_start(person: Person, definition: ProcessDefinition) -> bool:
    """Whether one of the person's roles may start a procedure. A stranger's diagram that says nothing of roles is
    started by whoever deployed it, where diagrams may go live at all; never one that makes a case or a meeting."""
    if person.area_key is None or person.area_key != definition.area_key:
        return False
    return _by_role(person, definition) or bool(_published_by(person, [definition]))


def starters(properties: Mapping[str, str]) -> set[str]:
    """The roles that may start a procedure, as its diagram says."""
    return {r.strip() for r in str(properties.get("startableBy", "")).split(",") if r.strip()}


def _by_role(person: Person, definition: Definition) -> bool:
    return bool(starters(definition.properties) & person.role_slugs)


def _published_by(person: Person, definitions: Sequence[Definition]) -> set[int]:
    """The releases of strangers' diagrams that say nothing of roles and that the person published, where they may go live."""
    strangers = {
        definition.release_key
        for definition in definitions
        if not starters(definition.properties)
        and str(definition.properties.get("subject", "none")) not in ports.subjects
    }
    own = releases.own_releases(person.key, strangers)
    if not own or person.area_key is None:
        return set()
    area = AreaFacts(person.area_key, demo=agencies.area(person.area_key).demo)
    return own if decide.allowed(person, Permission.INSTANCE_START, area) else set()


def agencies_for(process_id: str, person: Person) -> frozenset[int]:
    """The agencies that the person may start a procedure for.

    :raises UnknownItem: no such procedure, or the person may not start it.
    """
    return person.agencies_with(starters(_find(process_id, person).properties))


def _find(process_id: str, person: Person) -> ProcessDefinition:
    chosen = next((s for s in startable(person) if s.process_id == process_id), None)
    if chosen is None:
        raise UnknownItem(_NOT_STARTABLE, resource_id=process_id)
    return releases.definition(chosen.definition_key)


def start(process_id: str, person: Person, *, agency_key: int | None = None) -> WorkItem | None:
    """Start a procedure and answer with the first task that waits for the person.

    :param agency_key: for which of the agencies that they may start it for; None: as :meth:`Person.acting_for` says.
    :raises UnknownItem: no such procedure, or the person may not start it, or not for this agency.
    """
    definition = _find(process_id, person)
    if agency_key is not None:
        if agency_key not in person.agencies_with(starters(definition.properties)):
            raise UnknownItem(_NOT_STARTABLE, resource_id=process_id)
        person = replace(person, agency_key=agency_key)
    instance = start_version(definition, person)
    return db.session.execute(
        select(WorkItem)
        .where(WorkItem.instance_key == instance.key, WorkItem.state == ItemState.OPEN, WorkItem.assignee == person.key)
        .order_by(WorkItem.key)
        .limit(1)
    ).scalar()


def start_version(
    definition: ProcessDefinition, person: Person, variables: Mapping[str, Any] | None = None
) -> Instance:
    """Start one version of a procedure.

    :param variables: what it starts with. A procedure about a case or a meeting takes none: what decides it is answered in its tasks.
    :raises UnknownItem: the person may not start it.
    :raises Invalid: variables for a procedure that takes none.
    :raises Conflict: a case or a meeting begins on the latest version, and this one has been replaced.
    """
    if not may_start(person, definition):
        raise UnknownItem(_NOT_STARTABLE, resource_id=definition.process_id)
    maker = ports.subjects.get(str(definition.properties.get("subject", "none")))
    if maker is not None and variables:
        raise Invalid(
            "This procedure takes no variables when it starts: its tasks ask for what it needs.",
            resource_id=definition.process_id,
        )
    subject = Subject(None, None, {})
    if maker is not None:
        if releases.find_definition(definition.area_key, definition.process_id).key != definition.key:
            raise Conflict(
                "This version of the procedure has been replaced. Start the latest one.",
                resource_id=definition.process_id,
            )
        subject = maker(definition.area_key, definition.process_id, person, definition.properties)
    agency_key = person.acting_for(starters(definition.properties))
    standard = {"starter": str(person.key), "starterAgency": str(agency_key) if agency_key else None}
    process = releases.parsed(definition.release_key).diagrams.processes[definition.process_id]
    if not process.declarations:  # a stranger's diagram, which may mean something else by these names
        standard = {name: value for name, value in standard.items() if name not in (variables or {})}
    instance = runtime.start(
        definition.process_id,
        {**(variables or {}), **standard, **subject.variables},
        area_key=definition.area_key,
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
    return instance
