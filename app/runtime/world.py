"""The world around one instance during one step: operations, decisions, deadlines and parameters through the ports."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm.exc import StaleDataError

from app import feel
from app.decisions import DecisionError, Explanation
from app.errors import ConvenorError
from app.runtime.declarations import parse_type
from app.runtime.engine.host import OUTSIDE, DeadlineRule, Note, NoteKind, Posted
from app.runtime.errors import Fault, OperationError, StaleInstance
from app.runtime.language import holds_function, kinds_of, to_plain
from app.runtime.models import Instance
from app.runtime.parsed import ParsedRelease
from app.runtime.ports import Operation, OperationContext, ports
from app.runtime.scopes import MISSING
from app.runtime.turn import STALE, turn
from app.store.attempt import attempt
from app.store.clock import business_now

log = logging.getLogger("convenor.runtime")


class _Asked(NamedTuple):
    """What a step has asked of others, besides the database, before an operation runs."""

    posted: int
    queued: int
    bound: tuple[int | None, int | None]


class LazyParameters(Mapping[str, Any]):
    """The area's parameters, read from the database when the first is asked for; remembers which were asked for."""

    def __init__(self, area_key: int, at: datetime) -> None:
        self._area_key, self._at = area_key, at
        self._values: Mapping[str, Any] | None = None
        self.asked: dict[str, Any] = {}

    def _all(self) -> Mapping[str, Any]:
        if self._values is None:
            self._values = ports.parameters.values(self._area_key, self._at)
        return self._values

    def __getitem__(self, name: str) -> Any:
        value = self._all()[name]
        self.asked[name] = value
        return value

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())


