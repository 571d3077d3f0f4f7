"""The requirement graph of one document, compiled: what each decision needs, and its logic."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from app.decisions.boxed import compile_boxed, compile_function
from app.decisions.building import Builder, Scope, fit
from app.decisions.document import Document
from app.decisions.errors import DecisionError
from app.decisions.services import Service
from app.decisions.tracing import Tracing
from app.decisions.types import Coerce
from app.decisions.xml import Element, child, id_of, local_name, logic_of, variable_type
from app.feel.convert import from_python
from app.feel.frame import MISSING, Frame, Run, Variables
from app.feel.values import Value
from app.problems import Problem

MAX_REQUIREMENTS = 60


@dataclass(frozen=True, slots=True)
class Requirement:
    """One thing that a decision or knowledge model requires.

    :param prefix: the name under which its model is imported; an empty text for the same model.
    """

    kind: str
    name: str
    prefix: str
    room: Room
    element: Element
    coerce: Coerce | None


@dataclass(frozen=True, slots=True)
class Plan:
    """A decision or knowledge model, compiled."""

    key: tuple[str, str]
    name: str
    requirements: list[Requirement]
    run: Run
    coerce: Coerce | None


class Room:
    """One document's compiled elements; imported documents have rooms of their own."""

    def __init__(self, document: Document, problems: list[Problem] | None = None) -> None:
        self.document = document
        self.builder = Builder(document, problems, closed=document.closed)
        self.rooms = {found.namespace: Room(found) for found in document.imports.values()}
        self.extra_scope: dict[str, str] = {}  # variables that are declared outside the model
        self._plans: dict[Element, Plan] = {}

    def room_of(self, document: Document) -> Room:
        return self if document is self.document else self.rooms[document.namespace]

    # ------------------------------------------------------------------------------------------- compiling
    def plan(self, element: Element) -> Plan:
        """The compiled decision or knowledge model."""
        found = self._plans.get(element)
        if found is None:
            found = self._plans[element] = self._compile(element)
        return found

    def _compile(self, element: Element) -> Plan:
        for requirement in self.document.unmet_requirements(element):
            self.builder.report(requirement, "A requirement points to nothing.", "Draw it again, or remove it.")
        requirements = [self._requirement(*found) for found in self.document.requirements(element)]
        scope = dict(self.extra_scope)
        for required in requirements:
            if required.prefix:
                scope[required.prefix] = "context"
            else:
                scope[required.name] = self.declared(required.element)
        name = element.get("name") or id_of(element)
        return Plan(
            (self.document.namespace, element.get("id") or name),
            name,
            requirements,
            self._logic(element, scope),
            self.builder.coercion(element, variable_type(element)),
        )

    def _requirement(self, document: Document, element: Element) -> Requirement:
        room = self.room_of(document)
        prefix = "" if document is self.document else self.document.import_name(document)
        coerce = room.builder.types.coercion(variable_type(element))
        return Requirement(local_name(element), element.get("name") or "", prefix, room, element, coerce)

    def declared(self, element: Element) -> str:
        """The type of what the element gives, for the static check."""
        if local_name(element) in ("businessKnowledgeModel", "decisionService"):
            return "function"
        return self.builder.types.declared(variable_type(element))

    def _logic(self, element: Element, scope: Scope) -> Run:
        if local_name(element) == "businessKnowledgeModel":
            own = {**scope, element.get("name") or "": "function"}  # it may call itself
            body = child(element, "encapsulatedLogic")
            if body is None:
                return self.builder.refused(element, "A knowledge model has no logic.", "Give it a function.")
            return compile_function(self.builder, body, own)
        logic = logic_of(element)
        if logic is None:
            return _null
        return compile_boxed(self.builder, logic, scope, element, self.declared(element))

    # ------------------------------------------------------------------------------------------- evaluation
    def decide(self, element: Element, inputs: Variables, state: Tracing, depth: int = 0) -> Value:
        """The value of a decision; made once in an evaluation."""
        if depth > MAX_REQUIREMENTS:
            raise DecisionError("The decisions require each other in a circle.", resource_id=id_of(element))
        plan = self.plan(element)
        if plan.key in state.made:
            return state.made[plan.key]
        frame = self._frame(plan, inputs, state, depth)
        outer, state.decision = state.decision, plan.name
        value = plan.run(frame)
        if plan.coerce is not None:
            value = fit(frame, value, plan.coerce, f"the decision “{plan.name}”")
        state.decision = outer
        state.made[plan.key] = value
        return value

    def _frame(self, plan: Plan, inputs: Variables, state: Tracing, depth: int) -> Frame:
        """What the logic sees: what it requires, and all variables when the model declares no inputs."""
        root = Frame({} if self.document.closed else inputs, None, state)
        if not plan.requirements:
            return root if not self.document.closed else Frame({}, root, state)
        values: dict[str, Value] = {}
        frame = Frame(values, root, state)
        for required in plan.requirements:
            value = self._required(required, inputs, state, frame, depth)
            if required.prefix:
                values.setdefault(required.prefix, {})[required.name] = value
            else:
                values[required.name] = value
        return frame

    def _required(self, required: Requirement, inputs: Variables, state: Tracing, frame: Frame, depth: int) -> Value:
        if required.kind == "inputData":
            return _input(required, inputs, frame)
        if required.kind == "decision":
            return required.room.decide(required.element, inputs, state, depth + 1)
        if required.kind == "businessKnowledgeModel":
            return required.room.knowledge(required.element, state, depth + 1)
        return Service(required.room, required.element).function(state, depth + 1)

    def knowledge(self, element: Element, state: Tracing, depth: int) -> Value:
        """A knowledge model as a function."""
        if depth > MAX_REQUIREMENTS:
            raise DecisionError("The knowledge models require each other in a circle.", resource_id=id_of(element))
        plan = self.plan(element)
        frame = self._frame(plan, {}, state, depth)
        own: dict[str, Value] = {}
        own[plan.name] = plan.run(Frame(own, frame, state))
        return own[plan.name]


def _null(_: Frame) -> Value:
    return None


def _input(required: Requirement, inputs: Variables, frame: Frame) -> Value:
    """An input's value, converted to its type."""
    value = MISSING
    if required.prefix:
        nested = inputs.get(required.prefix, MISSING)
        if isinstance(nested, Mapping):
            value = nested.get(required.name, MISSING)
    if value is MISSING:
        value = inputs.get(required.name, MISSING)
    if value is MISSING:
        frame.state.note(0, f"The input “{required.name}” was not given.", fault=False)
        return None
    return fit(frame, from_python(value), required.coerce, f"the input “{required.name}”")
