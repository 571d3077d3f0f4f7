"""What holds in every scenario: a completion through a page takes no more statements than it may, whatever it leads to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from app.runtime.accepting import STATEMENTS
from app.store import spending
from app.work import completion


@pytest.fixture(autouse=True)
def no_completion_takes_more(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Asked when each request ends, its commit included."""
    complete, account = completion.complete, spending.account
    completed: list[str] = []
    dearer: dict[str, int] = {}

    def noted(*given: Any, **more: Any) -> Any:
        done = complete(*given, **more)
        completed.append(done.item.element_id)
        return done

    def ended(begins: bool) -> None:
        sent = spending.sent()
        if not begins and sent is not None and len(completed) == 1 and sent > STATEMENTS:
            dearer[completed[0]] = sent
        completed.clear()
        account(begins)

    monkeypatch.setattr(completion, "complete", noted)
    monkeypatch.setattr(spending, "account", ended)
    yield
    assert dearer == {}