class World:
    """Implements :class:`app.runtime.engine.host.Host` for a row of the instance table.

    :ivar posted: messages to deliver after the step.
    :ivar signals: signals to broadcast after the step.
    :ivar notes: what happened, for the timeline.
    :ivar recorded: (case, meeting, name) of deadlines that tasks set, to re-arm what hangs on them.
    """

    def __init__(self, row: Instance, release: ParsedRelease) -> None:
        self.row = row
        self.release = release
        self.now = business_now()
        self.posted: list[Posted] = []
        self.signals: list[tuple[str, dict[str, Any]]] = []
        self.notes: list[Note] = []
        self.recorded: list[tuple[int, str]] = []
        self.engine: Any = None
        self._known: dict[tuple[int | None, int | None, str], datetime | None] = {}
        self._asked: list[str] = []
        self._parameters = LazyParameters(row.area_key, self.now)
        self.env = feel.Environment(now=lambda: self.now, params=self._parameters, deadline=self._deadline)

    # ---- what expressions ask for
    def _deadline(self, name: str) -> datetime | None:
        self._asked.append(name)
        found = self._lookup(self.row.case_key, self.row.meeting_key, name)
        if found is None:
            for case in self._cases_that_have(name):
                found = found or self.deadline_of(name, case)
        return found

    def _cases_that_have(self, name: str) -> list[str]:
        """In a meeting, a task about one case sets its deadline on that case: its timers must find it there."""
        if self.engine is None:
            return []
        own = [task.internal_data.get("deadline") for task in self.engine.user_tasks()]
        return list(
            dict.fromkeys(case for deadline in own if deadline and deadline[0] == name and (case := deadline[1]))
        )

    def deadline_of(self, name: str, case: str | None) -> datetime | None:
        """A deadline as it stands now, of the instance's case or of another."""
        return self._lookup(*self._dossier(case), name)

    def suppose(self, name: str, case: str | None, at: datetime) -> None:
        """A deadline that is about to be recorded in this transaction."""
        self._known[(*self._dossier(case), name)] = at.astimezone(UTC)

    def _lookup(self, case_key: int | None, meeting_key: int | None, name: str) -> datetime | None:
        """Each deadline is read once in a step, unless something has been done that may have changed it."""
        asked = (case_key, meeting_key, name)
        if asked not in self._known:
            self._known[asked] = ports.deadlines.lookup(*asked)
        return self._known[asked]

    def begin_recording(self) -> None:
        self._asked = []
        self._parameters.asked = {}

    def recorded_deadlines(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self._asked))

    def recorded_parameters(self) -> Mapping[str, Any]:
        return {name: to_plain(feel.from_python(value)) for name, value in self._parameters.asked.items()}

    # ---- deadlines that tasks set
    def _dossier(self, case: str | None) -> tuple[int | None, int | None]:
        if case is not None and case.isdigit():
            return int(case), self.row.meeting_key
        return self.row.case_key, self.row.meeting_key

    def deadline_entered(self, rule: DeadlineRule) -> None:
        case_key, meeting_key = self._dossier(rule.case)
        before = self._lookup(case_key, meeting_key, rule.name)
        ports.deadlines.record(
            case_key,
            meeting_key,
            rule.name,
            rule.at,
            rule=rule.rule,
            parameter=", ".join(f"{name} = {value}" for name, value in rule.parameters.items()),
            source=rule.source,
            instance_key=self.row.key,
            task_id=rule.task_id,
        )
        self._known = {asked: at for asked, at in self._known.items() if asked[2] != rule.name}
        self._known[(case_key, meeting_key, rule.name)] = rule.at.astimezone(UTC)
        dossier = case_key or meeting_key
        if dossier is not None and (self.row.has_incident if before is None else before != rule.at):
            self.recorded.append((dossier, rule.name))

    def deadline_met(self, name: str, task_id: int, case: str | None) -> None:
        ports.deadlines.met(*self._dossier(case), name)

    # ---- operations
    def is_outside(self, type_: str, task: Any) -> bool:
        """What begins with the prefix; in a stranger's diagram whatever is no registered operation."""
        if type_.startswith(OUTSIDE):
            return True
        strange = self.release.allow_undeclared and not task.workflow.spec.declarations
        return strange and ports.operations.get(type_) is None

    def operate(
        self, type_: str, task: Any, inputs: Mapping[str, Any], headers: Mapping[str, str]
    ) -> Mapping[str, Any]:
        operation = ports.operations.get(type_)
        if operation is None:
            raise Fault(f"There is no operation named {type_}.", kind="OPERATION", details={"operation": type_})
        given = _inputs(operation, task, inputs)
        context = OperationContext(
            instance_key=self.row.key,
            area_key=self.row.area_key,
            case_key=self.row.case_key,
            meeting_key=self.row.meeting_key,
            element_id=task.task_spec.bpmn_id,
            task_id=task.id,
            idempotency_key=f"{self.row.key}:{task.id}",
            now=self.now,
            headers=headers,
            _publish=lambda name, key, payload, ttl: self.post(Posted(name, key, _feel(payload), ttl)),
            _bind=self._bind,
        )
        produced = self._run(operation, context, given)
        return _outputs(operation, produced)

    def _run(self, operation: Operation, context: OperationContext, given: Mapping[str, Any]) -> Mapping[str, Any]:
        """Run it behind a savepoint: what a failed operation wrote is undone, and the incident stays."""
        begun = self._asked_so_far()
        self._known.clear()
        details = {"operation": operation.name, "types": kinds_of(given)}
        try:
            return attempt(lambda: self._begun(operation, context, given, begun))
        except (StaleInstance, DBAPIError):
            raise
        except StaleDataError as error:
            raise StaleInstance(STALE) from error
        except BaseException as error:
            self._take_back(begun)
            if isinstance(error, OperationError | Fault) or not isinstance(error, Exception):
                raise
            if isinstance(error, ConvenorError):
                raise Fault(
                    f"The operation {operation.name} failed: {error.message}", kind="OPERATION", details=details
                ) from error
            log.error(
                "operation failed",
                extra={
                    "operation": operation.name,
                    "error": type(error).__name__,
                    "instance": self.row.key,
                    "where": traceback.format_tb(error.__traceback__)[-1].splitlines()[0].strip(),
                },
            )
            details["error"] = type(error).__name__
            raise Fault(
                f"The operation {operation.name} failed ({type(error).__name__}).", kind="OPERATION", details=details
            ) from error

    def _begun(
        self, operation: Operation, context: OperationContext, given: Mapping[str, Any], begun: _Asked
    ) -> Mapping[str, Any]:
        """Run it, perhaps for the second time: from where it began."""
        self._take_back(begun)
        return operation.run(context, given)

    def _asked_so_far(self) -> _Asked:
        with turn() as running:
            return _Asked(len(self.posted), running.queued(), (self.row.case_key, self.row.meeting_key))

    def _take_back(self, begun: _Asked) -> None:
        """What an operation has asked for is not done when it fails, and once when it runs twice."""
        del self.posted[begun.posted :]
        with turn() as running:
            running.take_back(begun.queued)
        if begun.bound != (self.row.case_key, self.row.meeting_key):
            self.row.case_key, self.row.meeting_key = begun.bound

    def _bind(self, column: str, key: int | None) -> None:
        setattr(self.row, column, key)

    # ---- decisions
    def decide(self, decision_id: str, task: Any, variables: Mapping[str, Any]) -> Any:
        model = self.release.model_of(decision_id)
        try:
            outcome = model.evaluate(decision_id, variables, self.env)
        except (DecisionError, feel.FeelError, ConvenorError) as error:
            raise Fault(
                f"The decision {decision_id} failed: {error.message}",
                kind="DECISION",
                details={"decision": decision_id},
            ) from error
        if holds_function(outcome.value):
            raise Fault(
                f"The decision {decision_id} gave a function, which no variable can hold.",
                kind="DECISION",
                details={"decision": decision_id},
            )
        task.top.note(
            task,
            NoteKind.DECIDED,
            decision=decision_id,
            result=to_plain(outcome.value),
            tables=[_explained(table) for table in outcome.explanation],
        )
        return outcome.value

    # ---- outwards
    def post(self, message: Posted) -> None:
        self.posted.append(message)

    def broadcast(self, signal: str, payload: Mapping[str, Any]) -> None:
        self.signals.append((signal, dict(payload)))

    def note(self, note: Note) -> None:
        self.notes.append(note)


