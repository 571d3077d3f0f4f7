"""Acting as demo people: finding a person's task and completing it with answers, through the same verbs as the pages."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import select

from app import forms
from app.access.permissions import Permission
from app.errors import NotFound
from app.identity import register
from app.identity.person import Person
from app.store.clock import wall_now
from app.store.database import db
from app.work import completion, items
from app.work.eligibility import allowed
from app.work.errors import AnswersRefused
from app.work.forms import context_of, form_of
from app.work.models import ItemState, WorkItem

Change = Any


def person(username: str) -> Person:
    """A demo person, freshly signed in."""
    user = register.find_user(username)
    if user is None:
        raise NotFound("There is no such demo person.", resource_id=username)
    found = register.person_for(user.key)
    return Person(
        found.key, found.username, found.name, found.agency_key, found.area_key, found.roles, auth_time=wall_now()
    )


def open_items(who: Person, element_id: str, case_key: int | None = None) -> list[WorkItem]:
    """Open tasks of an element that the person may complete, oldest first."""
    query = select(WorkItem).where(WorkItem.element_id == element_id, WorkItem.state == ItemState.OPEN)
    if case_key is not None:
        query = query.where(WorkItem.case_key == case_key)
    rows = db.session.execute(query.order_by(WorkItem.key)).scalars()
    return [row for row in rows if row.assignee == who.key or allowed(who, Permission.WORK_ITEM_CLAIM, row)]


class _Nothing:
    """A page posted with nothing on it: the form makes its fixed rows and nothing is taken."""

    def get(self, key: str, default: Any = None) -> Any:
        return default

    def getlist(self, _key: str) -> list[str]:
        return []


def filled(item: WorkItem, who: Person, changes: Mapping[str, Change]) -> dict[str, Any]:
    """The form's first answers (prefilled, fixed rows made) with changes laid over them.

    A change that is a function is called with what stands there; a dictionary is laid over a dictionary.
    """
    form = form_of(item)
    if form is None:
        return dict(changes)
    context = context_of(item, who)
    plain = {name: change for name, change in changes.items() if not callable(change)}
    known = {name: value for name, value in forms.start(form, context).items() if not name.startswith("_")}
    answers = forms.answers_from_variables(form, _laid(known, plain))
    answers = forms.take(form, 0, _Nothing(), {}, answers, context)
    return _laid(answers, {name: change for name, change in changes.items() if callable(change)})


def _laid(base: Any, changes: Mapping[str, Change]) -> dict[str, Any]:
    found = dict(base) if isinstance(base, Mapping) else {}
    for name, change in changes.items():
        if callable(change):
            found[name] = change(found.get(name))
        elif isinstance(change, Mapping) and isinstance(found.get(name), Mapping):
            found[name] = _laid(found[name], change)
        else:
            found[name] = change
    return found


def known_of(row: Mapping[str, Any]) -> Mapping[str, Any]:
    """What is known of a fixed row: the entry it comes from."""
    item = row.get("_item")
    return item if isinstance(item, Mapping) else row


def each_row(**changes: Change) -> Callable[[Any], list[dict[str, Any]]]:
    """For fixed rows: the same changes on every row. A change that is a function is called with the row."""

    def lay(rows: Any) -> list[dict[str, Any]]:
        return [
            {**row, **{name: value(row) if callable(value) else value for name, value in changes.items()}}
            for row in rows or []
        ]

    return lay


def do(
    username: str, element_id: str, changes: Mapping[str, Change] | None = None, *, case_key: int | None = None
) -> WorkItem:
    """Complete a person's oldest open task of an element.

    :raises NotFound: they have none. :raises AnswersRefused: the answers do not pass, listed.
    """
    who = person(username)
    found = open_items(who, element_id, case_key)
    if not found:
        raise NotFound(f"{username} has no open task {element_id}.", resource_id=element_id)
    item = items.claim(found[0].key, who)
    try:
        completion.complete(item.key, who, filled(item, who, changes or {}))
    except AnswersRefused as error:
        details = "; ".join(f"{anchor}: {message}" for anchor, message in error.errors)
        raise AnswersRefused([("", details)], resource_id=f"{element_id}") from None
    return item
