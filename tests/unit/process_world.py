"""A small world in which the shipped diagrams run: real decisions and parameters, plain memory, operations that answer what a test says."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from app import feel
from app.decisions import Model, load
from app.feel.convert import to_python
from app.runtime import codec
from app.runtime.dialect.parser import Release, parse_release
from app.runtime.engine.fold import fold
from app.runtime.engine.host import Entry, PlainHost, Posted
from app.runtime.engine.workflow import Instance
from app.runtime.language import instant_of

PROCESSES = Path(__file__).resolve().parents[2] / "processes"
READERS = {"duration": "duration(v)", "number": "number(v)", "time": "time(v)", "string": "v"}
Operation = Callable[["Running", Mapping[str, Any]], Mapping[str, Any] | None]


@cache
def release() -> Release:
    return parse_release({path.name: path.read_bytes() for path in sorted(PROCESSES.rglob("*.bpmn"))})


@cache
def tables() -> dict[str, Model]:
    found = {}
    for path in sorted(PROCESSES.rglob("*.dmn")):
        model = load(path.read_bytes(), file=path.name)
        found.update(dict.fromkeys(model.decisions, model))
    return found


@cache
def parameters() -> Mapping[str, Any]:
    entries = json.loads((PROCESSES / "marac" / "parameters.json").read_text(encoding="utf-8"))
    return {
        e["key"]: feel.evaluate(READERS[e["type"]], {"v": str(e["default"]) + (":00" if e["type"] == "time" else "")})
        for e in entries
    }


class WorldHost(PlainHost):
    """The world around one instance; deadlines of a meeting are seen from the cases that are listed for it."""

    def __init__(self, world: World, running: Running) -> None:
        super().__init__(lambda: world.now, params=parameters())
        self.world = world
        self.running = running

    def _deadline(self, name: str) -> datetime | None:
        self._asked.append(name)
        found = self.deadlines.get(name)
        meeting = self.world.meetings.get(self.running.meeting or "")
        return found if found is not None or meeting is None else meeting.host.deadlines.get(name)

    def decide(self, decision_id: str, task: Any, variables: Mapping[str, Any]) -> Any:
        return tables()[decision_id].evaluate(decision_id, variables, self.env).value

    def operate(
        self, type_: str, task: Any, inputs: Mapping[str, Any], headers: Mapping[str, str]
    ) -> Mapping[str, Any]:
        given = {name: inputs.get(name) for name, _ in task.task_spec.inputs_map}
        self.world.operated.append((type_, given))
        found = self.world.operations.get(type_, _nothing)(self.running, given) or {}
        return {name: feel.from_python(value) for name, value in found.items()}


def _nothing(running: Running, inputs: Mapping[str, Any]) -> None:
    return None


class Running:
    """One instance, and the tasks that it has open."""

    def __init__(self, world: World, process: str, variables: Mapping[str, Any], start_at: str | None = None) -> None:
        self.world = world
        self.process = process
        self.meeting: str | None = None
        self.open: dict[int, Entry] = {}
        self.host = WorldHost(world, self)
        spec = release().processes[process]
        given = spec.declarations.admit_all(dict(variables))
        self.instance = Instance(spec, release().blueprints, self.host, variables=given, start_at=start_at)
        self.number = len(world.running) + 1

    def look(self) -> set[int]:
        """Take note of the tasks that are open now. Returns those that no longer are."""
        waiting = {task.id for task in self.instance.user_tasks()}
        closed = self.open.keys() - waiting
        self.open.update({i: e for i, e in self.instance.entries.items() if i in waiting})
        self.open = {i: e for i, e in self.open.items() if i in waiting}
        assert self.open.keys() == waiting
        return closed

    def item(self, task_id: int) -> str:
        return str(self.number * 100_000 + task_id)

    def reload(self) -> None:
        """Fold, save and load: nothing may depend on memory."""
        fold(self.instance)
        self.instance = codec.loads(codec.dumps(self.instance), release(), self.process, self.host)


class World:
    """Instances, the messages between them, and the clock."""

    def __init__(self, at: str = "2026-11-02T09:00:00+00:00") -> None:
        self.now = datetime.fromisoformat(at).astimezone(UTC)
        self.running: list[Running] = []
        self.meetings: dict[str, Running] = {}
        self.kept: list[Posted] = []
        self.operated: list[tuple[str, dict[str, Any]]] = []
        self.state = ""
        self.operations: dict[str, Operation] = {
            "set-case-state": self._set_state,
            "set-deadline": self._set_deadline,
            "plan-meeting": self._plan,
            "move-meeting": self._move,
            "find-late-task": self._find_late,
            "apply-escalation": self._apply,
            "close-case": self._close,
            "list-silent-agencies": self._list_silent,
            "invite-agencies": lambda running, inputs: {"lateAgencies": []},
            "weigh-access": lambda running, inputs: {"accessPairs": []},
            "reassign-action": lambda running, inputs: {"formerAgency": "31"},
            "hand-chair-over": lambda running, inputs: {"presiding": inputs["chosen"]},
            "cancel-meeting": lambda running, inputs: {"listedCases": ["1"]},
        }

    # ---- operations that the diagrams cannot do without
    def _set_state(self, running: Running, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
        self.state = str(inputs["state"])
        return {"stateSince": self.now}

    def _set_deadline(self, running: Running, inputs: Mapping[str, Any]) -> None:
        running.host.deadlines[str(inputs["name"])] = instant_of(inputs["at"], "at")
        running.instance.rearm(str(inputs["name"]))

    def _plan(self, running: Running, inputs: Mapping[str, Any]) -> None:
        running.host.deadlines.update({name: instant_of(value, name) for name, value in inputs.items()})

    def _move(self, running: Running, inputs: Mapping[str, Any]) -> None:
        self._plan(running, inputs)
        for each in self.running:
            for name in inputs:
                each.instance.rearm(name)

    def _find_late(self, running: Running, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
        for task_id, entry in running.open.items():
            if entry.element_id == inputs["subjectElement"] and entry.deadline == inputs["dueName"]:
                role = entry.candidate_groups[0] if entry.candidate_groups else slug(entry.lane)
                item = running.item(task_id)
                return {"subjectItem": item, "subjectKey": item, "stillOpen": True, "holderRole": role}
        owed = self._owed().get(str(inputs.get("agency"))) if inputs["subjectElement"] == "ResearchAgency" else None
        if owed:
            key = f"{inputs['meetingId']}/{inputs['agency']}"
            return {"subjectItem": owed[0], "subjectKey": key, "stillOpen": True, "holderRole": "agency-spoc"}
        return {"subjectItem": "0", "subjectKey": "0", "stillOpen": False, "holderRole": None}

    def _owed(self) -> dict[str, list[str]]:
        """The research that each agency owes: its open tasks in every case."""
        found: dict[str, list[str]] = {}
        for running in self.running:
            for task_id, entry in running.open.items():
                if entry.element_id == "ResearchAgency":
                    found.setdefault(str(entry.properties["agency"]), []).append(running.item(task_id))
        return found

    def _list_silent(self, running: Running, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
        silent = sorted(self._owed())
        running.host.deadlines.update({f"returns-{a}": running.host.deadlines["researchDue"] for a in silent})
        return {"silentAgencies": silent}

    def _apply(self, running: Running, inputs: Mapping[str, Any]) -> None:
        if inputs["escalationDecision"] == "EXTEND":
            running.host.deadlines[str(inputs["dueName"])] = instant_of(inputs["newDue"], "newDue")

    def _close(self, running: Running, inputs: Mapping[str, Any]) -> None:
        self.state = "ACTIONS_CLOSED"
        running.host.deadlines.update({name: instant_of(value, name) for name, value in inputs.items()})

    # ---- running
    def begin(self, process: str, start_at: str | None = None, **variables: Any) -> Running:
        running = Running(self, process, variables, start_at)
        self.running.append(running)
        if process == "marac-meeting":
            self.meetings[str(variables["meetingId"])] = running
        self.settle()
        return running

    def settle(self) -> None:
        """Run every instance until nothing moves; carry messages, and tell who waits when a task has closed."""
        moved = True
        while moved:
            moved = False
            for running in list(self.running):
                running.instance.advance()
                assert not running.instance.incidents, [i.message for i in running.instance.incidents.values()]
                owing = set(self._owed())
                for task_id in running.look():
                    moved = running.instance.message("task-closed", running.item(task_id)) or moved
                for agency in owing - set(self._owed()):
                    for key, meeting in self.meetings.items():
                        moved = meeting.instance.message("task-closed", f"{key}/{agency}") or moved
                self.kept += running.host.posted
                running.host.posted.clear()
            moved = self._deliver() or moved

    def _deliver(self) -> bool:
        for message in list(self.kept):
            for running in self.running:
                if running.instance.message(message.name, message.key, message.payload):
                    self.kept.remove(message)
                    return True
            for process, spec in release().processes.items():
                for event in spec.start_events:
                    if event.trigger_definition.kind == "message" and event.trigger_definition.name == message.name:
                        self.kept.remove(message)
                        self.begin(process, event.name, **{k: to_python(v) for k, v in message.payload.items()})
                        return True
        return False

    def until(self, at: str) -> None:
        """Let time pass, stopping wherever something is due."""
        end = datetime.fromisoformat(at).astimezone(UTC)
        while True:
            due = [d for r in self.running if (d := r.instance.next_due()) is not None]
            soonest = min(due, default=None)
            if soonest is None or datetime.fromtimestamp(soonest / 1000, UTC) > end:
                break
            self.now = max(self.now, datetime.fromtimestamp(soonest / 1000, UTC))
            self.settle()
        self.now = end
        self.settle()

    # ---- people
    def tasks(self) -> list[str]:
        return sorted(entry.element_id for running in self.running for entry in running.open.values())

    def find(self, element: str, **properties: str) -> tuple[Running, int, Entry]:
        for running in self.running:
            for task_id, entry in running.open.items():
                if entry.element_id == element and properties.items() <= dict(entry.properties).items():
                    return running, task_id, entry
        raise AssertionError(f"{element} is not open; open are {', '.join(self.tasks())}")

    def do(self, element: str, properties: Mapping[str, str] | None = None, **answers: Any) -> Entry:
        running, task_id, entry = self.find(element, **(properties or {}))
        declared = running.instance.get_task_from_id(task_id).workflow.spec.declarations
        running.instance.complete_task(task_id, declared.admit_all(answers))
        self.settle()
        for each in self.running:
            each.reload()
        return entry

    def told(self) -> list[tuple[str, list[str]]]:
        """Notices so far: template and roles."""
        return [(str(i["template"]), list(i["roles"])) for name, i in self.operated if name == "notify"]

    def done(self, operation: str) -> list[dict[str, Any]]:
        return [inputs for name, inputs in self.operated if name == operation]


def slug(title: str | None) -> str | None:
    return None if title is None else title.lower().replace(" ", "-").replace("co-ordinator", "coordinator")
