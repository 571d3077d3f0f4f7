"""What each completion through a page sends to the database, by the elements of the diagrams that were completed.

What follows a completion in a job of its own is another transaction, in another thread, and is counted apart.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from flask import Flask
from sqlalchemy import event

from app.store.database import db
from app.work import completion, research


def belongs(statement: str) -> bool:
    """Whether a statement is one of the request's.

    The beginning of a transaction is part of its commit. Now and then a demo's process looks how far its clock has been moved, in whatever
    request comes next.
    """
    return not statement.startswith(("BEGIN", "SELECT clock_offset"))


def is_prompt() -> bool:
    """Whether this is the thread of a job that begins when its request has committed."""
    return threading.current_thread().name == "promptly"


class Costs:
    """The dearest completion of each element: statements and commits of its whole request. The beginning of a transaction is part of
    its commit.

    :ivar following: the statements of the dearest job that has followed a completion of the element.
    """

    def __init__(self) -> None:
        self.statements: dict[str, list[str]] = {}
        self.commits: dict[str, int] = {}
        self.following: dict[str, list[str]] = {}
        self._afterwards: list[str] = []
        self._sent: list[str] = []
        self._ended = 0
        self._done: list[str] = []

    def request(self, answer: Callable[[], Any]) -> Any:
        """Count what one request sends."""
        self._sent, self._ended, self._done, self._afterwards = [], 0, [], []
        try:
            return answer()
        finally:
            if len(self._done) == 1:  # a sheet that answers several tasks at once is several completions
                (element,) = self._done
                self.commits[element] = max(self._ended, self.commits.get(element, 0))
                if len(self._sent) > len(self.statements.get(element, ())):
                    self.statements[element] = self._sent
                if len(self._afterwards) > len(self.following.get(element, ())):
                    self.following[element] = self._afterwards

    def sent(self, _connection: Any, _cursor: Any, text: str, *_: Any) -> None:
        if belongs(text):
            (self._afterwards if is_prompt() else self._sent).append(" ".join(text.split())[:120])

    def ended(self, _connection: Any) -> None:
        self._ended += not is_prompt()

    def counting(self, complete: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*args: Any, **more: Any) -> Any:
            done = complete(*args, **more)
            self._done.append(done.item.element_id)
            return done

        return counted


@contextmanager
def counted(app: Flask) -> Iterator[Costs]:
    """Count the completions of an application's requests."""
    costs = Costs()
    answer, complete = app.wsgi_app, completion.complete
    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", costs.sent)
    event.listen(engine, "commit", costs.ended)
    completion.complete = research.complete = costs.counting(complete)  # type: ignore[assignment, attr-defined]
    app.wsgi_app = lambda *about: costs.request(lambda: answer(*about))  # type: ignore[method-assign]
    try:
        yield costs
    finally:
        app.wsgi_app = answer  # type: ignore[method-assign]
        completion.complete = research.complete = complete  # type: ignore[attr-defined]
        event.remove(engine, "before_cursor_execute", costs.sent)
        event.remove(engine, "commit", costs.ended)