def _explained(table: Explanation) -> dict[str, Any]:
    """How one table of a decision came to its result, as it is kept with the case."""
    return {
        "table": table.table_id,
        "decision": table.decision,
        "rules": [{"id": r.id, "index": r.index, "annotations": list(r.annotations)} for r in table.rules],
        "inputs": to_plain(table.inputs),
        "outputs": to_plain(table.outputs),
    }


def _feel(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: feel.from_python(value) for name, value in values.items()}


def _inputs(operation: Operation, task: Any, view: Mapping[str, Any]) -> dict[str, Any]:
    """What the diagram maps, and what the operation declares and the task can see."""
    names = dict.fromkeys([target.split(".")[0] for target, _ in task.task_spec.inputs_map])
    names.update(dict.fromkeys(name.rstrip("?") for name in operation.inputs))
    found = {name: view.get(name, MISSING) for name in names}
    given = {name: value for name, value in found.items() if value is not MISSING}
    for name in operation.inputs:
        if not name.endswith("?") and given.get(name) is None:
            raise Fault(
                f"The operation {operation.name} needs the input {name}.",
                kind="OPERATION",
                details={"operation": operation.name, "input": name},
            )
    return given


def _outputs(operation: Operation, produced: Mapping[str, Any] | None) -> dict[str, Any]:
    """What the operation declared, as FEEL values of the declared types."""
    result: dict[str, Any] = {}
    for name, text in operation.outputs.items():
        if not produced or name not in produced:
            continue
        value = feel.from_python(produced[name])
        declared = parse_type(text)
        if declared is not None and not declared.admits(value):
            raise Fault(
                f"The operation {operation.name} gave {name} of another type than {text}.",
                kind="OPERATION",
                details={"operation": operation.name, "output": name, "type": feel.kind(value)},
            )
        result[name] = value
    return result
