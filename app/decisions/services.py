"""Decision services: a part of the requirement graph, called like a function (DMN 1.5, 10.4)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from app.decisions.building import fit
from app.decisions.tracing import Tracing
from app.decisions.xml import Element, children, variable_type
from app.feel.convert import from_python
from app.feel.frame import Frame, NoValue
from app.feel.values import Function, Value

if TYPE_CHECKING:
    from app.decisions.rooms import Room


class Service:
    """One decision service of a room."""

    def __init__(self, room: Room, element: Element) -> None:
        self.room = room
        self.element = element
        self.input_data = self._parts("inputData")
        self.input_decisions = self._parts("inputDecision")
        self.output_decisions = self._parts("outputDecision")

    def _parts(self, tag: str) -> list[tuple[Room, Element]]:
        found = []
        for reference in children(self.element, tag):
            target = self.room.document.find(reference.get("href", ""))
            if target is None:
                self.room.builder.report(reference, "A decision service refers to nothing.", "Draw it again.")
            else:
                found.append((self.room.room_of(target[0]), target[1]))
        return found

    def names(self) -> tuple[str, ...]:
        """The parameters: the input data, then the input decisions."""
        return tuple(part.get("name") or "" for _, part in (*self.input_data, *self.input_decisions))

    def value(self, inputs: Mapping[str, Any], state: Tracing, depth: int = 0) -> Value:
        """What the output decisions come to when the input decisions have the given values.

        Raises NoValue when an input does not fit its type.
        """
        given = {}
        for room, part in (*self.input_data, *self.input_decisions):
            name = part.get("name") or ""
            coerce = room.builder.types.coercion(variable_type(part))
            value = from_python(inputs.get(name))
            try:
                given[name] = value if coerce is None or value is None else coerce(value, state.spend)
            except NoValue as reason:
                raise NoValue(f"The argument “{name}”: {reason.reason}") from None
        made, state.made = state.made, {}
        frame = Frame({}, None, state)
        for room, decision in self.input_decisions:
            name = decision.get("name") or ""
            state.made[(room.document.namespace, decision.get("id") or name)] = given[name]
        values = {
            decision.get("name") or "": room.decide(decision, inputs, state, depth)
            for room, decision in self.output_decisions
        }
        state.made = made
        if len(values) != 1:
            return values
        coerce = self.room.builder.types.coercion(variable_type(self.element))
        return fit(frame, next(iter(values.values())), coerce, "the service's result")

    def function(self, state: Tracing, depth: int) -> Function:
        names = self.names()

        def call(*arguments: Value) -> Value:
            return self.value(dict(zip(names, arguments, strict=True)), state, depth)

        return Function(names, call)
