"""Which messages an instance waits for or may still come to wait for, read from where its tokens stand. Nothing is run or changed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from app.runtime import releases
from app.runtime.engine.task import OPEN, FlowTask, parts
from app.runtime.engine.workflow import Instance as Engine
from app.runtime.errors import Fault
from app.runtime.language import evaluate
from app.runtime.mending.guard import writes
from app.runtime.mending.sent import names_in
from app.runtime.parsed import ParsedRelease
from app.runtime.scopes import View
from app.runtime.specs.definitions import Message, key_text
from app.runtime.specs.multi_instance import MultiInstance
from app.runtime.specs.process import ProcessSpec
from app.runtime.specs.subprocesses import CallActivity, SubProcess
from app.runtime.step import find

# An element by its name, and the variables that it does not see as the token does; None: it sees none of them.
_At = tuple[ProcessSpec, str, frozenset[str] | None]
_NONE: frozenset[str] = frozenset()


@dataclass(slots=True)
class Awaited:
    """What an instance may wait for one message with.

    :ivar element_id: one of the elements that would wait.
    :ivar keys: the correlation keys, as its variables are now.
    :ivar unsure: there may be another key by then: it cannot be worked out yet, or what it is made of is still to be set.
    """

    element_id: str
    keys: set[str] = field(default_factory=set)
    unsure: bool = False


@lru_cache(maxsize=64)
def catching(release: ParsedRelease) -> Mapping[str, frozenset[str]]:
    """The processes of a release that wait for a message somewhere, by its name. What a message starts does not count."""
    found: dict[str, set[str]] = {}
    for level in release.diagrams.blueprints.values():
        for spec in level.task_specs.values():
            for definition in _messages(spec):
                found.setdefault(definition.name, set()).add(level.process_id)
    return {name: frozenset(processes) for name, processes in found.items()}


def may_wait(instance_key: int, name: str) -> frozenset[str]:
    """The processes of an instance's release that wait for a message somewhere."""
    return catching(releases.parsed(find(instance_key).release_key)).get(name, frozenset())


def ahead(wf: Engine, release: ParsedRelease) -> dict[tuple[str, str], Awaited]:
    """What an instance waits for or may begin to wait for, by the message's name and the process that waits."""
    found: dict[tuple[str, str], Awaited] = {}
    for task in (task for flow in wf.flows() for task in flow.tasks.values() if task.has_state(OPEN)):
        armed = task.internal_data.get("sub", {})
        for level, spec, definition, hidden in _from(release, task):
            awaited = found.setdefault((definition.name, level.process_id), Awaited(str(spec.bpmn_id or spec.name)))
            waits = spec is task.task_spec and isinstance(armed.get(definition.key), str)
            key = armed[definition.key] if waits else _key(release, task, level, spec, definition, hidden)
            awaited.unsure |= key is None
            if key is not None:
                awaited.keys.add(key)
    return found


def _from(release: ParsedRelease, task: FlowTask) -> Iterator[tuple[ProcessSpec, Any, Message, frozenset[str] | None]]:
    """The events ahead of a token that wait for a message, each with its definition and what is hidden from it."""
    spec, level = task.task_spec, task.workflow.spec
    if spec.waits_for_event and "fired" not in task.internal_data:
        for definition in _messages(spec):
            yield level, spec, definition, _NONE
    for at_level, at, hidden in _reach(release, level, _first(task)):
        for definition in _messages(at):
            yield at_level, at, definition, hidden


def _first(task: FlowTask) -> list[_At]:
    """Where a token may go next; into its own element, if that has not been entered or has more to begin."""
    spec, level = task.task_spec, task.workflow.spec
    following: list[_At] = [(level, one.name, _NONE) for one in spec.outputs]
    data = task.internal_data
    if isinstance(spec, MultiInstance) and "n" in data and (not spec.sequential or data["made"] == data["n"]):
        return following
    if isinstance(spec, SubProcess) and task.id in task.top.subprocesses:
        return following
    return following + _inside(task.top.subprocess_specs, level, spec, _NONE)


def _inside(blueprints: Any, level: ProcessSpec, spec: Any, hidden: frozenset[str] | None) -> list[_At]:
    """Where a token begins that goes into an element: an instance of several, what a sub-process or a called process starts with."""
    if isinstance(spec, MultiInstance):
        return [(level, spec.inner, None if hidden is None else hidden | {spec.item or "", "loopCounter"})]
    inside = blueprints.get(spec.blueprint) if isinstance(spec, SubProcess) else None
    if inside is None:
        return []
    own = {target.split(".")[0] for target, _ in spec.inputs_map}
    apart = hidden is None or (isinstance(spec, CallActivity) and not spec.all_in)
    return [(inside, inside.start.name, None if apart or hidden is None else hidden | own)]


def _reach(
    release: ParsedRelease, level: ProcessSpec, first: Iterable[_At], names: frozenset[str] = _NONE
) -> Iterator[tuple[ProcessSpec, Any, frozenset[str] | None]]:
    """Every element that a token may come to.

    :param names: not past an element that is known to set one of these.
    """
    todo, seen = list(first), set()
    while todo:
        at, name, hidden = todo.pop()
        if (at.name, name, hidden) in seen:
            continue
        seen.add((at.name, name, hidden))
        spec = at.task_specs[name]
        yield at, spec, hidden
        todo += _inside(release.diagrams.blueprints, at, spec, hidden)
        if not (names and _sets(release, at, spec, names)):
            todo += [(at, one.name, hidden) for one in spec.outputs]


def _key(
    release: ParsedRelease,
    task: FlowTask,
    level: ProcessSpec,
    spec: Any,
    definition: Message,
    hidden: frozenset[str] | None,
) -> str | None:
    """The correlation key, if nothing that is known to set what it is made of lies on the way; None when that cannot be told."""
    if not definition.correlation:
        return ""
    names = frozenset(names_in((definition.correlation,), level.names))
    if hidden is None or hidden & names:
        return None
    if spec is not task.task_spec:
        if _sets(release, task.workflow.spec, task.task_spec, names):
            return None
        if not any(at is spec for _, at, _ in _reach(release, task.workflow.spec, _first(task), names)):
            return None
    try:
        seen = View(task.top.scopes, task.outer)
        return key_text(evaluate(definition.correlation, seen, task.top.host.env, level.names), definition.correlation)
    except Fault:
        return None


def _sets(release: ParsedRelease, level: ProcessSpec, spec: Any, names: frozenset[str]) -> bool:
    """Whether an element is known to set one of these variables."""
    if isinstance(spec, MultiInstance):
        return spec.out in names or _sets(release, level, level.task_specs[spec.inner], names)
    if isinstance(spec, SubProcess) and not isinstance(spec, CallActivity) and not spec.outputs_map:
        inside = release.diagrams.blueprints[spec.blueprint]
        return any(_sets(release, inside, one, names) for one in inside.task_specs.values())
    return not names.isdisjoint(writes(release, level, spec) or ())


def _messages(spec: Any) -> list[Message]:
    """The messages that an element waits for."""
    if not getattr(spec, "waits_for_event", False):
        return []
    return [one for one in parts(spec.event_definition) if isinstance(one, Message)]
