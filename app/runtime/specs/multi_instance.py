# mypy: allow-subclassing-any
"""Multi-instance activities, parallel and sequential. Counters instead of lists of ids; the results are a variable of
the body's scope."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from app.feel.values import kind
from app.runtime.engine.task import OPEN, FlowTask
from app.runtime.errors import Fault
from app.runtime.language import article, condition, shown
from app.runtime.scopes import Overlay, View
from app.runtime.specs.base import Element, check, value_of, write
from app.runtime.specs.events import arm_attached, disarm_attached
from app.runtime.spiff import TaskState

MAX_INSTANCES = 2_000
MAX_AT_WORK = 10_000
_PATH = re.compile(r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*$")


class MultiInstance(Element):
    """The body around the instances.

    Internal data: ``n`` instances in all, ``made`` and ``done`` so far, ``items`` still to come when sequential.
    """

    is_body = True
    inner = ""
    sequential = False
    items = ""
    item: str | None = None
    out: str | None = None
    out_item: str | None = None
    until: str | None = None

    @property
    def result_name(self) -> str | None:
        """The variable that the output element starts with, when it is no more than a variable or a path."""
        text = (self.out_item or "").removeprefix("=").strip()
        return text.split(".")[0] if _PATH.match(text) else None

    def _update_hook(self, t: FlowTask) -> bool:
        data = t.internal_data
        if "n" in data:
            return False
        items = value_of(t, self.items)
        if not isinstance(items, list):
            raise Fault(
                f"The collection {self.items} gave {article(kind(items))} instead of a list.",
                details={"expression": self.items},
            )
        self._bear(t, len(items))
        if self.item:
            for value in items:
                check(t, {self.item: value})
        t.top.scopes.open(t.id, t.outer, {self.out: [None] * len(items)} if self.out else {})
        data.update(n=len(items), made=0, done=0)
        if not items:
            return True
        t._set_state(TaskState.STARTED)
        if self.sequential:
            data["items"] = items
            self.make(t, items[0])
        else:
            for value in items:
                self.make(t, value)
        return False

    def _bear(self, t: FlowTask, count: int) -> None:
        """:raises Fault: more instances than a step can bear, of this activity or of all that are at work."""
        what = ""
        if count > MAX_INSTANCES:
            what = (
                f"The collection {shown(self.items)} has {count:,} items; an activity takes at most {MAX_INSTANCES:,}."
            )
        elif not self.sequential and count + len(t.top.ready) + len(t.top.subprocesses) > MAX_AT_WORK:
            what = f"With the {count:,} items of {shown(self.items)} more than {MAX_AT_WORK:,} tasks would be open at once."
        if what:
            raise Fault(what, kind="LOOP", details={"expression": self.items})

    def make(self, t: FlowTask, value: Any) -> None:
        """Begin one more instance."""
        data = t.internal_data
        data["made"] += 1
        child = t._add_child(t.workflow.spec.task_specs[self.inner], TaskState.WAITING)
        child.triggered = True
        child.internal_data["i"] = data["made"]
        names: dict[str, Any] = {"loopCounter": Decimal(data["made"])}
        if self.item:
            names[self.item] = value
        if self.result_name and self.result_name not in names:
            names[self.result_name] = None  # so that the instance's result stays with the instance
        t.top.scopes.open(-child.id, t.id, names)
        child.task_spec._update(child)

    def collect(self, t: FlowTask, child: FlowTask, seen: View) -> None:
        """Put an instance's result in its place. A new list each time: somebody may hold the old one.

        :param seen: the variables that the instance sees now that it is done; the completion condition sees them too.
        """
        if self.out:
            values = t.top.scopes.local(t.id)
            results = self._results(t, values[self.out])
            results[child.internal_data["i"] - 1] = value_of(child, self.out_item, seen) if self.out_item else None
            values[self.out] = results
        if self.until:
            t.internal_data["saw"] = t.top.scopes.inside(seen.scope_id, t.id)

    def _results(self, t: FlowTask, held: Any) -> list[Any]:
        """:raises Fault: another element has written something else to the variable of the results."""
        if isinstance(held, list) and len(held) == t.internal_data["n"]:
            return list(held)
        what = f"The variable {self.out} collects the results of {t.task_spec.bpmn_id}, and something else has been written to it."
        raise Fault(what, kind="VARIABLE", details={"variable": self.out})

    def at_work(self, t: FlowTask) -> list[FlowTask]:
        """The instances that have not ended."""
        return [child for child in t.children if child.triggered and child.has_state(OPEN)]

    def instance_done(self, t: FlowTask) -> None:
        t.internal_data["done"] += 1
        self.settle(t)

    def settle(self, t: FlowTask) -> None:
        """After an instance: finished, or the next one."""
        data = t.internal_data
        live = self.at_work(t)
        try:
            over = (not live and data["made"] == data["n"]) or self.is_enough(t, len(live))
        except Fault as fault:  # what was empty may be given from outside when it is tried again
            data["saw"] = {name: value for name, value in data.pop("saw", {}).items() if value is not None}
            t.top.raise_incident(t, fault)
            return
        data.pop("saw", None)
        if over:
            for child in live:
                child.cancel()
            t._set_state(TaskState.READY)
        elif self.sequential:
            self.make(t, data["items"][data["made"]])

    def is_enough(self, t: FlowTask, live: int) -> bool:
        if not self.until:
            return False
        data = t.internal_data
        counters = {  # BPMN 2.0, table 10.31: the last three add up to the first, those that have been created
            "numberOfInstances": Decimal(data["made"]),
            "numberOfCompletedInstances": Decimal(data["done"]),
            "numberOfActiveInstances": Decimal(live),
            "numberOfTerminatedInstances": Decimal(data["made"] - data["done"] - live),
        }
        seen = Overlay({**data.get("saw", {}), **counters}, t.data)
        return condition(self.until, seen, t.top.host.env, t.workflow.spec.names)

    def resume(self, t: FlowTask) -> None:
        if t.has_state(TaskState.STARTED):
            self.settle(t)
        else:
            super().resume(t)
            if t.id not in t.top.incidents:
                arm_attached(t)

    def _run_hook(self, t: FlowTask) -> bool:
        if self.out:
            write(t, t.outer, {self.out: t.top.scopes.local(t.id)[self.out]})
        return True

    def _on_complete_hook(self, t: FlowTask) -> None:
        super()._on_complete_hook(t)
        t.top.scopes.close(t.id)
        t.internal_data.pop("items", None)
        disarm_attached(t)
