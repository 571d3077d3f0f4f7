"""Variables of instances, by the scope that has them."""

from __future__ import annotations

from typing import Any

from app.access.permissions import Permission
from app.api import inside, scanning, seeing
from app.api.blueprints import Blueprint
from app.api.parts import part_from
from app.api.schemas import SearchQuery, Variables, VariableSchema
from app.api.values import ValuesAsked, told
from app.errors import NotFound

blueprint = Blueprint("variables", "Variables of running processes")


class OneVariable(VariableSchema):
    class Meta:
        exclude = ("isTruncated",)


@blueprint.searching("/variables/search")
@blueprint.arguments(SearchQuery, required=False)
@blueprint.arguments(ValuesAsked, location="query")
@blueprint.response(200, Variables)
def search_variables(asked: dict[str, Any], how: dict[str, Any]) -> dict[str, Any]:
    """Search variables, of instances whose variables the person may see."""
    rows = scanning.for_search(asked, Permission.ENGINE_VARIABLE_READ)
    found = [each for row, _ in rows for each in inside.variables_of(row)]
    return told(scanning.answer(found, rows, inside.VARIABLES, asked, "variables"), how)


@blueprint.route("/variables/<key>")
@blueprint.response(200, OneVariable)
def get_variable(key: str) -> dict[str, Any]:
    """Get a variable."""
    unknown = NotFound("There is no such variable.", resource_id=key)
    parts = part_from(key)
    if parts is None:
        raise unknown
    row, _ = seeing.variables_of(str(parts[0]))
    found = next((each for each in inside.variables_of(row) if each["variableKey"] == key), None)
    if found is None:
        raise unknown
    return found
