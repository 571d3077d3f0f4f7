"""An instance as bytes: rows of open tasks, variables by scope, counters; orjson and zstd. The specification is not
in it: the release has it, and the names that its diagram gives are not repeated (:mod:`app.runtime.words`).

The first number is the version of the form. A state of an earlier version is brought up step by step when it is read
(:data:`UPGRADES`) and written in the newest form with the instance's next step; one of a later version is refused.

A state is ``[version, last id, completed, start event, rows, sub-workflows, scopes, incidents, done]``. A row is
``[task id, element number, state, parent id, triggered, internal data]`` without its empty end.

Since version 2 a state may end with a table of values that several scopes hold (:mod:`app.runtime.shared`), and since version 3, after
the table, with the completions that have been accepted and have not taken their course yet (:mod:`app.runtime.accepting`). Each state is
written in the lowest version that has room for it, so that servers that read no later one go on with it; one that reads no accepted
completions does nothing in such an instance.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import orjson

from app import feel
from app.runtime import shared
from app.runtime.dialect.parser import Release
from app.runtime.engine.flow import SubInstance
from app.runtime.engine.host import Host
from app.runtime.engine.task import FlowTask
from app.runtime.engine.workflow import Accepted, Incident, Instance
from app.runtime.errors import UnreadableState
from app.runtime.scopes import Scope
from app.runtime.spiff import TaskState
from app.runtime.words import Words

VERSION = 3
_WITHOUT_ACCEPTED = 2
_WITHOUT_TABLE = 1
# From each earlier version to the next: plain data in, plain data out. Steps are never changed once a version has shipped.
UPGRADES: dict[int, Callable[[list[Any]], list[Any]]] = {1: lambda state: state, 2: lambda state: state}
_LARGEST = 2**53
_PARTS = 9  # besides the table and what has been accepted
_TAG = "$"
_SHARED = frozenset(("result", "items", "saw"))  # internal data that holds variables


# ------------------------------------------------------------------------------------------------ values
def pack(value: Any) -> Any:
    """A FEEL value as JSON that keeps its type; whole numbers stay short."""
    if value is None or value is True or value is False or isinstance(value, str):
        return value
    if isinstance(value, Decimal):
        text = str(value)
        if text.lstrip("-").isdigit() and -_LARGEST < (whole := int(text)) < _LARGEST:
            return whole
        return {_TAG: "number", "v": text}
    if isinstance(value, list):
        return [pack(item) for item in value]
    if isinstance(value, dict):
        packed = {name: pack(item) for name, item in value.items()}
        return {_TAG: "context", "v": packed} if _TAG in value else packed
    return feel.to_json(value)


def unpack(data: Any) -> Any:
    """What :func:`pack` packed."""
    if data is None or data is True or data is False or isinstance(data, str):
        return data
    if isinstance(data, int | float):
        return Decimal(data) if isinstance(data, int) else Decimal(repr(data))
    if isinstance(data, list):
        return [unpack(item) for item in data]
    if _TAG in data:
        if data[_TAG] == "context":
            return {name: unpack(item) for name, item in data["v"].items()}
        return feel.from_json(data)
    return {name: unpack(item) for name, item in data.items()}


def _internal(data: dict[str, Any], said: Callable[[Any], Any]) -> dict[str, Any]:
    """A copy of a task's internal data with the variables in it packed or unpacked. Most have none."""
    if _SHARED.isdisjoint(data):
        return dict(data)
    return {name: said(value) if name in _SHARED else value for name, value in data.items()}


# ------------------------------------------------------------------------------------------------ saving
def _rows(flow: Any) -> list[list[Any]]:
    numbers = flow.spec.numbers()[0]
    rows = []
    for task in flow.tasks.values():
        row = [task.id, numbers[task.task_spec.name], task._state, task._parent or 0]
        if task.internal_data:
            row += [int(task.triggered), _internal(task.internal_data, pack)]
        elif task.triggered:
            row.append(1)
        rows.append(row)
    return rows


class _Packer:
    """Packs each list and each context of an instance once, however many scopes hold it."""

    def __init__(self) -> None:
        self._known: dict[int, Any] = {}

    def values_of(self, scope: Scope) -> dict[str, Any]:
        if isinstance(scope, SavedScope) and scope.packed is not None:
            return scope.packed
        return {name: self._pack(value) for name, value in scope.values.items()}

    def _pack(self, value: Any) -> Any:
        if not isinstance(value, list | dict):
            return pack(value)
        if id(value) not in self._known:
            self._known[id(value)] = pack(value)
        return self._known[id(value)]


def state_of(top: Instance) -> list[Any]:
    """The instance as plain data."""
    packer = _Packer()
    keys = {id(spec): key for key, spec in top.subprocess_specs.items()}
    return [
        VERSION,
        top.last_id,
        int(top.completed),
        top.start_at,
        _rows(top),
        [[task_id, keys[id(sub.spec)], _rows(sub)] for task_id, sub in top.subprocesses.items()],
        [[scope_id, scope.parent, packer.values_of(scope)] for scope_id, scope in top.scopes.by_id.items()],
        [[task_id, i.kind, i.message, i.details] for task_id, i in top.incidents.items()],
        {process_id: _counts(counts, top.subprocess_specs[process_id]) for process_id, counts in top.done.items()},
    ]


def _counts(counts: dict[str, int], process: Any) -> list[int]:
    """Completions in the order of the process's elements, without the zeros at the end."""
    found = [counts.get(element, 0) for element in process.elements]
    while found and not found[-1]:
        found.pop()
    return found


