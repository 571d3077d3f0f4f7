"""Who sends a message or signal and who takes it, within one release: read from the diagrams.

It goes by its name. Its payload is what the sender's input mappings make; with the receiver it becomes variables of the same
names, or what the output mappings take from it. A start event does both. A signal has no correlation key.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
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
    :ivar payload: what it puts in, each with its expression.
    :ivar key: the expression of the correlation key.
    """

    level: ProcessSpec
    element_id: str
    kind: str
    message: str
    payload: Mapping[str, str]
    key: str | None


@dataclass(frozen=True, slots=True)
class Receiver:
    """An element that takes a message or signal.

    :ivar kind: which of them.
    :ivar message: its name.
    :ivar key: the expression of the correlation key; None for the start of a process, which has none.
    :ivar outputs: variable and expression of what it takes from the payload; empty when it takes all.
    :ivar takes_all: the payload becomes variables of the same names.
    """

    level: ProcessSpec
    element_id: str
    kind: str
    message: str
    key: str | None
    outputs: tuple[tuple[str, str], ...]
    takes_all: bool

    def becomes(self, name: str) -> set[str]:
        """The variables that a part of the payload goes into."""
        found = {name} if self.takes_all else set()
        for target, source in self.outputs:
            if name in names_in((source,), self.level.names):
                found.add(target.split(".")[0])
        return found


def names_in(texts: Iterable[str | None], names: frozenset[str] = frozenset()) -> set[str]:
    """The variables that expressions of the dialect read."""
    found: set[str] = set()
    for text in texts:
        if text and text.startswith("="):
            try:
                found |= set(feel.compile_expression(text[1:], names).free_names())
            except feel.FeelError:
                continue
    return found - {"params"}


def senders(release: ParsedRelease) -> list[Sender]:
    """Every element of the release that sends a message or signal."""
    return [made for level, spec in _elements(release) if (made := _sender(level, spec)) is not None]


def receivers(release: ParsedRelease) -> list[Receiver]:
    """Every element of the release that takes a message or signal."""
    return [made for level, spec in _elements(release) if (made := _receiver(level, spec)) is not None]


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
    put_in = dict(spec.sent)
    key = put_in.pop(KEY, None) if isinstance(message, Message) else None
    return Sender(level, _id(spec), message.kind, message.name, put_in, key)


def _receiver(level: ProcessSpec, spec: Any) -> Receiver | None:
    message = None if isinstance(spec, Trigger) else awaited(level, spec)  # its start event says the same, and more
    if not isinstance(message, Message | Signal):
        return None
    outputs = tuple(spec.outputs_map)
    begins = isinstance(spec, StartEvent) and not spec.plain  # the start of a process, not of an event sub-process
    key = message.correlation if isinstance(message, Message) and not begins else None
    return Receiver(level, _id(spec), message.kind, message.name, key, outputs, begins or not outputs)


def _elements(release: ParsedRelease) -> Iterator[tuple[ProcessSpec, Any]]:
    for level in release.diagrams.blueprints.values():
        for spec in level.task_specs.values():
            yield level, spec


def _gateways(level: ProcessSpec) -> Iterator[EventBasedGateway]:
    return (spec for spec in level.task_specs.values() if isinstance(spec, EventBasedGateway))


def _id(spec: Any) -> str:
    return str(spec.bpmn_id or spec.name)
