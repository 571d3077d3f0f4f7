"""The form of a task, from the release its instance runs on, and what the form may know."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from app import forms
from app.agencies import parameters
from app.identity.person import Person
from app.runtime import releases
from app.runtime import service as runtime
from app.store.clock import business_now
from app.work.models import WorkItem
from app.work.ports import Provider, ports


@lru_cache(maxsize=512)
def _load(release_key: int, form_id: str) -> forms.Form:
    return forms.load(releases.form(release_key, form_id), f"{form_id}.form")


def form_by_id(release_key: int, form_id: str) -> forms.Form:
    """A form of a release; releases never change, so the parsed form is shared."""
    return _load(release_key, form_id)


def form_of(item: WorkItem) -> forms.Form | None:
    """The task's form; None for a task without one."""
    return _load(item.release_key, item.form_id) if item.form_id else None


class Values(Mapping[str, Any]):
    """What a form may ask for, worked out when it asks and only once."""

    def __init__(self, item: WorkItem, person: Person) -> None:
        self._item, self._person = item, person
        self._known: dict[str, Any] = {}
        self._makers: dict[str, Provider] = {
            **ports.providers,
            "variables": lambda i, _p: runtime.plain_variables(i.instance_key, i.task_id),
            "params": lambda i, _p: parameters.values(i.area_key),
        }

    def __getitem__(self, name: str) -> Any:
        if name not in self._known:
            self._known[name] = self._makers[name](self._item, self._person)
        return self._known[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._makers)

    def __len__(self) -> int:
        return len(self._makers)

    def __contains__(self, name: object) -> bool:
        return name in self._makers


def context_of(item: WorkItem, person: Person) -> forms.Context:
    """What the task's form is told: the time, options to choose from, variables, parameters."""
    return forms.Context(now=business_now(), values=Values(item, person))
