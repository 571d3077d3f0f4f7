"""FEEL asked directly, and who asks."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields, validate

from app import feel
from app.access import decide
from app.access.facts import AreaFacts
from app.access.permissions import Permission
from app.api import seeing
from app.api.attributes import TENANT
from app.api.blueprints import Blueprint, area_of, caller
from app.api.parts import part_from
from app.api.schemas import Tenant, nullable_text
from app.errors import Invalid, NotFound
from app.runtime import elements
from app.runtime.language import holds_function, to_plain
from app.runtime.world import LazyParameters
from app.store.clock import business_now

blueprint = Blueprint("expressions", "FEEL, and who asks")


class ExpressionAsked(Schema):
    """An expression that begins with `=`, and the variables it sees."""

    expression = fields.String(required=True, validate=validate.Length(1, 10_000))
    variables = fields.Dict(keys=fields.String(), allow_none=True, load_default=None)
    scopeKey = fields.String(load_default=None, validate=validate.Regexp(r"^[0-9]{1,25}$"))
    tenantId = fields.String(validate=Tenant)


class ExpressionWarning(Schema):
    message = fields.String(required=True)


class ExpressionResult(Schema):
    expression = fields.String(required=True)
    result = fields.Raw(required=True, allow_none=True)
    warnings = fields.List(fields.Nested(ExpressionWarning), required=True)
    referencedSecrets = fields.List(fields.Dict(), required=True)


class TenantSchema(Schema):
    tenantId = fields.String(required=True)
    name = fields.String(required=True)
    description = nullable_text()


class Me(Schema):
    username = fields.String(required=True)
    displayName = nullable_text()
    email = nullable_text()
    authorizedComponents = fields.List(fields.String(), required=True)
    tenants = fields.List(fields.Nested(TenantSchema), required=True)
    groups = fields.List(fields.String(), required=True)
    roles = fields.List(fields.String(), required=True)
    salesPlanType = nullable_text()
    c8Links = fields.Dict(required=True)
    canLogout = fields.Boolean(required=True)


@blueprint.searching("/expression/evaluation")
@blueprint.arguments(ExpressionAsked)
@blueprint.response(200, ExpressionResult)
def evaluate(asked: dict[str, Any]) -> dict[str, Any]:
    """Evaluate an expression with variables of the request, over those of an instance where `scopeKey` names one.

    For those who draw procedures; an instance's variables only for those who may see them. Nothing is changed.
    """
    person = caller()
    area_key = area_of(person)
    decide.require(person, Permission.DECISION_EVALUATE, AreaFacts(area_key))
    text = asked["expression"]
    if not text.startswith("="):
        raise Invalid("An expression begins with =.", resource_id="expression")
    now = business_now()
    env = feel.Environment(now=lambda: now, params=LazyParameters(area_key, now), deadline=lambda _name: None)
    try:
        given = {name: feel.from_python(value) for name, value in (asked["variables"] or {}).items()}
        seen = {**(_scope(asked["scopeKey"]) if asked["scopeKey"] else {}), **given}
        expression = feel.compile_expression(text[1:], frozenset(seen))
        found = expression.diagnose(seen, env)
    except feel.FeelError as error:
        raise Invalid(f"The expression failed: {error.message}", resource_id="expression") from error
    if holds_function(found.value):
        raise Invalid(
            "The expression gave a function: call it, with its arguments in brackets.", resource_id="expression"
        )
    return {
        "expression": text,
        "result": to_plain(found.value),
        "warnings": [{"message": note.text} for note in found.notes],
        "referencedSecrets": [],
    }


def _scope(scope_key: str) -> dict[str, Any]:
    parts = part_from(scope_key)
    if parts is None:
        raise NotFound("There is no such element.", resource_id=scope_key)
    row, _ = seeing.variables_of(str(parts[0]))
    wf = elements.opened(row)
    if wf is None:
        return {}
    if not parts[1]:
        return dict(wf.scopes.local(0))
    task = elements.task_of(wf, parts[1])
    if task is None:
        raise NotFound("There is no such element.", resource_id=scope_key)
    return wf.scopes.visible(task.scope)


@blueprint.route("/authentication/me")
@blueprint.response(200, Me)
def me() -> dict[str, Any]:
    """Get the current user: who the token is for, and the roles held."""
    person = caller()
    return {
        "username": person.username,
        "displayName": person.name,
        "email": None,
        "authorizedComponents": [],
        "tenants": [{"tenantId": TENANT, "name": "Convenor", "description": None}],
        "groups": [],
        "roles": sorted(person.role_slugs),
        "salesPlanType": None,
        "c8Links": {},
        "canLogout": True,
    }
