"""The explanation of a decision: which rules matched, with which inputs."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from app.feel.frame import Environment, Note, State
from app.feel.values import Value


@dataclass(frozen=True, slots=True)
class MatchedRule:
    """A rule that matched: its number from 1, its id, and what its annotations say."""

    index: int
    id: str
    annotations: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Explanation:
    """How one table came to its result.

    :param inputs: the values of the input columns, by their labels.
    :param decision: the name of the decision that was being made.
    """

    table_id: str
    rules: tuple[MatchedRule, ...]
    inputs: dict[str, Value]
    outputs: Value
    decision: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a decision came to, why, and the reasons for nulls on the way."""

    value: Value
    explanation: list[Explanation] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)

    @property
    def faults(self) -> list[Note]:
        """The notes about mistakes, as against values that are not there."""
        return [note for note in self.notes if note.fault]


class Tracing(State):
    """An evaluation's state that also collects explanations and remembers decisions already made."""

    __slots__ = ("decision", "explanations", "made")

    def __init__(self, env: Environment) -> None:
        super().__init__(env, [])
        self.explanations: list[Explanation] = []
        self.decision = ""
        self.made: dict[tuple[str, str], Value] = {}

    def explain(self, explanation: Explanation) -> None:
        if len(self.explanations) < 1_000:
            self.explanations.append(replace(explanation, decision=self.decision))
