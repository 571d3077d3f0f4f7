"""The registry of providers, and what several of them need."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from app.agencies import service as agencies
from app.cases.dossiers import find_case
from app.identity.person import Person
from app.store.clock import LONDON
from app.work.models import WorkItem

Option = dict[str, Any]
PROVIDERS: dict[str, Callable[[WorkItem, Person], Any]] = {}


def provides(name: str) -> Callable[[Callable[[WorkItem, Person], Any]], Callable[[WorkItem, Person], Any]]:
    """Register a provider under the name that forms use."""

    def add(function: Callable[[WorkItem, Person], Any]) -> Callable[[WorkItem, Person], Any]:
        PROVIDERS[name] = function
        return function

    return add


def in_words(at: datetime | None) -> str:
    """An instant as people say it, London time."""
    if at is None:
        return ""
    local = at.astimezone(LONDON)
    return f"{local.day} {local:%B %Y}, {local:%H:%M}"


def agency_kind(agency_key: int | None) -> str | None:
    return agencies.agency(agency_key).kind if agency_key is not None else None


def meeting_key_of(item: WorkItem) -> int | None:
    if item.meeting_key is not None:
        return item.meeting_key
    return find_case(item.case_key).meeting_key if item.case_key is not None else None
