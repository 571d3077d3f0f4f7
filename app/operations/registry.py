"""The registry of operations: name, typed inputs and outputs, what it does. Diagrams are checked against it, templates made from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from app import feel
from app.cases.models import Case
from app.errors import Invalid
from app.meetings.models import Meeting
from app.runtime.ports import OperationContext
from app.store.database import db
from app.store.keys import key_in

Run = Callable[[OperationContext, Mapping[str, Any]], Mapping[str, Any] | None]


@dataclass(frozen=True)
class RegisteredOperation:
    """One thing a service task may do.

    :param inputs: input names and declared types; a name that ends in ``?`` may be left out.
    :param outputs: output names and declared types.
    """

    name: str
    title: str
    inputs: Mapping[str, str]
    outputs: Mapping[str, str]
    action: Run

    def run(self, context: OperationContext, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Do it, in the step's transaction.

        :raises Invalid: an input is missing or unknown.
        """
        known = {name.rstrip("?") for name in self.inputs}
        for name in inputs:
            if name not in known:
                raise Invalid(f"The operation {self.name} has no input {name}.", resource_id=context.element_id)
        for name in self.inputs:
            if not name.endswith("?") and inputs.get(name) is None:
                raise Invalid(f"The operation {self.name} needs the input {name}.", resource_id=context.element_id)
        plain = {name: feel.to_python(value) for name, value in inputs.items()}
        return dict(self.action(context, plain) or {})


class Registry:
    """Operations by name."""

    def __init__(self) -> None:
        self._by_name: dict[str, RegisteredOperation] = {}

    def get(self, name: str) -> RegisteredOperation | None:
        return self._by_name.get(name)

    def names(self) -> list[str]:
        return sorted(self._by_name)

    def add(self, operation: RegisteredOperation) -> None:
        self._by_name[operation.name] = operation


registry = Registry()


def operation(
    name: str, title: str, *, inputs: Mapping[str, str] | None = None, outputs: Mapping[str, str] | None = None
) -> Callable[[Run], Run]:
    """Register a function as an operation."""

    def register(action: Run) -> Run:
        registry.add(RegisteredOperation(name, title, inputs or {}, outputs or {}, action))
        return action

    return register


def key_of(value: Any, what: str, element_id: str | None = None) -> int:
    """The key behind an id variable.

    :raises Invalid: it is not one.
    """
    key = key_in(str(value if value is not None else ""))
    if key is None:
        raise Invalid(f"The {what} is missing or is not an id.", resource_id=element_id)
    return key


def case_of(context: OperationContext, inputs: Mapping[str, Any]) -> int:
    """The case an operation is about: its input, else the instance's own.

    :raises Invalid: no case, or one that the instance has nothing to do with. A procedure about a case acts on that case
        alone, one about a meeting on cases of its area, and any other on none, whatever its diagram says.
    """
    key = key_of(inputs.get("caseId") or context.case_key, "case", context.element_id)
    if key != context.case_key and (context.case_key is not None or not _in_area(context, Case, key)):
        raise Invalid("This procedure is not about that case.", resource_id=context.element_id)
    return key


def meeting_of(context: OperationContext, inputs: Mapping[str, Any]) -> int:
    """The meeting an operation is about: its input, else the instance's own.

    :raises Invalid: no meeting, or one of another area, or the procedure is about neither a case nor a meeting.
    """
    key = key_of(inputs.get("meetingId") or context.meeting_key, "meeting", context.element_id)
    if key != context.meeting_key and not _in_area(context, Meeting, key):
        raise Invalid("This procedure is not about that meeting.", resource_id=context.element_id)
    return key


def _in_area(context: OperationContext, table: type[Case] | type[Meeting], key: int) -> bool:
    """Whether a case or meeting is of the area of an instance that is itself about one."""
    if context.case_key is None and context.meeting_key is None:
        return False
    row = db.session.get(table, key)
    return isinstance(row, Case | Meeting) and row.area_key == context.area_key
