"""Whether an open element is still what it was: its type, its loop, what it calls, what waits at it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from app.runtime.moving.elements import ElementMap
from app.runtime.moving.words import kind_of, titled
from app.runtime.specs.activities import ReceiveTask, ServiceTask, UserTask
from app.runtime.specs.events import CatchEvent
from app.runtime.specs.gateways import EventBasedGateway, Join, ParallelGateway
from app.runtime.specs.multi_instance import MultiInstance
from app.runtime.specs.subprocesses import CallActivity, SubProcess
from app.runtime.spiff import TaskState

if TYPE_CHECKING:
    from app.runtime.moving.translation import Flow

Wrong = tuple[str, str]  # what, remedy
_WAIT = "Wait until the case has passed it."


def difference(elements: ElementMap, flow: Flow, old: Any, new: Any, row: list[Any], rows: list[Any]) -> Wrong | None:
    """Why an open element cannot become another, or None."""
    if type(old) is not type(new):
        return _other_type(old, new)
    if isinstance(old, MultiInstance):
        return _loop(flow, old, new)
    if isinstance(old, CallActivity):
        return _called(old, new)
    if isinstance(old, SubProcess):
        if elements.blueprint(old.blueprint) != new.blueprint:
            return f"What is inside {titled(old)} is drawn in another place in the other release.", _WAIT
        return None
    if isinstance(old, EventBasedGateway):
        return _events(elements, flow, old, new)
    if isinstance(old, CatchEvent | ReceiveTask) and old.event_definition.kind != new.event_definition.kind:
        return (
            f"{titled(old)} waits for a {old.event_definition.kind}, in the other release for a {new.event_definition.kind}.",
            _WAIT,
        )
    if isinstance(old, Join) and row[2] == TaskState.WAITING:
        return _join(elements, flow, old, new, row)
    internal = row[5] if len(row) > 5 else {}
    if isinstance(old, ServiceTask) and "job" in internal and old.operation != new.operation:
        return f"A worker outside has the work of {titled(old)}, which is of another type in the other release.", _WAIT
    if isinstance(old, UserTask) and old.plan.properties.get("case") != new.plan.properties.get("case"):
        return (
            f"{titled(old)} would belong to another case in the other release.",
            "Leave its property “case” as it was.",
        )
    return None


def _other_type(old: Any, new: Any) -> Wrong:
    if isinstance(old, MultiInstance) or isinstance(new, MultiInstance):
        more, once = ("several times", "once") if isinstance(old, MultiInstance) else ("once", "several times")
        return f"{titled(old)} is done {more}, in the other release {once}.", _WAIT
    return (
        f"{titled(old)} is {kind_of(old)}, in the other release {kind_of(new)}.",
        "Draw the new kind under an id of its own and wait until the case has passed this one.",
    )


def _loop(flow: Flow, old: MultiInstance, new: MultiInstance) -> Wrong | None:
    inner, other = flow.before.task_specs[old.inner], flow.after.task_specs[new.inner]
    if type(inner) is not type(other):
        return _other_type(inner, other)
    if old.sequential != new.sequential:
        how = "one after the other" if old.sequential else "all at once"
        return f"The instances of {titled(old)} have begun {how}, and would not be in the other release.", _WAIT
    if (old.item, old.out, old.result_name) != (new.item, new.out, new.result_name):
        return (
            f"The loop variables of {titled(old)} have other names in the other release.",
            "Leave their names as they were.",
        )
    return None


def _called(old: CallActivity, new: CallActivity) -> Wrong | None:
    if old.blueprint == new.blueprint:
        return None
    return f"{titled(old)} runs {old.blueprint}, and would call {new.blueprint} in the other release.", _WAIT


def _events(elements: ElementMap, flow: Flow, old: EventBasedGateway, new: EventBasedGateway) -> Wrong | None:
    process_id = flow.before.process_id
    was = {(elements.of(process_id, each.key), each.kind) for each in old.event_definition.definitions}
    if was == {(each.key, each.kind) for each in new.event_definition.definitions}:
        return None
    return f"{titled(old)} waits for events that are others in the other release.", _WAIT


def _join(elements: ElementMap, flow: Flow, old: Join, new: Join, row: list[Any]) -> Wrong | None:
    via = elements.of(flow.before.process_id, row[5]["via"])
    same_number = not isinstance(old, ParallelGateway) or len(set(old._inputs)) == len(set(new._inputs))
    if via in new._inputs and same_number:
        return None
    return f"Part of the case waits at {titled(old)}, whose incoming flows are others in the other release.", _WAIT
