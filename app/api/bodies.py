"""Reading JSON bodies from outside: what no table, no engine and no other tool could take is refused at the door."""

from __future__ import annotations

import json
import math
from typing import Any, NoReturn

from flask import Request
from webargs import core
from webargs.flaskparser import FlaskParser, is_json_request
from werkzeug.exceptions import UnsupportedMediaType

MAX_DEPTH = 50


class Parser(FlaskParser):
    """A request of the wrong shape is a bad request (400), as the contract has it."""

    DEFAULT_VALIDATION_STATUS = 400

    def _raw_load_json(self, req: Request) -> Any:
        data = req.get_data(cache=True)
        if is_json_request(req):
            return parse(data)
        if data:  # what is sent as something else is never taken for nothing
            raise UnsupportedMediaType
        return core.missing


def parse(data: bytes) -> Any:
    """JSON as RFC 8259 has it: no NaN or infinity, no lone surrogate, no null character, no name twice, not too deep.

    :raises json.JSONDecodeError: it is something else.
    """
    try:
        text = data.decode()
        found = json.loads(text, parse_constant=_refuse, parse_float=_number, object_pairs_hook=_object)
        _check(found, 0)
    except json.JSONDecodeError:
        raise
    except (ValueError, RecursionError):
        raise json.JSONDecodeError("not acceptable", "{}", 0) from None
    return found


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name twice")
    return found


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)


def _number(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(text)
    return value


def _check(value: Any, depth: int) -> None:
    """:raises ValueError: too deep, or text that cannot be stored."""
    if depth > MAX_DEPTH:
        raise ValueError("too deep")
    if isinstance(value, str):
        if "\0" in value:
            raise ValueError("null character")
        value.encode()  # a lone surrogate is a ValueError
    elif isinstance(value, dict):
        for name, inner in value.items():
            _check(name, depth)
            _check(inner, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            _check(inner, depth + 1)
