"""Where a token may be moved to, and what may be skipped: questions to the diagram.

A token may go forwards or backwards along the flows of its own process or sub-process, as long as it

* steps past no decision, and past nothing that works out what a decision rests on;
* lands behind no decision that this instance has not taken;
* crosses no parallel or inclusive gateway: the other branches would wait for it for ever, or never begin.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from app.runtime.engine.task import FlowTask
from app.runtime.mending.guard import Guard, guards_of, writes
from app.runtime.parsed import ParsedRelease
from app.runtime.specs.activities import Activity
from app.runtime.specs.events import BoundaryEvent, CatchEvent, EndEvent, Split, ThrowEvent
from app.runtime.specs.gateways import Choice, EventBasedGateway, ExclusiveGateway, Join
from app.runtime.specs.multi_instance import MultiInstance
from app.runtime.specs.process import ProcessSpec
from app.runtime.specs.subprocesses import CallActivity, SubProcess

INSTANCE = "One of several instances of the same task has stopped; it cannot be moved by itself."
EVENT = "An event that is attached to a task, or waits beside a procedure, has no place in the flow to move from."
DECISION_HERE = "A decision waits here, and nobody may step past it."
GATEWAY = "A gateway is not skipped: correct what it reads, or move the token."
SAME = "The token is there already."
NOT_A_TARGET = "A token cannot be put there."
NO_WAY = (
    "No way leads there from here without crossing a parallel or inclusive gateway. To take the other way at a choice, "
    "move the token back to the gateway."
)


class Level:
    """One process or sub-process as a graph of its elements."""

    def __init__(
        self, release: ParsedRelease, spec: ProcessSpec, done: Mapping[str, int], others: Collection[ParsedRelease] = ()
    ) -> None:
        """:param others: the releases that its messages may go to, or come from."""
        self.release = release
        self.spec = spec
        self.done = done
        self.guard = guards_of(release, others).get(spec.process_id, Guard())
        self.following = {name: list(one._outputs) for name, one in spec.task_specs.items()}
        for split in (one for one in spec.task_specs.values() if isinstance(one, Split)):
            outputs = [spec.task_specs[name] for name in split._outputs]
            activity = next((one for one in outputs if not isinstance(one, BoundaryEvent)), None)
            if activity is not None:
                self.following[activity.name] += [one.name for one in outputs if one is not activity]

    # ---- what is reserved
    def why_reserved(self, spec: Any) -> str | None:
        """Why an element may not be skipped or stepped past, or None."""
        return self._decision(spec) or self._prepares(spec)

    def _decision(self, spec: Any) -> str | None:
        found = self.guard.decisions.get(element_of(spec))
        if found is not None:
            return found
        inside = decisions_inside(self.release, self.spec, spec)
        return f"A decision is taken inside it, at {inside}." if inside else None

    def _prepares(self, spec: Any) -> str | None:
        reserved = set(self.guard.inputs) | self.guard.written
        if not reserved:
            return None
        made = writes(self.release, self.spec, spec)
        if made is None:
            return "It may bring what a decision rests on."
        touched = sorted(made & reserved)
        return f"It works out {', '.join(touched)}, on which a decision rests." if touched else None

    # ---- ways
    def _reach(self, start: str, *, stop: frozenset[str] = frozenset(), through_gateways: bool = True) -> set[str]:
        """The elements after one, not looking past those in ``stop``."""
        seen: set[str] = set()
        todo = list(self.following.get(start, ()))
        while todo:
            name = todo.pop()
            if name in seen:
                continue
            seen.add(name)
            if name in stop:
                continue
            if not through_gateways and isinstance(self.spec.task_specs[name], Join):
                continue
            todo += self.following.get(name, ())
        return seen

    def targets(self, here: Any) -> list[Any]:
        """The elements a token at ``here`` may be moved to, in the order of their ids."""
        return [one for one in sorted(self._candidates(), key=element_of) if self.why_not(here, one) is None]

    def _candidates(self) -> Iterable[Any]:
        for name, spec in self.spec.task_specs.items():
            if _may_be_entered(spec, name):
                yield spec

    def why_not(self, here: Any, there: Any) -> str | None:
        """Why a token may not be moved from one element to another, or None."""
        if there is here:
            return SAME
        if not _may_be_entered(there, there.name):
            return NOT_A_TARGET
        if self._decision(here):
            return DECISION_HERE
        forwards = there.name in self._reach(here.name, through_gateways=False)
        backwards = here.name in self._reach(there.name, through_gateways=False)
        if forwards:
            return self._past(here, there)
        if backwards:
            return self._behind(there)
        return NO_WAY

    def _past(self, here: Any, there: Any) -> str | None:
        """A decision, or what one rests on, lies on some way from here to there."""
        between = self._reach(here.name, stop=frozenset({there.name})) | {here.name}
        for name in sorted(between - {there.name}):
            spec = self.spec.task_specs[name]
            if name != here.name and there.name not in self._reach(name):
                continue
            why = self.why_reserved(spec)
            if why is not None:
                return f"The way there leads past {element_of(spec)}. {why}"
        return None

    def _behind(self, there: Any) -> str | None:
        """Back: every way from the start leads past a decision that has not been taken."""
        untaken = frozenset(
            name
            for name, spec in self.spec.task_specs.items()
            if spec is not there and not self.done.get(element_of(spec)) and self._decision(spec)
        )
        if there.name in self._reach(self.spec.start.name, stop=untaken):
            return None
        return "Every way there from the start leads past a decision that has not been taken."


def decisions_inside(release: ParsedRelease, level: ProcessSpec, spec: Any) -> str | None:
    """The first decision inside an activity: in its sub-process, in what it calls, in its instances."""
    if isinstance(spec, MultiInstance):
        inner = level.task_specs[spec.inner]
        return decisions_inside(release, level, inner)
    if not isinstance(spec, SubProcess):
        return None
    inside = release.diagrams.blueprints.get(spec.blueprint)
    if inside is None:
        return None
    guard = guards_of(release).get(inside.process_id, Guard())
    if isinstance(spec, CallActivity):
        direct = sorted(guard.decisions)
    else:
        direct = sorted(e for e in map(element_of, inside.task_specs.values()) if e in guard.decisions)
    if direct:
        return direct[0]
    return next((d for one in inside.task_specs.values() if (d := decisions_inside(release, inside, one))), None)


def why_not_moved(task: FlowTask) -> str | None:
    """Why the token of a task cannot be moved at all, or None."""
    spec = task.task_spec
    if task.is_instance:
        return INSTANCE
    return EVENT if spec.is_boundary or spec.is_trigger or spec.is_event_body else None


def why_not_skipped(level: Level, task: FlowTask) -> str | None:
    """Why a task cannot be skipped, or None."""
    spec = task.task_spec
    if isinstance(spec, Choice | EventBasedGateway | Join):
        return GATEWAY
    if spec.is_boundary or spec.is_trigger:
        return None
    return level.why_reserved(spec)


def element_of(spec: Any) -> str:
    """The id of an element in the diagram."""
    return str(getattr(spec, "bpmn_id", None) or spec.name)


def _may_be_entered(spec: Any, name: str) -> bool:
    if name.endswith(" [child]") or getattr(spec, "bpmn_id", None) is None or spec.is_event_body:
        return False
    if isinstance(spec, CatchEvent):
        return bool(spec.event_definition.kind != "none")
    return isinstance(spec, Activity | MultiInstance | ThrowEvent | EndEvent | ExclusiveGateway)
