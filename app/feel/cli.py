"""`convenor feel 'EXPR' --with '{…}'`: an expression, evaluated and explained for a person at a terminal."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from app.feel.errors import FeelError, FeelTypeError, line_and_column
from app.feel.expression import Expression, long_names
from app.feel.frame import EMPTY, Environment, State
from app.feel.functions.conversion import text_of
from app.feel.values import Value, kind


def explain(expr: str, with_json: str = "{}", env: Environment = EMPTY) -> str:
    """What `told` tells, whether or not there was a value."""
    return told(expr, with_json, env)[0]


def told(expr: str, with_json: str = "{}", env: Environment = EMPTY) -> tuple[str, bool]:
    """The value, its type, the variables that were read, and why what is null is null; or what is wrong. And whether there
    was a value, null included.

    :param with_json: the variables, as a JSON object. Numbers keep their digits.
    """
    try:
        variables = _variables(with_json)
        expression = Expression(expr, long_names(variables))
        diagnosis = expression.diagnose(variables, env)
        lines = [f"{show(diagnosis.value)}    ({kind(diagnosis.value)})"]
        if diagnosis.seen:
            lines += ["", "It read:"]
            lines += [f"  {name} = {show(value)}" for name, value in diagnosis.seen.items()]
    except FeelError as error:
        return str(error), False
    if diagnosis.notes:
        lines += ["", "Notes:"]
        for note in diagnosis.notes:
            line, column = line_and_column(expr, note.position)
            lines.append(f"  line {line}, column {column}: {note.text}")
    return "\n".join(lines), True


def show(value: Value) -> str:
    """A value as FEEL writes it."""
    return text_of(State(EMPTY), value, nested=True)


def _variables(text: str) -> dict[str, Any]:
    try:
        data = json.loads(text, parse_float=Decimal, parse_int=Decimal)
    except ValueError as error:
        raise FeelTypeError(f"The variables are not JSON: {error}") from None
    if not isinstance(data, dict):
        raise FeelTypeError('The variables must be a JSON object, such as {"riskTicks": 15}.')
    return data