def dumps(top: Instance) -> bytes:
    """The instance as bytes, for :func:`loads` with the same release."""
    words: Words = top.spec.words
    data = state_of(top)
    data[6], table = shared.gathered(data[6])
    if top.accepted:
        data = [*data, table, [_accepted_row(each) for each in top.accepted]]
    else:
        data = [_WITHOUT_ACCEPTED, *data[1:], table] if table else [_WITHOUT_TABLE, *data[1:]]
    return words.compress(orjson.dumps(data, default=str))


def _accepted_row(one: Accepted) -> list[Any]:
    return [one.task_id, one.by, one.at, pack(dict(one.variables)), dict(one.about)]


# ------------------------------------------------------------------------------------------------ loading
def read(blob: bytes, release: Release, process_id: str) -> list[Any]:
    """The plain data of a saved instance, in the newest form and without what has been accepted.

    :raises UnreadableState: it is of a newer version, of another diagram, or damaged.
    """
    return _read(blob, release, process_id)[0]


def _read(blob: bytes, release: Release, process_id: str) -> tuple[list[Any], list[Accepted]]:
    data: list[Any] = orjson.loads(release.processes[process_id].words.decompress(blob))
    if data[0] != VERSION:
        data = upgrade(data)
    accepted: list[Accepted] = []
    if len(data) > _PARTS:
        data, (table, *more) = data[:_PARTS], data[_PARTS:]
        if table:
            data[6] = shared.spread(data[6], table)
        for task_id, by, at, variables, about in more[0] if more else ():
            accepted.append(Accepted(task_id, by, at, unpack(variables), about))
    return data, accepted


def upgrade(data: list[Any]) -> list[Any]:
    """A state of an earlier version in the newest form.

    :raises UnreadableState: of a version that this server does not know.
    """
    while data[0] != VERSION:
        step = UPGRADES.get(data[0])
        if step is None:
            raise UnreadableState(
                f"The state of this instance is of version {data[0]}; this server reads versions up to {VERSION}. "
                "Upgrade the server."
            )
        data = [data[0] + 1, *step(data)[1:]]
    return data


def _restore(flow: Any, rows: list[list[Any]], stopped: set[int]) -> None:
    by_number, manager, tasks = flow.spec.numbers()[1], flow.top_workflow.event_manager, flow.tasks
    for id_, number, state, parent, *more in rows:
        spec = by_number[number]
        task = FlowTask.restore(flow, spec, id_, state, parent or None)
        if more:
            task.triggered = bool(more[0])
            if len(more) > 1:
                task.internal_data = _internal(more[1], unpack)
        if not parent:
            flow.task_tree = task
        if state == TaskState.WAITING and id_ not in stopped and spec.waits_for_event:
            manager.add_task(task)
    for task in tasks.values():
        if task._parent:
            tasks[task._parent]._children.append(task.id)


class SavedScope(Scope):
    """A scope whose variables nobody has looked at since it was saved: they are unpacked when somebody does.

    :ivar packed: None once they are.
    """

    __slots__ = ("packed",)

    def __init__(self, parent: int | None, packed: dict[str, Any]) -> None:
        self.parent = parent
        self.packed: dict[str, Any] | None = packed

    def __getattr__(self, name: str) -> Any:
        """Asked for what is not there yet: the values."""
        if name != "values" or self.packed is None:
            raise AttributeError(name)
        self.values = {known: unpack(value) for known, value in self.packed.items()}
        self.packed = None
        return self.values


def _scopes(rows: shared.Rows) -> dict[int, Scope]:
    """The scopes as they were. What several hold is unpacked once, and one object again."""
    if not (held := shared.held_twice(values for _, _, values in rows)):
        return {scope_id: SavedScope(parent, values) for scope_id, parent, values in rows}
    known: dict[int, Any] = {}

    def once(value: Any) -> Any:
        if id(value) not in held:
            return unpack(value)
        if id(value) not in known:
            known[id(value)] = unpack(value)
        return known[id(value)]

    return {each: Scope(parent, {n: once(v) for n, v in values.items()}) for each, parent, values in rows}


def restore(data: list[Any], release: Release, process_id: str, host: Host) -> Instance:
    """A saved instance, ready to go on."""
    _, last_id, completed, start_at, rows, subs, scopes, incidents, done = data
    top = Instance(release.processes[process_id], release.blueprints, host, start_at=start_at, fresh=False)
    top.last_id, top.completed = last_id, bool(completed)
    for process_id, counts in done.items():
        elements = release.processes[process_id].elements
        top.done[process_id] = {element: count for element, count in zip(elements, counts, strict=False) if count}
    top.scopes.by_id = _scopes(scopes)
    top.incidents = {id_: Incident(kind, message, details) for id_, kind, message, details in incidents}
    stopped = set(top.incidents)
    _restore(top, rows, stopped)
    tasks = dict(top.tasks)
    for task_id, key, sub_rows in subs:
        task = tasks[task_id]
        sub = top.subprocesses[task_id] = SubInstance(release.blueprints[key], task, top)
        sub.completed_event.connect(task.task_spec.inside_done, task)
        _restore(sub, sub_rows, stopped)
        tasks.update(sub.tasks)
    return top


def loads(blob: bytes, release: Release, process_id: str, host: Host) -> Instance:
    """:raises UnreadableState: see :func:`read`."""
    data, accepted = _read(blob, release, process_id)
    top = restore(data, release, process_id, host)
    top.accepted = accepted
    return top


def root_variables(blob: bytes, release: Release, process_id: str) -> dict[str, Any]:
    """The variables of the process itself, without restoring the instance."""
    for scope_id, _, values in read(blob, release, process_id)[6]:
        if scope_id == 0:
            return {name: unpack(value) for name, value in values.items()}
    return {}
