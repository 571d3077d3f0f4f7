"""Reading JSON bodies from outside: what no table, no engine and no other tool could take is refused at the door."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from typing import Any, NoReturn

from flask import Request
from webargs import core
from webargs.flaskparser import FlaskParser, is_json_request
from werkzeug.exceptions import RequestEntityTooLarge, UnsupportedMediaType

from app.errors import Invalid

MAX_DEPTH = 50
MAX_BYTES = 4_000_000  # files come as multipart form data, and have a limit of their own
NOT_UTF_8 = "The body is not UTF-8."
TOO_DEEP = f"The body nests more than {MAX_DEPTH} deep."
TOO_LARGE = "The body holds a number that is too large."
_SURROGATE = re.compile("[\ud800-\udfff]")


class Parser(FlaskParser):
    """A request of the wrong shape is a bad request (400), as the contract has it."""

    DEFAULT_VALIDATION_STATUS = 400

    def _raw_load_json(self, req: Request) -> Any:
        data = req.get_data(cache=True)
        if is_json_request(req):
            if len(data) > MAX_BYTES:
                raise RequestEntityTooLarge
            return parse(data)
        if data:  # what is sent as something else is never taken for nothing
            raise UnsupportedMediaType
        return core.missing

    def _handle_invalid_json_error(
        self, error: json.JSONDecodeError | UnicodeDecodeError, req: Request, *_args: Any, **_more: Any
    ) -> NoReturn:
        raise Invalid(getattr(error, "msg", NOT_UTF_8))


def parse(data: bytes) -> Any:
    """JSON as RFC 8259 has it: no NaN or infinity, no lone surrogate, no null character, no name twice, not too deep.

    :raises json.JSONDecodeError: it is something else; the message is a sentence.
    """
    try:
        text = data.decode()
        found = json.loads(text, parse_constant=_refuse, parse_float=_number, object_pairs_hook=_object)
        _check(found, 0)
    except json.JSONDecodeError as error:
        said = f"The body is not JSON: it cannot be read from line {error.lineno}, column {error.colno}."
        raise json.JSONDecodeError(said, error.doc, error.pos) from None
    except UnicodeDecodeError:
        raise json.JSONDecodeError(NOT_UTF_8, "{}", 0) from None
    except RecursionError:
        raise json.JSONDecodeError(TOO_DEEP, "{}", 0) from None
    except _Unacceptable as error:
        raise json.JSONDecodeError(str(error), "{}", 0) from None
    except ValueError:  # Python reads no whole number of thousands of digits
        raise json.JSONDecodeError(TOO_LARGE, "{}", 0) from None
    return found


class _Unacceptable(ValueError):
    """What JSON allows, or Python would, and nothing here could keep. The message is a sentence."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        twice = next(name for name, times in Counter(name for name, _ in pairs).items() if times > 1)
        raise _Unacceptable(f"The body names {twice[:100]!r} twice in one object.")
    return found


def _refuse(constant: str) -> NoReturn:
    raise _Unacceptable(f"The body holds {constant}, which JSON does not have.")


def _number(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise _Unacceptable(TOO_LARGE)
    return value


def _check(value: Any, depth: int) -> None:
    """:raises _Unacceptable: too deep, or text that cannot be stored."""
    if depth > MAX_DEPTH:
        raise _Unacceptable(TOO_DEEP)
    if isinstance(value, str):
        if "\0" in value or _SURROGATE.search(value):
            raise _Unacceptable(
                "The body holds a text with the null character or half of a character, which cannot be kept."
            )
    elif isinstance(value, dict):
        for name, inner in value.items():
            _check(name, depth)
            _check(inner, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            _check(inner, depth + 1)
