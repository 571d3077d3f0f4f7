"""The shipped diagrams: complete, readable, and drawn for a human eye."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from app.identity.roles import Role
from tests.unit.diagram_geometry import BPMN, Drawing, Plane, troubles

ROOT = Path(__file__).resolve().parents[2]
PROCESSES = ROOT / "processes"
ZEEBE = "{http://camunda.org/schema/zeebe/1.0}"
DIAGRAMS = sorted(PROCESSES.rglob("*.bpmn"))
TABLES = sorted(PROCESSES.rglob("*.dmn"))
PARAMETERS = json.loads((PROCESSES / "marac" / "parameters.json").read_text(encoding="utf-8"))
FLOW_NODES = re.compile(r"(Task|Event|Gateway|subProcess|callActivity)$")
TITLES = {role.title for role in Role}
SLUGS = {role.value for role in Role}


def name_of(path: Path) -> str:
    return path.stem


def elements(path: Path, tag: str) -> list[Any]:
    return list(Drawing(path).root.iter(BPMN + tag))


def every(tag: str) -> list[Any]:
    return [
        pytest.param(path, element, id=f"{path.stem}-{element.get('id')}")
        for path in DIAGRAMS
        for element in elements(path, tag)
    ]


def extension(element: Any, name: str) -> Any:
    return element.find(f"{BPMN}extensionElements/{ZEEBE}{name}")


def properties(element: Any) -> dict[str, str]:
    found = extension(element, "properties")
    return {} if found is None else {p.get("name"): p.get("value") for p in found}


def mapping(element: Any, kind: str) -> dict[str, str]:
    found = extension(element, "ioMapping")
    return {} if found is None else {e.get("target"): e.get("source") for e in found.findall(ZEEBE + kind)}


def process_of(path: Path) -> Any:
    return elements(path, "process")[0]


def planes() -> list[Any]:
    found = []
    for path in DIAGRAMS:
        drawing = Drawing(path)
        found += [pytest.param(drawing, plane, id=f"{path.stem}-{plane.element}") for plane in drawing.planes]
    return found


def lane_of(element: Any) -> str | None:
    """The lane that names the element, or the sub-process that it is in, anywhere outwards."""
    tree = element.getroottree()
    node = element
    while node is not None and node.tag != f"{BPMN}process":
        for lane in tree.iter(f"{BPMN}lane"):
            if any(ref.text == node.get("id") for ref in lane.findall(f"{BPMN}flowNodeRef")):
                return str(lane.get("name"))
        node = node.getparent()
    return None


def test_every_procedure_is_there() -> None:
    assert {path.relative_to(PROCESSES).as_posix() for path in DIAGRAMS} >= {
        "common/escalation.bpmn",
        "marac/marac-action.bpmn",
        "marac/marac-case.bpmn",
        "marac/marac-meeting.bpmn",
        "marac/marac-research.bpmn",
        "sharing/information-sharing-without-consent.bpmn",
        "sharing/sharing-follow-up.bpmn",
    }


@pytest.mark.parametrize("path", [*DIAGRAMS, *TABLES], ids=name_of)
def test_a_file_has_no_document_type(path: Path) -> None:
    assert b"<!DOCTYPE" not in path.read_bytes()


@pytest.mark.parametrize("path", DIAGRAMS, ids=name_of)
def test_a_process_has_the_name_of_its_file_and_says_why_it_is(path: Path) -> None:
    process = process_of(path)
    assert process.get("id") == path.stem
    assert process.get("isExecutable") == "true"
    assert process.findtext(f"{BPMN}documentation")
    assert properties(process)["basis"]
    assert properties(process)["subject"] in {"case", "meeting", "none"}


@pytest.mark.parametrize("path", DIAGRAMS, ids=name_of)
def test_ids_are_meant_for_people_and_are_unique(path: Path) -> None:
    seen: set[str] = set()
    for element in Drawing(path).root.iter():
        identity = element.get("id")
        if identity is None:
            continue
        assert identity not in seen, f"{identity} is there twice"
        seen.add(identity)
        if FLOW_NODES.search(str(etree.QName(element).localname)):
            assert re.fullmatch(r"[A-Z][a-z]+([A-Z0-9][a-z0-9]*)+|[A-Z][a-z]+", identity), identity
            assert identity not in {"Start", "End"}


@pytest.mark.parametrize(("drawing", "plane"), planes())
def test_a_drawing_has_no_overlaps_and_no_crossings(drawing: Drawing, plane: Plane) -> None:
    assert list(dict.fromkeys(troubles(drawing, plane))) == []


@pytest.mark.parametrize("path", DIAGRAMS, ids=name_of)
def test_everything_is_drawn_once(path: Path) -> None:
    drawing = Drawing(path)
    drawn = [box.id for plane in drawing.planes for box in plane.boxes]
    drawn += [line.id for plane in drawing.planes for line in plane.lines]
    wanted = {
        identity
        for identity in drawing.elements
        if FLOW_NODES.search(drawing.kind(identity))
        or drawing.kind(identity) in {"sequenceFlow", "lane", "participant"}
    }
    assert sorted(drawn) == sorted(wanted)


@pytest.mark.parametrize("path", DIAGRAMS, ids=name_of)
def test_a_drawing_reads_from_left_to_right(path: Path) -> None:
    drawing = Drawing(path)
    for plane in drawing.planes:
        for box in plane.boxes:
            if box.kind == "startEvent":
                inside = drawing.elements[box.id].getparent()
                others = [
                    other
                    for other in plane.boxes
                    if drawing.elements[other.id].getparent() is inside and "flow" not in other.kind
                ]
                nodes = [
                    o
                    for o in others
                    if FLOW_NODES.search(o.kind) and not drawing.elements[o.id].get("triggeredByEvent")
                ]
                assert box.x <= min(other.x for other in nodes), f"{box.id} is not the first on the left"


@pytest.mark.parametrize(("path", "task"), every("userTask"))
def test_a_user_task_says_who_what_when_and_why(path: Path, task: Any) -> None:
    assignment = extension(task, "assignmentDefinition")
    lane = lane_of(task)
    groups = None if assignment is None else assignment.get("candidateGroups")
    assert lane in TITLES or (lane is None and groups), "no lane, and no roles either"
    for slug in re.findall(r'"([a-z-]+)"', groups or ""):
        assert slug in SLUGS
    assert extension(task, "userTask") is not None
    form = extension(task, "formDefinition").get("formId")
    assert list((ROOT / "forms").rglob(f"{form}.form")), f"there is no form {form}"
    assert extension(task, "taskSchedule").get("dueDate").startswith("=")
    assert properties(task)["deadline"]
    assert properties(task)["basis"]
    reason = task.findtext(f"{BPMN}documentation")
    assert reason
    assert 40 < len(reason) < 400


@pytest.mark.parametrize(("path", "task"), every("userTask"))
def test_a_late_user_task_is_escalated(path: Path, task: Any) -> None:
    if path.stem == "escalation":
        pytest.skip("the tiers run side by side: the next tier is the escalation of this one")
    if task.get("id") == "ResearchAgency":
        pytest.skip("the conference chases research, once for all the cases that an agency owes")
    container = task.getparent()
    flows = {flow.get("sourceRef"): flow.get("targetRef") for flow in container.findall(f"{BPMN}sequenceFlow")}
    calls = {call.get("id"): call for call in container.findall(f"{BPMN}callActivity")}
    timers = [
        event
        for event in container.findall(f"{BPMN}boundaryEvent")
        if event.get("attachedToRef") == task.get("id")
        and event.get("cancelActivity") == "false"
        and flows[event.get("id")] in calls
    ]
    assert len(timers) == 1
    when = timers[0].find(f"{BPMN}timerEventDefinition/{BPMN}timeDate").text
    assert when.startswith("=")
    assert "deadline(" in when or "now() + params." in when
    call = calls[flows[timers[0].get("id")]]
    assert extension(call, "calledElement").get("processId") == "escalation"
    given = mapping(call, "input")
    assert given["subjectElement"] == f'="{task.get("id")}"'
    name = properties(task)["deadline"]
    assert given["dueName"] == (name if name.startswith("=") else f'="{name}"')
    assert set(given) == {"duty", "subjectElement", "dueName", "caseId", "meetingId", "agency"}
    assert given["agency"] == properties(task).get("agency", "=null")
    end = next(c for c in container if c.get("id") == flows[call.get("id")])
    assert end.tag == f"{BPMN}endEvent"


def test_the_conference_chases_research_agency_by_agency() -> None:
    root = Drawing(PROCESSES / "marac" / "marac-meeting.bpmn").root
    call = next(c for c in root.iter(f"{BPMN}callActivity") if c.get("id") == "EscalateResearch")
    assert extension(call, "calledElement").get("processId") == "escalation"
    loop = call.find(f"{BPMN}multiInstanceLoopCharacteristics")
    assert extension(loop, "loopCharacteristics").get("inputCollection") == "=silentAgencies"
    assert mapping(call, "input") == {
        "duty": '="RESEARCH_RETURN"',
        "subjectElement": '="ResearchAgency"',
        "dueName": '="returns-" + silentAgency',
        "caseId": "=null",
        "meetingId": "=meetingId",
        "agency": "=silentAgency",
    }


def test_every_duty_that_a_diagram_names_has_tiers() -> None:
    table = etree.parse(str(PROCESSES / "common" / "escalation-tiers.dmn"))
    cells = " ".join(
        table.xpath("//*[local-name()='rule']/*[local-name()='inputEntry'][1]/*[local-name()='text']/text()")
    )
    for path in DIAGRAMS:
        for call in elements(path, "callActivity"):
            if extension(call, "calledElement").get("processId") == "escalation":
                for duty in re.findall(r'"([A-Z_]+)"', mapping(call, "input")["duty"]):
                    assert f'"{duty}"' in cells or "EMERGENCY_MEETING" in duty, f"{call.get('id')}: {duty}"


@pytest.mark.parametrize("path", DIAGRAMS, ids=name_of)
def test_names_are_questions_answers_and_deeds(path: Path) -> None:
    for element in Drawing(path).root.iter(f"{BPMN}*"):
        kind = str(etree.QName(element).localname)
        outgoing = element.findall(f"{BPMN}outgoing")
        if kind == "exclusiveGateway" and len(outgoing) > 1:
            assert (element.get("name") or "").endswith("?"), f"{element.get('id')} asks nothing"
        if kind.endswith("Task") or kind in {"callActivity", "subProcess"}:
            assert element.get("name"), f"{element.get('id')} has no name"
            assert (
                element.findtext(f"{BPMN}documentation")
                or kind == "callActivity"
                or "set-case-state" in _operation(element)
            )


def _operation(element: Any) -> str:
    found = extension(element, "taskDefinition")
    return "" if found is None else str(found.get("type"))


@pytest.mark.parametrize("path", DIAGRAMS, ids=name_of)
def test_a_choice_has_a_named_condition_on_every_flow(path: Path) -> None:
    root = Drawing(path).root
    flows = {flow.get("id"): flow for flow in root.iter(f"{BPMN}sequenceFlow")}
    for gateway in root.iter(f"{BPMN}exclusiveGateway"):
        leaving = [flows[ref.text] for ref in gateway.findall(f"{BPMN}outgoing")]
        if len(leaving) > 1:
            assert gateway.get("default") is None
            for flow in leaving:
                assert flow.get("name")
                assert flow.findtext(f"{BPMN}conditionExpression").startswith("=")


@pytest.mark.parametrize("path", DIAGRAMS, ids=name_of)
def test_no_figure_of_a_locality_stands_in_a_diagram(path: Path) -> None:
    """Times and thresholds are parameters: no duration, time or number of days as a literal."""
    for element in Drawing(path).root.iter():
        texts = [value for value in element.attrib.values() if value.startswith("=")] + (
            [element.text] if (element.text or "").startswith("=") else []
        )
        for text in texts:
            assert not re.search(r'duration\(|"P[0-9T]|@"', text), text


def test_every_parameter_that_is_used_is_registered_and_the_other_way_round() -> None:
    used: set[str] = set()
    for path in [*DIAGRAMS, *TABLES, *sorted((ROOT / "forms").rglob("*.form"))]:
        used |= set(re.findall(r"params\.([A-Za-z0-9]+)", path.read_text(encoding="utf-8")))
    keys = [entry["key"] for entry in PARAMETERS]
    assert len(keys) == len(set(keys))
    assert used <= set(keys)
    shown_elsewhere = {"minContacts", "caseSlot"}  # read by the agency register and the agenda, not by a diagram
    assert set(keys) - used == shown_elsewhere


@pytest.mark.parametrize("entry", PARAMETERS, ids=lambda entry: str(entry["key"]))
def test_a_parameter_is_described(entry: dict[str, Any]) -> None:
    assert set(entry) == {"key", "type", "default", "title", "unit", "source"}
    assert entry["type"] in {"duration", "number", "time", "string"}
    assert all(entry[name] for name in ("title", "unit", "source"))


@pytest.mark.parametrize("path", DIAGRAMS, ids=name_of)
def test_what_a_diagram_refers_to_exists(path: Path) -> None:
    processes = {process_of(p).get("id") for p in DIAGRAMS}
    decisions = {d.get("id") for p in TABLES for d in etree.parse(str(p)).xpath("//*[local-name()='decision']")}
    root = Drawing(path).root
    for call in root.iter(f"{BPMN}callActivity"):
        called = extension(call, "calledElement")
        assert called.get("processId") in processes
        assert called.get("propagateAllParentVariables") == "false"
        assert called.get("propagateAllChildVariables") == "false"
    for rule in root.iter(f"{BPMN}businessRuleTask"):
        assert extension(rule, "calledDecision").get("decisionId") in decisions


@pytest.mark.parametrize("path", DIAGRAMS, ids=name_of)
def test_what_a_call_hands_over_is_declared_by_the_called(path: Path) -> None:
    declared = {
        process_of(p).get("id"): {n[9:] for n in properties(process_of(p)) if n.startswith("variable:")}
        for p in DIAGRAMS
    }
    for call in elements(path, "callActivity"):
        target = extension(call, "calledElement").get("processId")
        assert set(mapping(call, "input")) <= declared[target], call.get("id")
        assert {source.lstrip("=") for source in mapping(call, "output").values()} <= declared[target]


def test_what_a_message_carries_is_declared_by_who_gets_it() -> None:
    """Message starts and catches: every payload variable is a variable of the receiving process."""
    receivers: dict[str, set[str]] = {}
    starting = set()
    for path in DIAGRAMS:
        root = Drawing(path).root
        plain = [event.find(f"{BPMN}messageEventDefinition") for event in process_of(path).findall(f"{BPMN}startEvent")]
        names = {m.get("id"): m.get("name") for m in root.iter(f"{BPMN}message")}
        declared = {n[9:] for n in properties(process_of(path)) if n.startswith("variable:")}
        for event in [
            *root.iter(f"{BPMN}startEvent"),
            *root.iter(f"{BPMN}intermediateCatchEvent"),
            *root.iter(f"{BPMN}boundaryEvent"),
        ]:
            definition = event.find(f"{BPMN}messageEventDefinition")
            if definition is not None:
                receivers[names[definition.get("messageRef")]] = declared
        starting |= {names[definition.get("messageRef")] for definition in plain if definition is not None}
    sent = set()
    for path in DIAGRAMS:
        root = Drawing(path).root
        names = {m.get("id"): m.get("name") for m in root.iter(f"{BPMN}message")}
        senders = [(task, task.get("messageRef")) for task in root.iter(f"{BPMN}sendTask")]
        for event in root.iter(f"{BPMN}intermediateThrowEvent"):
            senders.append((event, event.find(f"{BPMN}messageEventDefinition").get("messageRef")))
        for sender, reference in senders:
            given = mapping(sender, "input")
            if names[reference] in starting:
                assert "correlationKey" not in given, "a second message about a case is a second piece of work, at once"
            else:
                assert given.pop("correlationKey").startswith("=")
            assert set(given) <= receivers[names[reference]], sender.get("id")
            sent.add(names[reference])
    assert set(receivers) - sent == {
        "agency-to-invite",
        "attendee-joined",
        "conflict-lifted",
        "consent-changed",
        "held-papers-released",
        "involvement-changed",
        "meeting-cancelled",
        "meeting-moved",
        "presiding-decided",
        "task-closed",
    }, "published by people's pages"


def test_authorising_is_never_done_by_the_author_and_needs_a_fresh_sign_in() -> None:
    for stem, task, other in (
        ("information-sharing-without-consent", "AuthoriseSharing", "CompleteIswcForm"),
        ("sharing-follow-up", "AuthoriseRetrospectively", "RecordSharing"),
    ):
        path = next(p for p in DIAGRAMS if p.stem == stem)
        found = properties(Drawing(path).elements[task])
        assert found["separateFrom"] == other
        assert found["freshAuthentication"] == "true"


def test_the_process_owners_page_names_every_diagram_table_and_figure() -> None:
    page = (ROOT / "docs" / "users" / "procedures" / "marac.md").read_text(encoding="utf-8")
    for path in DIAGRAMS:
        assert f"`{path.name}`" in page
    for path in TABLES:
        assert f"`{path.stem}`" in page
    for entry in PARAMETERS:
        assert f"| `{entry['key']}` | {entry['title']} |" in page
    for path in DIAGRAMS:
        drawing = Drawing(path)
        for plane in drawing.planes[1:]:
            assert f"| {drawing.elements[plane.element].get('name')} |" in page
