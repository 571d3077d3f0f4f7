"""A shipped procedure redrawn by a process owner: another release of the borough."""

from __future__ import annotations

import json

from sqlalchemy import select

from app.agencies.models import Area
from app.operations.publishing import publish, shipped_files
from app.runtime import releases
from app.runtime.models import ProcessDefinition
from app.store.database import db

CASE = "marac-case.bpmn"
_FLOW = '<bpmn:sequenceFlow id="ContactVictimToIsThereNewRisk" sourceRef="ContactVictim" targetRef="IsThereNewRisk" />'


def with_added_task(files: dict[str, bytes]) -> dict[str, bytes]:
    """After the IDVA's contact they write down how to reach the victim."""
    added = (
        '<bpmn:userTask id="NoteSafeRoute" name="Note the safe route"><bpmn:extensionElements><zeebe:userTask />'
        "</bpmn:extensionElements><bpmn:incoming>ContactVictimToNoteSafeRoute</bpmn:incoming>"
        "<bpmn:outgoing>ContactVictimToIsThereNewRisk</bpmn:outgoing></bpmn:userTask>"
    )
    return changed(
        files,
        CASE,
        (
            _FLOW,
            _FLOW.replace('sourceRef="ContactVictim"', 'sourceRef="NoteSafeRoute"')
            + '<bpmn:sequenceFlow id="ContactVictimToNoteSafeRoute" sourceRef="ContactVictim" targetRef="NoteSafeRoute" />',
        ),
        (
            "<bpmn:outgoing>ContactVictimToIsThereNewRisk</bpmn:outgoing>",
            "<bpmn:outgoing>ContactVictimToNoteSafeRoute</bpmn:outgoing>",
        ),
        (
            "<bpmn:flowNodeRef>ContactVictim</bpmn:flowNodeRef>",
            "<bpmn:flowNodeRef>ContactVictim</bpmn:flowNodeRef><bpmn:flowNodeRef>NoteSafeRoute</bpmn:flowNodeRef>",
        ),
        ('<bpmn:exclusiveGateway id="IsThereNewRisk"', added + '<bpmn:exclusiveGateway id="IsThereNewRisk"'),
    )


def with_shorter_deadline(files: dict[str, bytes]) -> dict[str, bytes]:
    """The IDVA's first contact is due in one working day."""
    return changed(
        files, CASE, ("add working days(today(), params.idvaFirstContactWorkingDays)", "add working days(today(), 1)")
    )


def with_renamed_form(files: dict[str, bytes], name: str, old: str, new: str) -> dict[str, bytes]:
    """One question of a form has another key, so that what was typed for it has no place."""
    form = json.loads(files[name])
    said = json.dumps(form).replace(f'"{old}"', f'"{new}"')
    return {**files, name: said.encode()}


def changed(files: dict[str, bytes], name: str, *pairs: tuple[str, str]) -> dict[str, bytes]:
    """One file with parts replaced, each exactly once."""
    text = files[name].decode()
    for old, new in pairs:
        assert old in text, old
        text = text.replace(old, new, 1)
    return {**files, name: text.encode()}


def shipped() -> dict[str, bytes]:
    return shipped_files()


def redraw(files: dict[str, bytes]) -> None:
    """Publish files in the borough, in the caller's transaction."""
    area = db.session.execute(select(Area).where(Area.demo)).scalars().first()
    assert area is not None
    publish(area, files, by=None)


def newest(process_id: str) -> ProcessDefinition:
    """The newest version of a process in the borough."""
    area = db.session.execute(select(Area.key).where(Area.demo)).scalars().first()
    return releases.find_definition(area or 0, process_id)
