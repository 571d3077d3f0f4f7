# mypy: allow-subclassing-any
"""What an event waits for or throws: timers, messages, signals, errors, escalations, termination.

While a task waits, its internal data holds, by event id: ``due`` (milliseconds since 1970), ``bound`` (the deadlines
a timer's expression asked for) and ``sub`` (correlation keys).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from app.feel.values import kind
from app.runtime.engine.host import NoteKind, Posted
from app.runtime.engine.task import FlowTask
from app.runtime.errors import Fault
from app.runtime.language import (
    article,
    cycle_of,
    duration_of,
    instant_of,
    later,
    next_turn,
    within_calendar,
)
from app.runtime.specs.base import value_of
from app.runtime.spiff import NoneEventDefinition

LONGEST_KEY = 240
LONGEST_DEADLINE = 80


class Definition(NoneEventDefinition):
    """Base of all: waits for nothing of its own accord and throws nothing."""

    kind = "none"

    def __init__(self, key: str, name: str | None = None) -> None:
        super().__init__(name=name or key)
        self.key = key

    def arm(self, t: FlowTask) -> None:
        """Begin to wait."""

    def is_due(self, t: FlowTask) -> bool:
        return False

    def disarm(self, t: FlowTask) -> None:
        """Stop waiting."""
        for part in ("due", "sub", "bound"):
            t.internal_data.pop(part, None)

    def throw(self, t: FlowTask, given: Mapping[str, Any]) -> None:
        """Nothing to throw.

        :param given: what the input mappings of the throwing element make; it travels with messages and signals.
        """

    def __eq__(self, other: object) -> bool:
        return self is other

    __hash__ = object.__hash__


class Timer(Definition):
    """A date, a duration or a cycle. The instant is computed once, when the event is armed, and kept.

    An expression that asks for ``deadline("x")`` binds the timer: moving the deadline computes it again.
    """

    kind = "timer"

    def __init__(self, key: str, shape: str, expression: str) -> None:
        super().__init__(key)
        self.shape = shape
        self.expression = expression

    def arm(self, t: FlowTask) -> None:
        due = t.internal_data.setdefault("due", {})
        if self.key not in due:
            due[self.key] = self._instant(t)

    def rearm(self, t: FlowTask) -> None:
        """A deadline it is bound to has moved."""
        t.internal_data["due"][self.key] = self._instant(t)

    def is_due(self, t: FlowTask) -> bool:
        at = t.internal_data.get("due", {}).get(self.key)
        return at is not None and at <= int(t.top.host.now.timestamp() * 1000)

    def _instant(self, t: FlowTask) -> int:
        host = t.top.host
        what = f"The timer {self.key}"
        host.begin_recording()
        value = value_of(t, self.expression)
        asked = host.recorded_deadlines()
        if any(len(name) > LONGEST_DEADLINE for name in asked):
            raise Fault(
                f"{what} asks for a deadline whose name has more than {LONGEST_DEADLINE} characters.", kind="TIMER"
            )
        if asked:
            t.internal_data.setdefault("bound", {})[self.key] = list(asked)
        if value is None:
            missing = [name for name in asked if host.env.deadline(name) is None]
            if missing:
                raise Fault(
                    f"The timer {self.key} waits for the deadline {missing[0]}, which does not exist yet.",
                    kind="TIMER",
                    details={"expression": self.expression, "deadline": missing[0]},
                )
        try:
            return _ceil_milliseconds(within_calendar(self._due(t, value, what)))
        except Fault as fault:
            fault.details.setdefault("expression", self.expression)
            raise
        except (OverflowError, ValueError) as error:
            raise Fault(f"{what} gave a time beyond the calendar.", kind="TIMER") from error

    def _due(self, t: FlowTask, value: Any, what: str) -> datetime:
        now = t.top.host.now
        if self.shape == "date":
            return instant_of(value, what)
        if self.shape == "duration":
            return later(now, duration_of(value, what))
        count, every = cycle_of(value, what)
        left = t.internal_data.setdefault("left", count)
        start = t.internal_data.get("from")
        if start is None:
            return later(now, every)
        return next_turn(_from_milliseconds(start), every, now) if left < 0 else later(_from_milliseconds(start), every)


class Message(Definition):
    """A message by name and correlation key."""

    kind = "message"

    def __init__(self, key: str, name: str, correlation: str | None = None, ttl: str | None = None) -> None:
        super().__init__(key, name)
        self.correlation = correlation
        self.ttl = ttl

    def arm(self, t: FlowTask) -> None:
        keys = t.internal_data.setdefault("sub", {})
        if self.key in keys:
            return
        keys[self.key] = key_text(value_of(t, self.correlation), self.correlation) if self.correlation else ""

    def key_of(self, t: FlowTask) -> str | None:
        key = t.internal_data.get("sub", {}).get(self.key)
        return key if isinstance(key, str) else None

    def throw(self, t: FlowTask, given: Mapping[str, Any]) -> None:
        payload = dict(given)
        key = payload.pop("correlationKey", None)
        ttl = value_of(t, self.ttl) if self.ttl else None
        top = t.top
        source = dict(t.task_spec.sent).get("correlationKey")
        top.host.post(Posted(self.name, "" if key is None else key_text(key, source), payload, ttl))
        top.note(t, NoteKind.MESSAGE_SENT, message=self.name)


class Signal(Definition):
    """A signal by name, to everything that waits for it."""

    kind = "signal"

    def arm(self, t: FlowTask) -> None:
        t.internal_data.setdefault("sub", {})[self.key] = None

    def throw(self, t: FlowTask, given: Mapping[str, Any]) -> None:
        top = t.top
        top.note(t, NoteKind.SIGNAL_SENT, signal=self.name)
        top.event_manager.deliver_signal(self.name, dict(given))
        top.host.broadcast(self.name, given)


class Coded(Definition):
    """An error or escalation: matched by its code; without a code it catches every one."""

    def __init__(self, key: str, code: str | None) -> None:
        super().__init__(key)
        self.code = code

    def matches(self, code: str | None, exactly: bool) -> bool:
        return self.code == code if exactly else self.code is None


class Error(Coded):
    kind = "error"

    def throw(self, t: FlowTask, given: Mapping[str, Any]) -> None:
        if not t.top.event_manager.throw_error(t, self.code):
            raise Fault(
                f"Nothing catches the error {self.code or 'without a code'}.", kind="ERROR", details={"code": self.code}
            )


class Escalation(Coded):
    kind = "escalation"

    def throw(self, t: FlowTask, given: Mapping[str, Any]) -> None:
        t.top.event_manager.throw_escalation(t, self.code)


class Terminate(Definition):
    kind = "terminate"


class FirstOf(Definition):
    """An event-based gateway: each of its events keeps its own time and key."""

    kind = "first"

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.definitions: list[Definition] = []

    def arm(self, t: FlowTask) -> None:
        for definition in self.definitions:
            definition.arm(t)

    def is_due(self, t: FlowTask) -> bool:
        """The timer that was due first wins, on a late wake too."""
        due = [d for d in self.definitions if isinstance(d, Timer) and d.is_due(t)]
        if due:
            t.internal_data["fired"] = min(due, key=lambda d: t.internal_data["due"][d.key]).key
        return bool(due)


def key_text(value: Any, expression: str | None) -> str:
    """A correlation key as text.

    :raises Fault: neither a text nor a number, or longer than the tables hold.
    """
    text = value if isinstance(value, str) else format(value.normalize(), "f") if isinstance(value, Decimal) else None
    if text is not None and len(text) <= LONGEST_KEY:
        return text
    if text is not None:
        raise Fault(
            f"The correlation key {expression} has more than {LONGEST_KEY} characters.",
            kind="CORRELATION",
            details={"expression": expression},
        )
    raise Fault(
        f"The correlation key {expression} gave {article(kind(value))} instead of a text or a number.",
        kind="CORRELATION",
        details={"expression": expression},
    )


def _ceil_milliseconds(at: datetime) -> int:
    return -int(-at.timestamp() * 1000 // 1)


def _from_milliseconds(value: int) -> datetime:
    return datetime.fromtimestamp(value / 1000, UTC)
