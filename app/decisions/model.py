"""A decision model, ready to decide: the requirement graph around the boxed expressions."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import DecimalException
from functools import cached_property
from typing import Any

from app.decisions.boxed import compile_boxed, compile_function
from app.decisions.building import Builder, Scope, fit
from app.decisions.document import Document, Resolve
from app.decisions.errors import DecisionError
from app.decisions.services import Service
from app.decisions.tracing import Explanation, MatchedRule, Outcome, Tracing
from app.decisions.xml import Element, child, id_of, local_name, logic_of, variable_type
from app.errors import NotFound
from app.feel import EMPTY, Environment, FeelLimitError, FeelTypeError, from_python
from app.feel.frame import MISSING, Frame, NoValue, Run, Variables
from app.feel.values import Value
from app.problems import Problem

__all__ = ["Decision", "Explanation", "MatchedRule", "Model", "Outcome", "load"]
MAX_REQUIREMENTS = 60


class Room:
    """One document's compiled elements; imported documents have rooms of their own."""

    def __init__(self, document: Document, problems: list[Problem] | None = None) -> None:
        self.document = document
        self.builder = Builder(document, problems, closed=document.closed)
        self.rooms = {found.namespace: Room(found) for found in document.imports.values()}
        self.extra_scope: dict[str, str] = {}  # variables that are declared outside the model
        self._runs: dict[int, Run] = {}

    def room_of(self, document: Document) -> Room:
        return self if document is self.document else self.rooms[document.namespace]

    def scope(self, element: Element) -> dict[str, str]:
        """The names that an element's logic may use, with their types."""
        scope = dict(self.extra_scope)
        for document, required in self.document.requirements(element):
            if document is not self.document:
                scope[self.document.import_name(document)] = "context"
            else:
                scope[required.get("name") or ""] = self.declared(required)
        return scope

    def declared(self, element: Element) -> str:
        if local_name(element) in ("businessKnowledgeModel", "decisionService"):
            return "function"
        return self.builder.types.declared(variable_type(element))

    def logic(self, element: Element) -> Run:
        """The compiled logic of a decision or knowledge model."""
        key = id(element)
        if key not in self._runs:
            self._runs[key] = self._compile(element, self.scope(element))
        return self._runs[key]

    def _compile(self, element: Element, scope: Scope) -> Run:
        for requirement in self.document.unmet_requirements(element):
            self.builder.report(requirement, "A requirement points to nothing.", "Draw it again, or remove it.")
        if local_name(element) == "businessKnowledgeModel":
            own = {**scope, element.get("name") or "": "function"}  # it may call itself
            body = child(element, "encapsulatedLogic")
            if body is None:
                return self.builder.refused(element, "A knowledge model has no logic.", "Give it a function.")
            return compile_function(self.builder, body, own)
        logic = logic_of(element)
        return _null if logic is None else compile_boxed(self.builder, logic, scope, element)

    # ------------------------------------------------------------------------------------------- evaluation
    def decide(self, element: Element, inputs: Variables, state: Tracing, depth: int = 0) -> Value:
        """The value of a decision; made once in an evaluation."""
        if depth > MAX_REQUIREMENTS:
            raise DecisionError("The decisions require each other in a circle.", resource_id=id_of(element))
        key = (self.document.namespace, element.get("id") or element.get("name") or "")
        if key in state.made:
            return state.made[key]
        frame = self.frame(element, inputs, state, depth)
        outer, state.decision = state.decision, element.get("name") or key[1]
        value = self.logic(element)(frame)
        coerce = self.builder.types.coercion(variable_type(element))
        value = fit(frame, value, coerce, f"the decision “{state.decision}”")
        state.decision = outer
        state.made[key] = value
        return value

    def frame(self, element: Element, inputs: Variables, state: Tracing, depth: int) -> Frame:
        """What the element's logic sees: what it requires, and all variables when the model declares no inputs."""
        values: dict[str, Value] = {}
        root = Frame({} if self.document.closed else inputs, None, state)
        frame = Frame(values, root, state)
        for document, required in self.document.requirements(element):
            name, kind = required.get("name") or "", local_name(required)
            room = self.room_of(document)
            if kind == "inputData":
                value = self.input(room, required, inputs, frame)
            elif kind == "decision":
                value = room.decide(required, inputs, state, depth + 1)
            elif kind == "businessKnowledgeModel":
                value = room.knowledge(required, state, depth + 1)
            else:
                value = Service(room, required).function(state, depth + 1)
            if document is self.document:
                values[name] = value
            else:
                values.setdefault(self.document.import_name(document), {})[name] = value
        return frame

    def input(self, room: Room, element: Element, inputs: Variables, frame: Frame) -> Value:
        """An input's value, converted to its type."""
        name = element.get("name") or ""
        value = MISSING
        if room is not self:
            nested = inputs.get(self.document.import_name(room.document), MISSING)
            if isinstance(nested, Mapping):
                value = nested.get(name, MISSING)
        if value is MISSING:
            value = inputs.get(name, MISSING)
        if value is MISSING:
            frame.state.note(0, f"The input “{name}” was not given.", fault=False)
            return None
        coerce = room.builder.types.coercion(variable_type(element))
        return fit(frame, from_python(value), coerce, f"the input “{name}”")

    def knowledge(self, element: Element, state: Tracing, depth: int) -> Value:
        """A knowledge model as a function."""
        if depth > MAX_REQUIREMENTS:
            raise DecisionError("The knowledge models require each other in a circle.", resource_id=id_of(element))
        frame = self.frame(element, {}, state, depth)
        own: dict[str, Value] = {}
        function = self.logic(element)(Frame(own, frame, state))
        own[element.get("name") or ""] = function
        return function


