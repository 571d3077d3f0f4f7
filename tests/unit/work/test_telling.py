"""Who is told of a task that waits for them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, cast

import pytest

from app import wiring
from app.runtime import service as runtime
from app.store.clock import as_of, business_now
from app.work import mirror
from app.work.models import WorkItem


def test_the_next_step_of_what_one_does_needs_no_mail_unless_it_comes_late(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Any] = []
    monkeypatch.setattr(wiring, "_tell", lambda _template, _item, users, **_how: told.append(users))
    monkeypatch.setattr(mirror, "just_opened", lambda _item: True)
    monkeypatch.setattr(runtime, "acting", lambda: 5)
    item = cast(WorkItem, type("Item", (), {"form_id": "", "key": 1}))
    notifier = wiring._Notifier()
    notifier.assigned(item, [5])
    with as_of(business_now() - timedelta(seconds=10)):
        notifier.assigned(item, [5])
    assert told == []
    notifier.assigned(item, [6])
    with as_of(business_now() - timedelta(hours=2)):
        notifier.assigned(item, [5])
    assert told == [[6], [5]]
