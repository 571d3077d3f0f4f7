"""The saved state of an instance, said again in the words of another release; and everything that cannot be said."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from app.runtime import codec
from app.runtime.dialect.parser import Release
from app.runtime.engine.task import OPEN, parts
from app.runtime.moving.elements import ElementMap, attached_to
from app.runtime.moving.joins import Token, starved
from app.runtime.moving.outlook import Obstacle
from app.runtime.moving.shapes import difference
from app.runtime.moving.words import titled
from app.runtime.specs.process import ProcessSpec
from app.runtime.spiff import TaskState

KEPT_KEYS = ("due", "bound", "sub")  # internal data by event id


@dataclass(slots=True)
class Flow:
    """One process or sub-process that runs inside an instance, in both releases."""

    before: ProcessSpec
    after: ProcessSpec


@dataclass(slots=True)
class Translation:
    """A state in the other release's terms.

    :ivar data: the state; not to be restored while there are obstacles.
    :ivar flows: by the id of the task that owns the flow, 0 for the process itself.
    :ivar origins: for each row that is kept, its element in the old release.
    :ivar gone: what waits no more, in the old release: (flow's owner, element).
    """

    data: list[Any]
    obstacles: list[Obstacle] = field(default_factory=list)
    flows: dict[int, Flow] = field(default_factory=dict)
    origins: dict[int, Any] = field(default_factory=dict)
    gone: list[tuple[int, Any, dict[str, Any]]] = field(default_factory=list)


class Translator:
    """From one release to another, for any number of instances of one process."""

    def __init__(self, source: Release, target: Release, elements: ElementMap) -> None:
        self.source, self.target, self.elements = source, target, elements

    def translate(self, data: list[Any], process_id: str) -> Translation:
        """Say a state again. The given data is left as it is."""
        version, last_id, completed, start_at, rows, subs, scopes, incidents, done = data
        made = Translation([])
        before, after = self.source.processes[process_id], self.target.processes.get(process_id)
        if after is None:
            made.obstacles.append(
                Obstacle(process_id, "", f"The other release has no process {process_id}.", "Choose another release.")
            )
            return made
        owners = self._owners(rows, subs, before)
        made.flows[0] = Flow(before, after)
        new_rows = self._rows(made, 0, rows)
        new_subs = []
        for task_id, key, inner in subs:
            found = self._flow(made, task_id, key, owners.get(task_id))
            if found is None:
                continue
            made.flows[task_id] = found
            new_subs.append([task_id, self.elements.blueprint(key), self._rows(made, task_id, inner)])
        kept = set(made.origins)
        lost = {row[0] for flow_rows in (rows, *(sub[2] for sub in subs)) for row in flow_rows} - kept
        self._variables(made, scopes, owners)
        self._named(made, scopes)
        made.data = [
            version,
            last_id,
            completed,
            self.elements.of(process_id, start_at) if start_at else start_at,
            new_rows,
            new_subs,
            [scope for scope in scopes if abs(scope[0]) not in lost],
            [incident for incident in incidents if incident[0] not in lost],
            self._counts(done),
        ]
        return made

    # ---- flows
    def _owners(self, rows: list[Any], subs: list[Any], top: ProcessSpec) -> dict[int, tuple[int, Any, ProcessSpec]]:
        """For each task: the owner of its flow, its old element, the old flow."""
        specs = {0: (rows, top)}
        specs.update({task_id: (inner, self.source.blueprints[key]) for task_id, key, inner in subs})
        found = {}
        for owner, (flow_rows, spec) in specs.items():
            by_number = spec.numbers()[1]
            for row in flow_rows:
                found[row[0]] = (owner, by_number[row[1]], spec)
        return found

    def _flow(
        self, made: Translation, task_id: int, key: str, owner: tuple[int, Any, ProcessSpec] | None
    ) -> Flow | None:
        """The inside of a running sub-process or called process. What is wrong with its activity has been said at its row."""
        before = self.source.blueprints[key]
        after = self.target.blueprints.get(self.elements.blueprint(key))
        if owner is None or task_id not in made.origins:
            return None
        if after is None:
            spec, flow = owner[1], owner[2]
            made.obstacles.append(
                Obstacle(
                    flow.process_id,
                    spec.bpmn_id or "",
                    f"What runs inside {titled(spec)} is not part of the other release.",
                    "Publish it with the release, or wait until the case has left it.",
                )
            )
            return None
        return Flow(before, after)

    # ---- rows
    def _rows(self, made: Translation, owner: int, rows: list[Any]) -> list[Any]:
        flow = made.flows[owner]
        by_number, numbers = flow.before.numbers()[1], flow.after.numbers()[0]
        specs = {row[0]: by_number[row[1]] for row in rows}
        root = next((row[0] for row in rows if not row[3]), 0)
        parents = {row[0]: row[3] for row in rows}
        kept, moved_up = [], set()
        for row in rows:
            spec = specs[row[0]]
            name = self.elements.spec_name(flow.before.process_id, spec)
            found = flow.after.task_specs.get(name)
            if not row[2] & OPEN and row[3]:  # finished: only what stands before an activity's events is of use
                if not spec.is_split or found is None:
                    moved_up.add(row[0])
                    continue
            elif spec.is_boundary or spec.is_trigger:
                activity = specs.get(parents[row[0]])
                if not self._still_waits(flow, spec, found, activity):
                    made.gone.append((owner, spec, row[5] if len(row) > 5 else {}))
                    moved_up.add(row[0])
                    continue
            elif found is None:
                made.obstacles.append(self._missing(flow, spec, name))
                continue
            elif wrong := difference(self.elements, flow, spec, found, row, rows):
                made.obstacles.append(Obstacle(flow.before.process_id, spec.bpmn_id or "", *wrong))
                continue
            made.origins[row[0]] = spec
            kept.append(self._row(flow, row, numbers[name]))
        for row in kept:
            if row[3] in moved_up:
                row[3] = root
        self._starved(made, flow, rows, specs, kept)
        return kept

    def _row(self, flow: Flow, row: list[Any], number: int) -> list[Any]:
        said = [row[0], number, *row[2:5]]
        if len(row) > 5:
            said.append(self._internal(flow.before.process_id, row[5]))
        return said

    def _internal(self, process_id: str, data: dict[str, Any]) -> dict[str, Any]:
        """Internal data names elements: events by id, and the flow a token came by."""
        of = self.elements.of
        said = dict(data)
        for key in KEPT_KEYS:
            if key in said:
                said[key] = {of(process_id, event): value for event, value in said[key].items()}
        for key in ("via", "fired"):
            if key in said:
                said[key] = of(process_id, said[key])
        return said

    def _still_waits(self, flow: Flow, spec: Any, found: Any, split: Any) -> bool:
        """Whether an event is attached to the same activity, or starts an event sub-process of the same scope, as before."""
        if found is None or found.event_definition.kind != spec.event_definition.kind:
            return False
        if spec.is_trigger:
            return bool(found.is_trigger)
        activity = self.elements.of(flow.before.process_id, split.name.removesuffix(".split"))
        return found.name in attached_to(flow.after, activity)

    def _missing(self, flow: Flow, spec: Any, name: str) -> Obstacle:
        process_id = flow.before.process_id
        elsewhere = any(
            name in each.task_specs for each in self.target.blueprints.values() if each.process_id == process_id
        )
        if elsewhere:
            what = f"{titled(spec)} is open, and stands in another sub-process in the other release."
            remedy = "Leave it where it was, or wait until the case has passed it."
        else:
            what = f"{titled(spec)} is open, and is not in the other release."
            remedy = "Say which element it has become, or wait until the case has passed it."
        return Obstacle(process_id, spec.bpmn_id or "", what, remedy)

    def _starved(self, made: Translation, flow: Flow, rows: list[Any], specs: dict[int, Any], kept: list[Any]) -> None:
        """No parallel gateway may wait for ever because of the move."""
        if made.obstacles:
            return
        by_number = flow.after.numbers()[1]
        old: list[Token] = [_token(specs[row[0]], row) for row in rows if row[2] & OPEN]
        new: list[Token] = [_token(by_number[row[1]], row) for row in kept if row[2] & OPEN]
        process_id, of = flow.before.process_id, self.elements.of
        already = {(of(process_id, join), of(process_id, source)) for join, source in starved(flow.before, old)}
        for join, source in sorted(starved(flow.after, new) - already):
            made.obstacles.append(
                Obstacle(
                    process_id,
                    join,
                    f"The parallel gateway {titled(flow.after.task_specs[join])} would wait for ever: the case has passed "
                    f"the place from where {titled(flow.after.task_specs[source])} is reached.",
                    "Wait until the case has passed the gateway, or draw what is new after it.",
                )
            )

    # ---- variables, counts
    def _variables(self, made: Translation, scopes: list[Any], owners: dict[int, tuple[int, Any, ProcessSpec]]) -> None:
        """Every value must be of a type that the other release declares."""
        for scope_id, _, values in scopes:
            owner = owners.get(abs(scope_id))
            flow = made.flows.get(scope_id if scope_id in made.flows and scope_id >= 0 else owner[0] if owner else 0)
            if flow is None:
                continue
            before, after = flow.before.declarations, flow.after.declarations
            if not after:
                continue
            for name, packed in values.items():
                value = codec.unpack(packed)
                if value is None or (before and name not in before.types):
                    continue
                declared = after.types.get(name)
                if declared is None:
                    what = f"The variable {name} has a value, and is not declared in the other release."
                    remedy = "Declare it there as it was."
                elif not declared.admits(value):
                    what = (
                        f"The value of the variable {name} does not fit its type in the other release, {declared.name}."
                    )
                    remedy = "Declare a type that takes it, or correct the variable in the case first."
                else:
                    continue
                made.obstacles.append(Obstacle(flow.before.process_id, "", what, remedy))

    def _named(self, made: Translation, scopes: list[Any]) -> None:
        """Something that runs inside the case, for instance an escalation, may name an element by its id."""
        renamed = {old: owner for (owner, old), new in self.elements.pairs.items() if old != new}
        for _, _, values in scopes:
            for name, value in values.items():
                if isinstance(value, str) and value in renamed:
                    made.obstacles.append(
                        Obstacle(
                            renamed[value],
                            value,
                            f"Something that runs inside the case speaks of {value} by its id (variable {name}).",
                            "Leave its id as it is, or wait until that is over.",
                        )
                    )

    def _counts(self, done: dict[str, list[int]]) -> dict[str, list[int]]:
        said: dict[str, list[int]] = {}
        for process_id, counts in done.items():
            after = self.target.processes.get(process_id)
            if after is None:
                continue
            names = self.source.processes[process_id].elements
            found = {self.elements.of(process_id, name): n for name, n in zip(names, counts, strict=False) if n}
            line = [found.get(name, 0) for name in after.elements]
            while line and not line[-1]:
                line.pop()
            said[process_id] = line
        return said


def _token(spec: Any, row: list[Any]) -> Token:
    internal = row[5] if len(row) > 5 else {}
    return spec.name, internal.get("via") if row[2] == TaskState.WAITING else None


def definitions_of(spec: Any) -> dict[str, Any]:
    """What an element waits for, by event id."""
    definition = getattr(spec, "event_definition", None)
    return {} if definition is None else {each.key: each for each in parts(definition)}
