"""Who sends a message or signal and who takes it, within one release: read from the diagrams.

It goes by its name. Its payload is what the sender's input mappings make; with the receiver it becomes variables of the same
names, or what the output mappings take from it. A start event does both. A signal has no correlation key.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from app import feel
from app.runtime.parsed import ParsedRelease
from app.runtime.specs.activities import ReceiveTask, SendTask
from app.runtime.specs.definitions import Definition, Message, Signal
from app.runtime.specs.events import Event, StartEvent, ThrowEvent, Trigger
from app.runtime.specs.gateways import EventBasedGateway
from app.runtime.specs.process import ProcessSpec

KEY = "correlationKey"


@dataclass(frozen=True, slots=True)
class Sender:
    """An element that sends a message or signal.

    :ivar kind: which of them.
    :ivar message: its name.
    :ivar payload: what it puts in, each with the variables that its expression reads.
    :ivar key: the variables that the correlation key reads.
    """

    level: ProcessSpec
    element_id: str
    kind: str
    message: str
    payload: Mapping[str, frozenset[str]]
    key: frozenset[str]


@dataclass(slots=True)
class Receiver:
    """What a process takes a message or signal with: all of its elements for it that have a correlation key, or all that have none.

    :ivar kind: which of them.
    :ivar message: its name.
    :ivar keyed: there is a correlation key; the start of a process has none, nor has a signal.
    :ivar element_id: the first of the elements.
    :ivar key: the variables that the correlation keys read.
    :ivar into: by a name in the payload, the variables that output mappings make of it.
    :ivar targets: every variable that output mappings set.
    :ivar takes_all: one of them makes variables of the same names of the whole payload.
    :ivar unmapped: one of them has no output mappings.
    """

    process_id: str
    kind: str
    message: str
    keyed: bool
    element_id: str
    key: set[str] = field(default_factory=set)
    into: dict[str, set[str]] = field(default_factory=dict)
    targets: set[str] = field(default_factory=set)
    takes_all: bool = False
    unmapped: bool = False

    def becomes(self, name: str) -> set[str]:
        """The variables that a part of the payload goes into."""
        found = self.into.get(name, set())
        return found | {name} if self.takes_all else found


def names_in(texts: Iterable[str | None], names: frozenset[str] = frozenset()) -> set[str]:
    """The variables that expressions of the dialect read."""
    return set().union(*(_reads(text, names) for text in texts if text and text.startswith("=")))


@lru_cache(maxsize=20_000)
def _reads(text: str, names: frozenset[str]) -> frozenset[str]:
    try:
        return frozenset(feel.compile_expression(text[1:], names).free_names()) - {"params"}
    except feel.FeelError:
        return frozenset()


def senders(release: ParsedRelease) -> list[Sender]:
    """Every element of the release that sends a message or signal."""
    return [made for level, spec in _elements(release) if (made := _sender(level, spec)) is not None]


def receivers(release: ParsedRelease) -> list[Receiver]:
    """Every process of the release that takes a message or signal, and how."""
    found: dict[tuple[str, str, str, bool], Receiver] = {}
    for level, spec in _elements(release):
        _receive(found, level, spec)
    return list(found.values())


def awaited(level: ProcessSpec, spec: Any) -> Definition | None:
    """The message or signal that an element waits for, or None. What follows an event-based gateway is waited for there."""
    if isinstance(spec, StartEvent):
        found = spec.trigger_definition
    elif isinstance(spec, ReceiveTask) or (isinstance(spec, Event) and spec.waits_for_event):
        found = spec.event_definition
    else:
        return None
    if found.kind == "none":
        found = next(
            (d for gateway in _gateways(level) for d in gateway.event_definition.definitions if d.key == found.key),
            found,
        )
    return found if found.kind in ("message", "signal") else None


def _sender(level: ProcessSpec, spec: Any) -> Sender | None:
    if isinstance(spec, SendTask):
        message: Definition = spec.message
    elif isinstance(spec, ThrowEvent):
        message = spec.event_definition
    else:
        return None
    if not isinstance(message, Message | Signal):
        return None
    put_in: dict[str, frozenset[str]] = {}
    for target, source in spec.sent:
        name = target.split(".")[0]
        put_in[name] = put_in.get(name, frozenset()) | names_in((source,), level.names)
    key = put_in.pop(KEY, frozenset()) if isinstance(message, Message) else frozenset()
    return Sender(level, _id(spec), message.kind, message.name, put_in, key)


def _receive(found: dict[tuple[str, str, str, bool], Receiver], level: ProcessSpec, spec: Any) -> None:
    message = None if isinstance(spec, Trigger) else awaited(level, spec)  # its start event says the same, and more
    if not isinstance(message, Message | Signal):
        return
    begins = isinstance(spec, StartEvent) and not spec.plain  # the start of a process, not of an event sub-process
    key = message.correlation if isinstance(message, Message) and not begins else None
    place = (level.process_id, message.kind, message.name, key is not None)
    one = found.setdefault(place, Receiver(*place, _id(spec)))
    one.key |= names_in((key,), level.names)
    one.takes_all |= begins or not spec.outputs_map
    one.unmapped |= not spec.outputs_map
    for target, source in spec.outputs_map:
        one.targets.add(target.split(".")[0])
        for name in names_in((source,), level.names):
            one.into.setdefault(name, set()).add(target.split(".")[0])


def _elements(release: ParsedRelease) -> Iterator[tuple[ProcessSpec, Any]]:
    for level in release.diagrams.blueprints.values():
        for spec in level.task_specs.values():
            yield level, spec


def _gateways(level: ProcessSpec) -> Iterator[EventBasedGateway]:
    return (spec for spec in level.task_specs.values() if isinstance(spec, EventBasedGateway))


def _id(spec: Any) -> str:
    return str(spec.bpmn_id or spec.name)
