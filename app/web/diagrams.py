"""Diagrams for reading: the published procedures, and where an instance stands, coloured and in words."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from flask import Blueprint, Response, render_template
from lxml import etree

from app.access import decide
from app.access.facts import AreaFacts
from app.access.permissions import Permission
from app.errors import NotFound
from app.identity.service import current_person
from app.runtime import releases
from app.runtime import service as runtime
from app.runtime.models import Instance

blueprint = Blueprint("procedures", __name__, url_prefix="/procedures")

_BPMN = "{http://www.omg.org/spec/BPMN/20100524/MODEL}"
_SHOWN = re.compile(r"(Task|callActivity|subProcess|task)$")
_ZEEBE_PROPERTY = "{http://camunda.org/schema/zeebe/1.0}property"


@dataclass(frozen=True, slots=True)
class Step:
    """One element of a diagram in words.

    :param state: open, done, incident, or empty for not reached.
    """

    element_id: str
    name: str
    kind: str
    state: str
    times: int


@dataclass(frozen=True, slots=True)
class Drawing:
    """A process that an instance is or was in."""

    instance: Instance
    process_id: str
    name: str
    steps: list[Step]

    def only(self, elements: set[str]) -> Drawing:
        """The same with nothing told but of these elements."""
        return replace(self, steps=[step for step in self.steps if step.element_id in elements])

    @property
    def states(self) -> dict[str, str]:
        """Element id to state, for colouring."""
        return {step.element_id: step.state for step in self.steps if step.state}


@dataclass(frozen=True, slots=True)
class Task:
    """A task as a diagram draws it: name, lane's role, what it is for and where the duty comes from."""

    name: str
    lane: str
    documentation: str
    basis: str


def _root(content: bytes) -> etree._Element:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    return etree.fromstring(content, parser)


def _process(content: bytes, process_id: str) -> etree._Element | None:
    return next((p for p in _root(content).iter(f"{_BPMN}process") if p.get("id") == process_id), None)


def drawing(instance: Instance, process_id: str) -> Drawing:
    """A process of an instance with the state of each activity, in the order of the file. What has not been reached is told of the tasks
    of people only, and of events only what is waited for."""
    process = _process(releases.diagram_of(instance.release_key, process_id), process_id)
    states = runtime.element_states(instance.key, process_id)
    steps = []
    for element in process.iter() if process is not None else ():
        name, element_id = element.get("name"), element.get("id")
        if not isinstance(element.tag, str) or not name or not element_id:
            continue
        kind, found = etree.QName(element).localname, states.get(element_id)
        if not (_SHOWN.search(kind) or (found and (found.active or found.incident) and kind.endswith("Event"))):
            continue
        if found is None and kind != "userTask":
            continue
        state = "" if found is None else "incident" if found.incident else "open" if found.active else "done"
        steps.append(Step(element_id, name, kind, state, found.completed if found is not None else 0))
    title = process.get("name") if process is not None else None
    return Drawing(instance, process_id, title or process_id, steps)


def tasks_of(content: bytes, process_id: str) -> list[Task]:
    """The user tasks of a process in the order of the file."""
    process = _process(content, process_id)
    if process is None:
        return []
    lanes = {
        (reference.text or "").strip(): lane.get("name") or ""
        for lane in process.iter(f"{_BPMN}lane")
        for reference in lane.findall(f"{_BPMN}flowNodeRef")
    }
    found = []
    for task in process.iter(f"{_BPMN}userTask"):
        properties = {p.get("name"): p.get("value") or "" for p in task.iter(_ZEEBE_PROPERTY)}
        found.append(
            Task(
                task.get("name") or task.get("id") or "",
                lanes.get(task.get("id") or "", ""),
                (task.findtext(f"{_BPMN}documentation") or "").strip(),
                properties.get("basis", ""),
            )
        )
    return found


@blueprint.get("")
def index() -> str:
    """The published procedures of the person's area."""
    person = current_person()
    found = releases.latest_definitions(person.area_key) if person.area_key is not None and person.roles else []
    return render_template("procedures/index.html", definitions=found)


@blueprint.get("/<process_id>")
def show(process_id: str) -> str:
    """One procedure: the picture, and its tasks in words with their sources."""
    person = current_person()
    if person.area_key is None or not person.roles:
        raise NotFound("There is no such procedure.", resource_id=process_id)
    definition = releases.find_definition(person.area_key, process_id)
    return render_template(
        "procedures/show.html",
        definition=definition,
        tasks=tasks_of(releases.diagram(definition.key), process_id),
        may_edit=decide.allowed(person, Permission.DRAFT_EDIT, AreaFacts(person.area_key)),
    )


@blueprint.get("/<process_id>/versions/<key:key>.bpmn")
def file(process_id: str, key: int) -> Response:
    """The BPMN file of a published version of the person's area."""
    person = current_person()
    if person.area_key is None or not person.roles:
        raise NotFound("There is no such procedure.", resource_id=process_id)
    definition = releases.definition(key, area_key=person.area_key)
    return Response(releases.diagram(definition.key), content_type="application/xml; charset=utf-8")
