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
from app.runtime.scopes import Overlay, View
from app.runtime.specs.base import Mappings, mapped
from app.runtime.specs.definitions import Message, key_text
from app.runtime.specs.multi_instance import MultiInstance
from app.runtime.specs.process import ProcessSpec
from app.runtime.specs.subprocesses import CallActivity, SubProcess
from app.runtime.step import find

DEEPEST = 6
"""How many sub-processes and calls, one in another, are looked through for the value of a key."""


@dataclass(frozen=True, slots=True)
class _Frame:
    """What lies between the variables that a token sees and those seen inside an element ahead of it.

    :ivar given: its input mappings.
    :ivar closed: nothing else is seen inside.
    :ivar unknown: variables that only begin with it: an item of several.
    """

    given: Mappings = ()
    closed: bool = False
    unknown: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class _At:
    """An element that a token may come to.

    :ivar frames: from the outermost; None: too deep to tell.
    """

    level: ProcessSpec
    name: str
    frames: tuple[_Frame, ...] | None = ()

    @property
    def spec(self) -> Any:
        return self.level.task_specs[self.name]

    def into(self, level: ProcessSpec, name: str, frame: _Frame) -> _At:
        frames = self.frames
        return _At(level, name, None if frames is None or len(frames) == DEEPEST else (*frames, frame))


@dataclass(slots=True)
class Awaited:
    """What an instance may wait for one message with.

    :ivar keys: the correlation keys, as its variables are now.
    :ivar unsure: there may be another key by then: it cannot be worked out yet, or what it is made of is still to be set.
    """

    keys: set[str] = field(default_factory=set)
    unsure: bool = False


@lru_cache(maxsize=64)
def catching(release: ParsedRelease) -> Mapping[str, Mapping[str, str]]:
    """The processes of a release that wait for a message somewhere, by its name, each with the first element that does. What a message
    starts does not count."""
    found: dict[str, dict[str, str]] = {}
    for level in release.diagrams.blueprints.values():
        for spec in level.task_specs.values():
            for definition in _messages(spec):
                found.setdefault(definition.name, {}).setdefault(level.process_id, str(spec.bpmn_id or spec.name))
    return found


def may_wait(instance_key: int, name: str) -> frozenset[str]:
    """The processes of an instance's release that wait for a message somewhere."""
    return frozenset(catching(releases.parsed(find(instance_key).release_key)).get(name, ()))


def ahead(wf: Engine, release: ParsedRelease) -> dict[tuple[str, str], Awaited]:
    """What an instance waits for or may begin to wait for, by the message's name and the process that waits."""
    found: dict[tuple[str, str], Awaited] = {}
    reading = _Reading(release)
    for task in (task for flow in wf.flows() for task in flow.tasks.values() if task.has_state(OPEN)):
        for at, definition, key, sure in reading.of(task):
            awaited = found.setdefault((definition.name, at.level.process_id), Awaited())
            awaited.unsure |= not sure
            if key is not None:
                awaited.keys.add(key)
    return found


