# mypy: allow-subclassing-any
"""Sub-processes, event sub-processes, call activities."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.runtime.engine.host import NoteKind
from app.runtime.engine.task import FlowTask
from app.runtime.errors import Fault
from app.runtime.scopes import Overlay, View
from app.runtime.specs.activities import Activity
from app.runtime.specs.base import handed_on, mapped, taken, write
from app.runtime.spiff import TaskState


class SubProcess(Activity):
    """An embedded sub-process: a scope of its own, and a workflow inside.

    :ivar blueprint: the key of its specification in the release.
    """

    own_scope = True
    blueprint = ""

    def _update_hook(self, t: FlowTask) -> bool:
        running = t.top.subprocesses.get(t.id)
        if running is not None:
            return bool(running.completed)
        self.enter(t)
        sub = t.top.create_subprocess(t, self.blueprint)
        sub.completed_event.connect(self.inside_done, t)
        t._set_state(TaskState.STARTED)
        sub.task_tree.run()
        return False

    def inside_done(self, sub: Any, t: FlowTask) -> None:
        """The workflow inside has ended: this activity may finish."""
        if not t.has_state(TaskState.FINISHED_MASK):
            t._set_state(TaskState.READY)

    def work(self, t: FlowTask) -> Mapping[str, Any]:
        return {}

    def _on_complete_hook(self, t: FlowTask) -> None:
        t.top.subprocesses.pop(t.id, None)
        super()._on_complete_hook(t)

    def _on_cancel(self, t: FlowTask) -> None:
        sub = t.top.subprocesses.get(t.id)
        if sub is not None:
            sub.cancel()
            t.top.subprocesses.pop(t.id, None)


class CallActivity(SubProcess):
    """A process of the release, called: only what is handed over goes in and comes out."""

    calls = True
    all_in = True
    all_out = True

    def enter(self, t: FlowTask) -> None:
        if "in" in t.internal_data:
            return
        made = mapped(t, self.inputs_map)
        given = {**t.top.scopes.visible(t.scope), **made} if self.all_in else made
        called = t.top.subprocess_specs.get(self.blueprint)
        if called is not None:
            for name, value in given.items():
                wrong = called.declarations.mismatch(name, value)
                if wrong is not None:
                    details = {"variable": name, "expression": dict(self.inputs_map).get(name, f"={name}")}
                    raise Fault(f"Calling {self.blueprint}: {wrong}", kind="VARIABLE", details=details)
        t.top.scopes.open(t.id, None, given)  # nothing shows through: a process of its own
        self._keep(t, made)
        t.internal_data["in"] = 1
        t.top.note(t, NoteKind.CALLED, process=self.blueprint)

    def _keep(self, t: FlowTask, made: Mapping[str, Any]) -> None:
        """What the input mappings make is local to the call: kept for whoever reads it there, boundary events and loops."""
        scopes = t.top.scopes
        if t.is_instance or (made and t.parent.task_spec.is_split):
            if -t.id not in scopes:
                scopes.open(-t.id, t.outer)
            for name, value in made.items():
                scopes.set_local(-t.id, name, value)

    def _run_hook(self, t: FlowTask) -> bool:
        scopes = t.top.scopes
        inside = dict(scopes.local(t.id))
        own = inside if self.outputs_map else {target.split(".")[0] for target, _ in self.inputs_map}
        if t.is_instance and (self.outputs_map or self.all_out):
            for name in inside.keys() & own:
                scopes.set_local(-t.id, name, inside[name])
        if self.outputs_map:
            produced = handed_on(t, self.outputs_map, Overlay(inside, View(scopes, t.outer)))
        else:
            produced = {name: value for name, value in inside.items() if self.all_out and name not in own}
        write(t, t.outer, produced)
        if t.is_instance:
            t.parent.task_spec.collect(t.parent, t, View(scopes, t.outer))
        return True


class EventSubProcess(SubProcess):
    """The body that an event starts. What the event brings is written outwards from the body: the body keeps what has the
    name of a variable of its own."""

    is_event_body = True

    def enter(self, t: FlowTask) -> None:
        """What the event brought stays with the body until it is taken: after an incident it is tried again."""
        data = t.internal_data
        if "in" in data:
            return
        if "result" not in data:
            data["result"] = t.parent.internal_data.pop("result", None) or {}
        super().enter(t)
        start = t.top.subprocess_specs[self.blueprint].plain_start
        scopes = t.top.scopes
        try:
            if start.outputs_map:
                seen = View(scopes, t.id)
                payload = mapped(t, start.outputs_map, Overlay(data["result"], seen), seen)
            else:
                payload = taken(t, data["result"])
            write(t, t.id, payload)
        except Fault:
            del data["in"]
            raise
        del data["result"]
