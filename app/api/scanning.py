"""Searches of what is inside instances: which of them are looked into, for a person and a filter.

What an instance holds is in no table, so that it is opened. The filter narrows which are opened, in SQL and within what the person may
see; more than a few thousand are refused. Whoever may not look inside an instance finds nothing of it, and nothing of it is counted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask import g
from sqlalchemy import ColumnElement, and_, false, select, true, tuple_

from app.access import decide
from app.access.facts import AreaFacts
from app.access.permissions import Permission
from app.api import inside, listing, seeing
from app.api.attributes import Kind
from app.api.blueprints import caller
from app.api.errors import SearchRefused
from app.api.parts import parts_from
from app.api.seeing import Row
from app.errors import NotAllowed
from app.runtime.models import Incident, Instance, InstanceStatus
from app.store.database import db
from app.store.keys import key_in, split
from app.work.models import WorkItem

MOST = 2_000
_TOO_MANY = (
    f"That would look into more than {MOST} instances. Narrow the filter: "
    "processInstanceKey, processDefinitionKey, state ACTIVE, hasIncident."
)
_KEYS_INSIDE = ("elementInstanceKey", "elementInstanceScopeKey", "scopeKey", "variableKey")
_VARIABLE = listing.Listed.of({"name": Kind.TEXT, "value": Kind.TEXT}, ("name",))
_ELEMENT_NAMES = {
    "elementId": "elementId",
    "elementInstanceState": "state",
    "hasElementInstanceIncident": "hasIncident",
}
INSTANCE_FILTERS = frozenset((*_ELEMENT_NAMES, "variables"))
TASK_FILTERS = frozenset(("processInstanceVariables", "localVariables", "tags"))


# ------------------------------------------------------------------------------------------------ which are opened
def for_search(asked: Mapping[str, Any], permission: Permission, *, running: bool = False) -> list[Row]:
    """The instances that a search looks into.

    :param running: only those that have not ended.
    :raises SearchRefused: they are too many. :raises NotAllowed: it names one that the person may see and not look into.
    """
    wanted = asked.get("filter") or {}
    query = seeing.visible(caller()).order_by(Instance.key)
    named = _named(asked)
    if named is not None:
        query = query.where(Instance.key.in_(named))
    definitions = listing.named(asked, "processDefinitionKey")
    if definitions is not None:
        query = query.where(Instance.definition_key.in_(_keys(definitions)))
    incidents = listing.named(asked, "incidentKey")
    if incidents is not None:
        query = query.where(Instance.key.in_(select(Incident.instance_key).where(Incident.key.in_(_keys(incidents)))))
    if wanted.get("hasIncident") is True:
        query = query.where(Instance.has_incident)
    if running or listing.named(asked, "state") == ["ACTIVE"]:
        query = query.where(Instance.status == InstanceStatus.ACTIVE)
    rows = _limited(query)
    found = seeing.open_to(caller(), rows, permission)
    if named is not None and len(named) == 1 and rows and not found:
        row, _ = rows[0]
        if row.case_key is not None or row.meeting_key is not None:
            raise NotAllowed("You may not see what is inside this procedure.", resource_id=str(row.key))
    return found


def _limited(query: Any) -> list[Row]:
    rows = [(row, definition) for row, definition in db.session.execute(query.limit(MOST + 1))]
    if len(rows) > MOST:
        raise SearchRefused(_TOO_MANY, resource_id="processInstanceKey")
    return rows


def _named(asked: Mapping[str, Any]) -> list[int] | None:
    """The instances that the filter names, by their own keys or by those of what is inside them; None when it names none."""
    found: set[int] | None = None
    for name in ("processInstanceKey", "rootProcessInstanceKey", *_KEYS_INSIDE):
        given = listing.named(asked, name)
        if given is None:
            continue
        keys = {whole for whole, _ in parts_from(given).values()} if name in _KEYS_INSIDE else set(_keys(given))
        found = keys if found is None else found & keys
    return None if found is None else sorted(found)


def _keys(given: Sequence[str]) -> list[int]:
    """What is no key names nothing; the filter itself refuses it."""
    return [key for each in given if (key := key_in(each)) is not None]


def answer(
    items: Sequence[Mapping[str, Any]], rows: Sequence[Row], listed: listing.Listed, asked: Mapping[str, Any], what: str
) -> dict[str, Any]:
    """The body of the response. Recorded is the look into every case and meeting of which something was found, or that was named."""
    matching = listing.matching(items, listed, asked)
    shown = {item["processInstanceKey"] for item in matching}
    named = _named(asked) is not None
    seeing.looked_into([row for row, _ in rows if named or str(row.key) in shown], what)
    return listing.ordered(matching, listed, asked)


# ------------------------------------------------------------------------------------------------ filters by what is inside
def telling_where(condition: ColumnElement[bool], others: Sequence[ColumnElement[bool]]) -> ColumnElement[bool]:
    """A condition that tells where an instance has stopped: for those who see incidents as it is, for everybody else of the instances that
    they may look into.

    :param others: what else the filter asks.
    """
    person = caller()
    if decide.allowed(person, Permission.INCIDENT_READ, AreaFacts(person.area_key)):
        return condition
    rows = _limited(seeing.visible(person).where(*others, condition).order_by(Instance.key))
    found = [row for row, _ in seeing.open_to(person, rows, Permission.INSTANCE_READ)]
    seeing.looked_into(found, "path")
    return Instance.key.in_([row.key for row in found])


def holding(wanted: Mapping[str, Any], others: Sequence[ColumnElement[bool]]) -> ColumnElement[bool]:
    """A filter of instances by the elements and variables in them, as a condition.

    :param wanted: of :data:`INSTANCE_FILTERS`.
    :param others: what else the filter asks: only instances that fit it are opened.
    """
    query = seeing.visible(caller()).where(*others).order_by(Instance.key)
    keys: set[int] | None = None
    if "variables" in wanted:
        keys = {row.key for row, _ in _with_variables(query, "variables", wanted["variables"])}
    of_elements = {_ELEMENT_NAMES[name]: given for name, given in wanted.items() if name in _ELEMENT_NAMES}
    if of_elements:
        rows = seeing.open_to(caller(), _limited(query), Permission.INSTANCE_READ)
        drawn = listing.matching(_drawn(rows), inside.ELEMENTS, {"filter": of_elements}, called=_CALLED)
        found = {int(each["processInstanceKey"]) for each in drawn if each["type"] != "PROCESS"}
        seeing.looked_into([row for row, _ in rows if row.key in found], "path")
        keys = found if keys is None else keys & found
    return Instance.key.in_(keys or ())


_CALLED = {inner: outer for outer, inner in _ELEMENT_NAMES.items()}


def holding_variables(wanted: Mapping[str, Any], others: Sequence[ColumnElement[bool]]) -> ColumnElement[bool]:
    """A filter of tasks by the variables of their instances, or by those of the task's own scope, as a condition.

    :param wanted: of :data:`TASK_FILTERS`.
    :param others: what else the filter asks, of tasks.
    """
    of_tasks = select(WorkItem.instance_key).where(*others)
    query = seeing.visible(caller()).where(Instance.key.in_(of_tasks)).order_by(Instance.key)
    found: list[ColumnElement[bool]] = []
    if "tags" in wanted:
        found.append(tagged(wanted["tags"]))
    if "processInstanceVariables" in wanted:
        rows = _with_variables(query, "processInstanceVariables", wanted["processInstanceVariables"], own=True)
        found.append(WorkItem.instance_key.in_([row.key for row, _ in rows]))
    if "localVariables" in wanted:
        scopes = _scopes_with(query, "localVariables", wanted["localVariables"])
        pairs = [scope for scope in scopes if scope[1] != 0]
        found.append(tuple_(WorkItem.instance_key, WorkItem.task_id).in_(pairs) if pairs else false())
    return and_(*found)


def tagged(given: Any) -> ColumnElement[bool]:
    """Nothing has tags here: whoever asks for some finds nothing."""
    if not isinstance(given, list) or not all(isinstance(each, str) for each in given):
        raise SearchRefused("tags must be a list of strings.", resource_id="tags")
    return false() if given else true()


def _with_variables(query: Any, name: str, given: Any, *, own: bool = False) -> list[Row]:
    """The instances that hold every variable that is asked for. :param own: only those of the process itself count."""
    asked = _asked_variables(name, given)
    rows = seeing.open_to(caller(), _limited(query), Permission.ENGINE_VARIABLE_READ)
    found = []
    for row, definition in rows:
        held = [each for each in _variables(row) if not own or each["scopeKey"] == str(row.key)]
        if all(listing.matching(held, _VARIABLE, {"filter": one}) for one in asked):
            found.append((row, definition))
    seeing.looked_into([row for row, _ in found], "variables")
    return found


def _scopes_with(query: Any, name: str, given: Any) -> set[tuple[int, int]]:
    """The scopes, instance and task, that hold every variable that is asked for."""
    asked = _asked_variables(name, given)
    found: set[tuple[int, int]] = set()
    rows = seeing.open_to(caller(), _limited(query), Permission.ENGINE_VARIABLE_READ)
    for row, _ in rows:
        held = _variables(row)
        each_of = [{v["scopeKey"] for v in listing.matching(held, _VARIABLE, {"filter": one})} for one in asked]
        for scope in set.intersection(*each_of):
            found.add((row.key, 0 if scope == str(row.key) else split(int(scope))[1]))
    keys = {key for key, _ in found}
    seeing.looked_into([row for row, _ in rows if row.key in keys], "variables")
    return found


def _asked_variables(name: str, given: Any) -> list[dict[str, Any]]:
    """:raises SearchRefused: it is no list of names and values."""
    refused = SearchRefused(f"{name} must be a list of variables, each with a name and a value.", resource_id=name)
    if not isinstance(given, list) or not 1 <= len(given) <= 20:
        raise refused
    for each in given:
        if not isinstance(each, Mapping) or set(each) != {"name", "value"} or not isinstance(each["name"], str):
            raise refused
        listing.matching((), _VARIABLE, {"filter": dict(each)})
    return [dict(each) for each in given]


# A filter may ask the same instances several times; they are opened once in a request.
def _drawn(rows: Sequence[Row]) -> list[dict[str, Any]]:
    known: dict[int, list[dict[str, Any]]] = g.setdefault("convenor_elements", {})
    for each in inside.elements_of([(row, of) for row, of in rows if row.key not in known]):
        known.setdefault(int(each["processInstanceKey"]), []).append(each)
    return [each for row, _ in rows for each in known[row.key]]


def _variables(row: Instance) -> list[dict[str, Any]]:
    known: dict[int, list[dict[str, Any]]] = g.setdefault("convenor_variables", {})
    if row.key not in known:
        known[row.key] = inside.variables_of(row)
    return known[row.key]
