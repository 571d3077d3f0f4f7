"""Variables of instances, by the scope that has them."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from typing import Any

import orjson

from app.api import drawing, element_instances, listing, seeing
from app.api.attributes import TENANT, Kind, element_from
from app.api.blueprints import Blueprint
from app.api.listing import Listed
from app.api.schemas import SearchQuery, Variables, VariableSchema
from app.errors import NotFound
from app.runtime import elements
from app.runtime.elements import ScopedVariable
from app.runtime.models import Instance

blueprint = Blueprint("variables", "Variables of running processes")

LISTED = Listed.of(
    {
        "name": Kind.TEXT,
        "value": Kind.TEXT,
        "tenantId": Kind.TEXT,
        "isTruncated": Kind.FLAG,
        "variableKey": Kind.ELEMENT,
        "scopeKey": Kind.ELEMENT,
        "processInstanceKey": Kind.KEY,
    },
    ("name", "scopeKey"),
)
_PLACES = 1_000_000


class OneVariable(VariableSchema):
    class Meta:
        exclude = ("isTruncated",)


def drawn(instance_key: int, found: Iterable[ScopedVariable]) -> list[dict[str, Any]]:
    """Variables as the contract has them. A variable's key is its instance's and six digits made of scope and name."""
    taken: set[int] = set()
    told = []
    for each in sorted(found, key=lambda v: (v.scope, v.name)):
        place = zlib.crc32(f"{each.scope}:{each.name}".encode()) % _PLACES
        while place in taken:
            place = (place + 1) % _PLACES
        taken.add(place)
        told.append(
            {
                "value": orjson.dumps(each.value).decode(),
                "isTruncated": False,
                "name": each.name,
                "tenantId": TENANT,
                "variableKey": f"{instance_key}{place:06d}",
                "scopeKey": str(instance_key) if each.scope == 0 else drawing.element_key(instance_key, each.scope),
                "processInstanceKey": str(instance_key),
                "rootProcessInstanceKey": str(instance_key),
            }
        )
    return told


def of_instance(row: Instance) -> list[dict[str, Any]]:
    wf = elements.opened(row)
    return [] if wf is None else drawn(row.key, elements.variables_by_scope(wf))


@blueprint.searching("/variables/search")
@blueprint.arguments(SearchQuery, required=False)
@blueprint.response(200, Variables)
def search_variables(asked: dict[str, Any]) -> dict[str, Any]:
    """Search the variables of the instances that the filter names, for those who may see them."""
    found: list[dict[str, Any]] = []
    for each in element_instances.named_instances(asked):
        try:
            found += of_instance(seeing.variables_of(each)[0])
        except NotFound:
            continue
    return listing.run(found, LISTED, asked)


@blueprint.route("/variables/<key>")
@blueprint.response(200, OneVariable)
def get_variable(key: str) -> dict[str, Any]:
    """Get a variable."""
    unknown = NotFound("There is no such variable.", resource_id=key)
    parts = element_from(key)
    if parts is None:
        raise unknown
    row, _ = seeing.variables_of(str(parts[0]))
    found = next((each for each in of_instance(row) if each["variableKey"] == key), None)
    if found is None:
        raise unknown
    return found