def _null(_: Frame) -> Value:
    return None


class Decision:
    """One decision of a model."""

    def __init__(self, room: Room, element: Element) -> None:
        self._room = room
        self.element = element
        self.id: str = element.get("id") or element.get("name") or ""
        self.name: str = element.get("name") or self.id

    @cached_property
    def inputs(self) -> tuple[str, ...]:
        """The names of the input data that it needs, directly or through other decisions."""
        found: dict[str, None] = {}
        pending = [(self._room.document, self.element)]
        visited: set[int] = set()
        while pending:
            document, element = pending.pop()
            for target, required in document.requirements(element):
                if local_name(required) == "inputData":
                    found[required.get("name") or ""] = None
                elif id(required) not in visited:
                    visited.add(id(required))
                    pending.append((target, required))
        return tuple(sorted(found))


class Model:
    """A loaded decision file. Safe to share between threads once loaded."""

    def __init__(self, document: Document, problems: list[Problem] | None = None) -> None:
        self.document = document
        self.room = Room(document, problems)
        self.decisions: dict[str, Decision] = {}
        for element in document.named["decision"].values():
            decision = Decision(self.room, element)
            self.decisions[decision.id] = decision
        self._by_name = {decision.name: decision for decision in self.decisions.values()}
        for namespace, room in self.room.rooms.items():
            for element in room.document.named["decision"].values():
                decision = Decision(room, element)
                self._by_name.setdefault(decision.name, decision)
                self._by_name.setdefault(f"{namespace}#{decision.id}", decision)

    def decision(self, id_or_name: str) -> Decision:
        """Raises NotFound."""
        found = self.decisions.get(id_or_name) or self._by_name.get(id_or_name)
        if found is None:
            raise NotFound(f"There is no decision “{id_or_name}” in this file.", resource_id=id_or_name)
        return found

    def evaluate(self, id_or_name: str, variables: Variables | Mapping[str, Any], env: Environment = EMPTY) -> Outcome:
        """Makes a decision.

        Raises NotFound for an unknown decision, DecisionError when the rules contradict the hit policy or a part is
        not supported, FeelLimitError when the budget is used up.
        """
        decision = self.decision(id_or_name)
        state = Tracing(env)
        return _outcome(state, lambda: decision._room.decide(decision.element, variables, state))

    def invoke(self, id_or_name: str, inputs: Mapping[str, Any], env: Environment = EMPTY) -> Outcome:
        """Calls a decision service; several output decisions come back as one context. Raises as `evaluate` does."""
        element = self.document.named["decisionService"].get(id_or_name)
        if element is None:
            element = self.document.by_id.get(id_or_name)
        if element is None or local_name(element) != "decisionService":
            raise NotFound(f"There is no decision service “{id_or_name}” in this file.", resource_id=id_or_name)
        state = Tracing(env)
        service = Service(self.room, element)
        return _outcome(state, lambda: service.value(inputs, state))


def _outcome(state: Tracing, run: Any) -> Outcome:
    try:
        value = run()
    except NoValue as reason:
        value = None
        state.note(0, reason.reason)
    except RecursionError:
        raise FeelLimitError("This decision is nested too deeply.") from None
    except DecimalException:
        raise FeelTypeError("Only finite numbers can be used in a decision.") from None
    return Outcome(value, state.explanations, state.notes or [])


def load(xml: bytes, *, file: str = "decision.dmn", resolve: Resolve | None = None) -> Model:
    """Reads a decision file. Raises DecisionFileError when it is not DMN or cannot be read safely."""
    return Model(Document(xml, file, resolve))
