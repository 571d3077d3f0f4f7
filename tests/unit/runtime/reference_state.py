"""What the reference model remembers of one instance."""

from __future__ import annotations

import pickle
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

LIMIT = 500


class TooManyStates(Exception):
    """The order of parallel branches matters too much here to follow all of them."""


@dataclass(slots=True)
class Scope:
    """A level at work.

    :ivar owner: the activity that it is the inside of.
    """

    level: str
    owner: str
    frame: str


@dataclass(slots=True)
class Act:
    """An activity, a waiting event or an event-based gateway that holds a token.

    :ivar body: the multi-instance activity that this is one instance of, and its ``index``.
    :ivar count: of a multi-instance activity: instances in all, begun, finished.
    :ivar stuck: an error that nobody catches: for a person to mend.
    :ivar fired: an event that has come, with what it brought; it has not gone on yet. Of a gateway, it is the event
        ``then``.
    :ivar own: the frames that end with it.
    """

    node: str
    scope: str
    frame: str
    body: str = ""
    index: int = 0
    count: list[int] = field(default_factory=list)
    stuck: bool = False
    fired: dict[str, Any] | None = None
    then: str = ""
    own: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Wait:
    """An armed event.

    :ivar act: who holds the token, or whose boundary it is at; empty for the start of an event sub-process.
    """

    event: str
    scope: str
    act: str
    due: int | None = None
    left: int = 0


class State:
    """One possible state of an instance. The ids of things do not tell in which order they came to be."""

    __slots__ = ("acts", "done", "frames", "now", "over", "scopes", "sent", "tokens", "waits")

    def __init__(self) -> None:
        self.now = 0
        self.over = False
        self.tokens: Counter[tuple[str, str]] = Counter()
        self.scopes: dict[str, Scope] = {}
        self.acts: dict[str, Act] = {}
        self.waits: dict[str, Wait] = {}
        self.frames: dict[str, tuple[str, dict[str, Any]]] = {}
        self.done: Counter[str] = Counter()
        self.sent: Counter[str] = Counter()

    def copy(self) -> State:
        made: State = pickle.loads(pickle.dumps(self, -1))
        return made

    def key(self) -> bytes:
        parts: list[Any] = [self.now, self.over]
        for table in (self.tokens, self.done, self.sent):
            parts.append(sorted(item for item in table.items() if item[1]))
        tables: tuple[dict[str, Any], ...] = (self.scopes, self.acts, self.waits)
        for things in tables:
            parts.append([(i, [getattr(x, n) for n in x.__slots__]) for i, x in sorted(things.items())])
        parts.append([(i, parent, sorted(values.items())) for i, (parent, values) in sorted(self.frames.items())])
        return repr(parts).encode()

    def fresh(self, table: dict[str, Any], base: str) -> str:
        number = 0
        while f"{base}#{number}" in table:
            number += 1
        return f"{base}#{number}"

    # ---- variables
    def frame(self, parent: str, base: str, values: dict[str, Any]) -> str:
        name = self.fresh(self.frames, base)
        self.frames[name] = (parent, values)
        return name

    def visible(self, frame: str) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while frame:
            parent, values = self.frames[frame]
            found = {**values, **found}
            frame = parent
        return found

    def write(self, frame: str, values: dict[str, Any]) -> None:
        for name, value in values.items():
            at = frame
            while name not in self.frames[at][1] and self.frames[at][0]:
                at = self.frames[at][0]
            self.frames[at][1][name] = value
