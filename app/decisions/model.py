"""A decision model, ready to decide."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import DecimalException
from functools import cached_property
from typing import Any

from app.decisions.document import Document, Resolve
from app.decisions.rooms import Room
from app.decisions.services import Service
from app.decisions.tracing import Explanation, MatchedRule, Outcome, Tracing
from app.decisions.xml import Element, descendants, local_name, text_of
from app.errors import NotFound
from app.feel import EMPTY, Environment, FeelError, FeelLimitError, FeelTypeError, compile_expression
from app.feel.frame import NoValue, Variables
from app.problems import Problem

__all__ = ["Decision", "Explanation", "MatchedRule", "Model", "Outcome", "load"]


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

    @cached_property
    def reads(self) -> tuple[str, ...]:
        """The variables that it reads: its input data or, in a model without any, what the heads of its own columns name."""
        if self._room.document.closed:
            return self.inputs
        found: set[str] = set()
        for column in descendants(self.element, "inputExpression"):
            try:
                found |= compile_expression(text_of(column), self._room.document.long_names).free_names()
            except FeelError:
                continue  # the check reports it
        required = {element.get("name") for _, element in self._room.document.requirements(self.element)}
        return tuple(sorted(found - required - {"params"}))


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
