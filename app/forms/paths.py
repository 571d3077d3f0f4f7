"""Finding a place in answers. A path is a tuple of keys; a row of a repeating group is found by its `_row`."""

from __future__ import annotations

from typing import Any

from app.forms.posted import Answers

ROW = "_row"
ITEM = "_item"
LAST_ROW = "_lastRow"
LABELS = "_labels"


def find(data: Any, path: tuple[str, ...]) -> Any:
    """What is at a path, or None."""
    for step in path:
        if isinstance(data, dict):
            data = data.get(step)
        elif isinstance(data, list):
            data = row_of(data, step)
        else:
            return None
    return data


def row_of(rows: list[Any], identity: str) -> dict[str, Any] | None:
    """The row of that identity, or None."""
    return next((row for row in rows if isinstance(row, dict) and row.get(ROW) == identity), None)


def has(data: Any, path: tuple[str, ...]) -> bool:
    """Whether there is anything at a path, null included."""
    around = find(data, path[:-1]) if len(path) > 1 else data
    return isinstance(around, dict) and path[-1] in around


def put(data: Answers, path: tuple[str, ...], value: Any) -> None:
    """Set what is at a path, making the groups on the way. A row that does not exist is not made: the answer is dropped."""
    here: Any = data
    for step in path[:-1]:
        if isinstance(here, list):
            here = row_of(here, step)
            if here is None:
                return
        else:
            found = here.get(step)
            if not isinstance(found, dict | list):
                found = here[step] = {}
            here = found
    if isinstance(here, dict):
        here[path[-1]] = value


def new_row(answers: Answers) -> dict[str, Any]:
    """An empty row with an identity that was never used in these answers."""
    last = answers.get(LAST_ROW)
    number = max(last if isinstance(last, int) else 0, _highest(answers)) + 1
    answers[LAST_ROW] = number
    return {ROW: str(number)}


def _highest(data: Any) -> int:
    if isinstance(data, list):
        return max((_highest(entry) for entry in data), default=0)
    if not isinstance(data, dict):
        return 0
    own = data.get(ROW)
    here = int(own) if isinstance(own, str) and own.isascii() and own.isdigit() and len(own) < 10 else 0
    return max([here, *(_highest(entry) for entry in data.values())])
