"""What the runner of the DMN Technology Compatibility Kit calls: our evaluator behind the kit's adapter interface."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tck_values import Temporal  # type: ignore[import-not-found]  # of the kit

from app.decisions import load as load_model
from app.feel import from_python, kind
from app.feel.expression import Expression, UnaryTests, long_names
from app.feel.temporal_text import iso, parse_date, parse_date_time, parse_duration, parse_time

NAME = "Convenor"
_PARSE = {"date": parse_date, "time": parse_time, "date and time": parse_date_time, "duration": parse_duration}


def to_feel(value: Any) -> Any:
    if isinstance(value, Temporal):
        return _PARSE[value.kind](value.text)
    if isinstance(value, dict):
        return {name: to_feel(entry) for name, entry in value.items()}
    if isinstance(value, list):
        return [to_feel(entry) for entry in value]
    return from_python(value)


def to_kit(value: Any) -> Any:
    name = kind(value)
    if name in ("date", "time", "date and time"):
        return Temporal(name, iso(value))
    if name.endswith("duration"):
        return Temporal("duration", iso(value))
    if name == "context":
        return {key: to_kit(entry) for key, entry in value.items()}
    if name == "list":
        return [to_kit(entry) for entry in value]
    return value


class Fault(Exception):
    """The value is null, and the notes say that this is a mistake."""


def feel(text: str, context: dict[str, Any]) -> Any:
    variables = to_feel(context)
    diagnosis = Expression(text, long_names(variables)).diagnose(variables)
    if diagnosis.value is None and diagnosis.faults:
        raise Fault(diagnosis.faults[0].text)
    return to_kit(diagnosis.value)


def unary(text: str, value: Any, context: dict[str, Any]) -> bool | None:
    variables = to_feel(context)
    return UnaryTests(text, long_names(variables)).matches(to_feel(value), variables)


class Model:
    """A decision file behind the kit's interface."""

    def __init__(self, data: bytes, resolve: Any) -> None:
        self.model = load_model(data, resolve=resolve)

    def evaluate(self, name: str, inputs: dict[str, Any]) -> Any:
        return _value(self.model.evaluate(name, to_feel(inputs)))

    def invoke(self, name: str, inputs: dict[str, Any]) -> Any:
        return _value(self.model.invoke(name, to_feel(inputs)))


def _value(outcome: Any) -> Any:
    if outcome.value is None and outcome.faults:
        raise Fault(outcome.faults[0].text)
    return to_kit(outcome.value)


def load(data: bytes, resolve: Any) -> Model:
    return Model(data, resolve)
