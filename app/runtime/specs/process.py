# mypy: allow-subclassing-any
"""A process or embedded sub-process as a whole: where it begins and when it is over."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.runtime.declarations import Declarations
from app.runtime.engine.task import LIVE, FlowTask
from app.runtime.specs.base import Step
from app.runtime.specs.events import StartEvent
from app.runtime.spiff import BpmnProcessSpec, BpmnStartTask, BpmnTaskSpec, SimpleBpmnTask, TaskState, WorkflowSpec
from app.runtime.words import Words


class Start(Step, BpmnStartTask):
    """Before the start events. Its name is not an XML name, so that no element can collide with it."""

    routes_itself = True

    def test(self) -> None:
        """The checker has looked already."""

    def _run_hook(self, t: FlowTask) -> bool:
        flow = t.workflow
        chosen = flow.start_at if flow is flow.top_workflow else None
        specs = [
            spec
            for spec in self.outputs
            if not isinstance(spec, StartEvent) or (spec.name == chosen if chosen else spec.plain)
        ]
        t._sync_children(specs, TaskState.FUTURE)
        if chosen and t.top.rest:
            start = next(child for child in t.children if child.task_spec.name == chosen)
            start.internal_data["result"] = t.top.rest
        return True


class EndJoin(Step, BpmnTaskSpec):
    """Waits until nothing else is going on in its process; armed event sub-processes do not hold it up."""

    def test(self) -> None:
        """The checker has looked already."""

    def _update_hook(self, t: FlowTask) -> bool:
        flow = t.workflow
        busy = any(self._holds_up(other, t) for other in flow.tasks.values())
        for other in list(flow.waiting.values()):
            if other.task_spec is self and other is not t:
                other.cancel()
        if busy:
            t._set_state(TaskState.WAITING)
            return False
        for other in list(flow.waiting.values()):
            if other.task_spec.is_trigger:
                other.cancel()
        return True

    def _holds_up(self, other: FlowTask, t: FlowTask) -> bool:
        spec = other.task_spec
        if other is t or other.parent is t or not other.has_state(LIVE | TaskState.FUTURE):
            return False
        waits_only = other.has_state(TaskState.WAITING) and (spec is self or spec.is_trigger)
        return not waits_only and spec is not other.workflow.spec.start


class End(Step, SimpleBpmnTask):
    """The very end."""

    def test(self) -> None:
        """The checker has looked already."""


class ProcessSpec(BpmnProcessSpec):
    """The specification of a process or sub-process. Never changed once it is parsed: all instances of a release
    share it.

    :ivar process_id: the process that is drawn here, for a sub-process the one around it.
    :ivar declarations: the declared variables.
    :ivar properties: the extension properties of the process.
    :ivar elements: the ids of everything drawn in the process, sub-processes included, sorted.
    :ivar words: those of the file that it is drawn in.
    """

    def __init__(self, name: str, description: str | None = None, filename: str | None = None) -> None:
        WorkflowSpec.__init__(self, name=name, filename=filename)
        self.start = Start(self, "(start)")
        self.end = EndJoin(self, "(join)")
        self.end.connect(End(self, "(end)"))
        self.svg, self.description, self.io_specification = None, description, None
        self.data_objects: dict[str, Any] = {}
        self.data_stores: dict[str, Any] = {}
        self.correlation_keys: dict[str, Any] = {}
        self.bpmn_start_events: list[Any] = []
        self.process_id = name
        self.declarations = Declarations()
        self.names: frozenset[str] = frozenset()
        self.properties: Mapping[str, str] = {}
        self.elements: list[str] = []
        self.words = Words()
        self._numbers: tuple[dict[str, int], list[Any]] | None = None

    @property
    def start_events(self) -> list[StartEvent]:
        return [spec for spec in self.task_specs.values() if isinstance(spec, StartEvent)]

    @property
    def plain_start(self) -> StartEvent:
        """The start event that begins it without an event, or in an event sub-process the one that its event starts."""
        return next(spec for spec in self.start_events if spec.plain)

    def numbers(self) -> tuple[dict[str, int], list[Any]]:
        """Element name to number and back: the same for ever within a release, for the saved rows."""
        if self._numbers is None:
            names = sorted(self.task_specs)
            self._numbers = ({name: i for i, name in enumerate(names)}, [self.task_specs[name] for name in names])
        return self._numbers