class _Reading:
    """One instance is read: what its elements set is asked once."""

    def __init__(self, release: ParsedRelease) -> None:
        self._release = release
        self._writes: dict[tuple[str, str], frozenset[str]] = {}

    def of(self, task: FlowTask) -> Iterator[tuple[_At, Message, str | None, bool]]:
        """The events before a token that wait for a message, each with its key, and whether it may be no other by then."""
        spec, data = task.task_spec, task.internal_data
        if spec.waits_for_event and "fired" not in data:
            here = _At(task.workflow.spec, spec.name)
            for definition in _messages(spec):
                armed = data.get("sub", {}).get(definition.key)
                now = self._value(task, here, definition)
                if not isinstance(armed, str):
                    yield here, definition, now, now is not None
                    continue
                yield here, definition, armed, True
                if _waits_again(spec):
                    names = _seen_by(here, definition) or frozenset()
                    around = {here.level.name: here.level, task.top.spec.name: task.top.spec}.values()
                    set_ = (self._sets(level, one) for level in around for one in level.task_specs.values())
                    yield here, definition, now, now is not None and all(names.isdisjoint(each) for each in set_)
        unset: dict[frozenset[str], set[_At]] = {}
        for at in self._reach(self._first(task)):
            for definition in _messages(at.spec):
                yield at, definition, *self._key(task, at, definition, unset)

    # ---- ways
    def _first(self, task: FlowTask) -> list[_At]:
        """Where a token may go next; into its own element, if that has not been entered or has more to begin."""
        spec, data, here = task.task_spec, task.internal_data, _At(task.workflow.spec, task.task_spec.name)
        following = [_At(here.level, one.name) for one in spec.outputs]
        if isinstance(spec, MultiInstance) and "n" in data and (not spec.sequential or data["made"] == data["n"]):
            return following
        return following if task.id in task.top.subprocesses else following + self._inside(here)

    def _inside(self, at: _At) -> list[_At]:
        """Where a token begins that goes into an element: one of several instances, what a sub-process or a called process starts with."""
        spec = at.spec
        if isinstance(spec, MultiInstance):
            return [at.into(at.level, spec.inner, _Frame(unknown=frozenset({spec.item or "", "loopCounter"})))]
        inside = self._release.diagrams.blueprints.get(spec.blueprint) if isinstance(spec, SubProcess) else None
        if inside is None:
            return []
        closed = isinstance(spec, CallActivity) and not spec.all_in
        return [at.into(inside, inside.start.name, _Frame(spec.inputs_map, closed))]

    def _reach(
        self, first: Iterable[_At], names: frozenset[str] = frozenset(), end: _At | None = None
    ) -> Iterator[_At]:
        """Every element that a token may come to.

        :param names: not past an element that is known to set one of these.
        :param end: nor past this one.
        """
        todo, seen = list(first), set()
        while todo:
            at = todo.pop()
            if at in seen:
                continue
            seen.add(at)
            yield at
            if at == end:
                continue
            todo += self._inside(at)
            if names.isdisjoint(self._sets(at.level, at.spec)):
                todo += [_At(at.level, one.name, at.frames) for one in at.spec.outputs]

    # ---- keys
    def _key(
        self, task: FlowTask, at: _At, definition: Message, unset: dict[frozenset[str], set[_At]]
    ) -> tuple[str | None, bool]:
        """The correlation key as it is made now, if some way sets nothing that it is made of; and whether no way does.

        :param unset: what the token may come to without passing an element that sets some variables.
        """
        names = _seen_by(at, definition)
        if names is None:
            return None, False
        if names not in unset:
            unset[names] = set() if self._is_to_set(task, names) else set(self._reach(self._first(task), names))
        key = self._value(task, at, definition) if at in unset[names] else None
        if key is None or not self._any_sets(unset[names], names):
            return key, key is not None
        return key, not self._any_sets(self._reach(self._first(task), names, at), names)

    def _any_sets(self, found: Iterable[_At], names: frozenset[str]) -> bool:
        return any(not names.isdisjoint(self._sets(at.level, at.spec)) for at in found)

    def _value(self, task: FlowTask, at: _At, definition: Message) -> str | None:
        if not definition.correlation:
            return ""
        seen: Mapping[str, Any] = View(task.top.scopes, task.outer)
        try:
            for frame in at.frames or ():
                seen = Overlay(mapped(task, frame.given, seen), {} if frame.closed else seen)
            value = evaluate(definition.correlation, seen, task.top.host.env, at.level.names)
            return key_text(value, definition.correlation)
        except Fault:
            return None

    # ---- what elements set
    def _is_to_set(self, task: FlowTask, names: frozenset[str]) -> bool:
        """Whether an element that a token is at is known to set one of these variables from now on."""
        inside, spec = task.top.subprocesses.get(task.id), task.task_spec
        if inside is None or isinstance(spec, CallActivity) or spec.outputs_map:
            return not names.isdisjoint(self._sets(task.workflow.spec, spec))
        for inner in (inner for inner in inside.tasks.values() if inner.has_state(OPEN)):
            ahead_ = (self._sets(at.level, at.spec) for at in self._reach(self._first(inner)))
            if self._is_to_set(inner, names) or not all(names.isdisjoint(each) for each in ahead_):
                return True
        return False

    def _sets(self, level: ProcessSpec, spec: Any) -> frozenset[str]:
        """The variables that an element is known to set."""
        place = (level.name, spec.name)
        if place not in self._writes:
            self._writes[place] = frozenset(self._read_sets(level, spec))
        return self._writes[place]

    def _read_sets(self, level: ProcessSpec, spec: Any) -> Iterable[str]:
        if isinstance(spec, MultiInstance):
            return {spec.out or "", *self._sets(level, level.task_specs[spec.inner])}
        if isinstance(spec, SubProcess) and not isinstance(spec, CallActivity) and not spec.outputs_map:
            inside = self._release.diagrams.blueprints[spec.blueprint]
            return set().union(*(self._sets(inside, one) for one in inside.task_specs.values()))
        return writes(self._release, level, spec) or ()


def _waits_again(spec: Any) -> bool:
    """Whether an event interrupts nothing: when it has come it begins to wait anew."""
    return (spec.is_boundary and not spec.cancel_activity) or (spec.is_trigger and not spec.interrupting)


def _seen_by(at: _At, definition: Message) -> frozenset[str] | None:
    """The variables of the token that a correlation key is made of; None when it cannot be made of them."""
    if at.frames is None:
        return None if definition.correlation else frozenset()
    names = names_in((definition.correlation,), at.level.names)
    for frame in reversed(at.frames):
        given = {target.split(".")[0]: source for target, source in frame.given}
        if names & frame.unknown or (frame.closed and names - given.keys()):
            return None
        names = {name for name in names if name not in given}.union(
            *(names_in((source,), at.level.names) for target, source in given.items() if target in names)
        )
    return frozenset(names)


def _messages(spec: Any) -> list[Message]:
    """The messages that an element waits for."""
    if not getattr(spec, "waits_for_event", False):
        return []
    return [one for one in parts(spec.event_definition) if isinstance(one, Message)]
