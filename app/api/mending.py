"""Our own resources for mending incidents: looking, trying again, proposing, approving. The pages say the same.

The contract's `/v2/incidents` lists the same incidents by the contract's words, and tries them again one at a time.
"""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields, validate

from app import audit
from app.access import decide
from app.access.facts import AreaFacts
from app.access.permissions import Permission
from app.api.blueprints import Blueprint, caller, key_from
from app.api.moments import moment
from app.api.schemas import after_key, nullable_text
from app.api.schemas import key as key_field
from app.audit.reasons import LONGEST_REASON
from app.identity.freshness import require_fresh, require_fresh_or_machine
from app.identity.person import Person
from app.operations import mending
from app.operations.mending import Act, Filters, Mending, MendingItem
from app.runtime import mending as engine
from app.runtime.models import Incident, IncidentState

blueprint = Blueprint("mending", "Mending incidents")

_NUMBER = validate.Range(min=1, max=1_000_000)
_SHORT = validate.Length(max=120)
_ACTS = [str(act) for act in Act if act is not Act.RETRY]


class IncidentsAsked(Schema):
    """Which incidents."""

    kind = fields.String(load_default="", validate=validate.Length(max=20))
    procedure = fields.String(load_default="", validate=_SHORT)
    element = fields.String(load_default="", validate=_SHORT)
    release = fields.Integer(load_default=None, validate=_NUMBER)
    olderThanHours = fields.Integer(load_default=None, validate=_NUMBER)
    state = fields.String(load_default="ACTIVE", validate=validate.OneOf([str(each) for each in IncidentState]))
    page = fields.Integer(load_default=1, validate=_NUMBER)


class IncidentTold(Schema):
    """One incident; types of variables, never values."""

    incidentKey = key_field("The incident's key")
    kind = fields.String(required=True)
    message = fields.String(required=True)
    processDefinitionId = fields.String(required=True)
    elementId = fields.String(required=True)
    processInstanceKey = key_field("The instance it is in", nullable=True)
    release = fields.Integer(required=True, allow_none=True)
    state = fields.String(required=True)
    creationTime = moment()


class IncidentsTold(Schema):
    items = fields.List(fields.Nested(IncidentTold), required=True)
    totalItems = fields.Integer(required=True)
    page = fields.Integer(required=True)
    pages = fields.Integer(required=True)


class ChoicesTold(Schema):
    """How it may be mended besides trying again."""

    variables = fields.Dict(keys=fields.String(), values=fields.String(allow_none=True), required=True)
    reserved = fields.Dict(keys=fields.String(), values=fields.String(), required=True)
    mayBeSkipped = fields.Boolean(required=True)
    whyNotSkipped = nullable_text()
    targets = fields.List(fields.String(), required=True)
    whyNotMoved = nullable_text()


class ItemTold(Schema):
    incidentKey = key_field("The incident's key")
    processInstanceKey = key_field("The instance it is in", nullable=True)
    state = fields.String(required=True)
    message = nullable_text()


class MendingTold(Schema):
    """One act upon one incident or many."""

    mendingKey = key_field("The act's key")
    act = fields.String(required=True)
    state = fields.String(required=True)
    processDefinitionId = fields.String(required=True)
    elementId = fields.String(required=True)
    variable = nullable_text()
    target = nullable_text()
    reason = nullable_text()
    proposedBy = key_field("The user who asked for it", nullable=True)
    proposedAt = moment()
    decidedBy = key_field("The user who approved or refused it", nullable=True)
    decidedAt = moment(nullable=True)
    total = fields.Integer(required=True)
    progress = fields.Dict(keys=fields.String(), values=fields.Integer(), required=True)
    items = fields.List(fields.Nested(ItemTold), required=True)


class IncidentInFull(IncidentTold):
    cause = fields.String(required=True)
    expression = nullable_text()
    saw = fields.Dict(keys=fields.String(), values=fields.String(), required=True)
    values = fields.Dict(keys=fields.String(), required=True, allow_none=True)
    choices = fields.Nested(ChoicesTold, required=True, allow_none=True)
    history = fields.List(fields.Nested(MendingTold), required=True)


class Keys(Schema):
    incidentKeys = fields.List(
        fields.String(validate=validate.Length(max=20)),
        required=True,
        validate=validate.Length(min=1, max=mending.AT_MOST),
    )


class Proposal(Keys):
    """What is asked for. The value is JSON of the variable's type; dates, times and durations are texts."""

    act = fields.String(required=True, validate=validate.OneOf(_ACTS))
    reason = fields.String(required=True, validate=validate.Length(min=1, max=LONGEST_REASON))
    variable = fields.String(load_default=None, validate=_SHORT)
    value = fields.Raw(allow_none=True)
    target = fields.String(load_default=None, validate=_SHORT)


class Refusal(Schema):
    reason = fields.String(load_default="", validate=validate.Length(max=LONGEST_REASON))


class ProposalsAsked(Schema):
    """Which page: what was proposed after this."""

    after = after_key()


class MendingsTold(Schema):
    items = fields.List(fields.Nested(MendingTold), required=True)
    totalItems = fields.Integer(required=True, metadata={"description": "On all pages together"})


@blueprint.route("/convenor/incidents")
@blueprint.arguments(IncidentsAsked, location="query")
@blueprint.response(200, IncidentsTold)
def list_incidents(asked: dict[str, Any]) -> dict[str, Any]:
    """List incidents, those of roles, forms, notices, documents and jobs among them."""
    found = mending.page(
        caller(),
        Filters(
            kind=asked["kind"],
            process_id=asked["procedure"],
            element_id=asked["element"],
            release=asked["release"],
            older_than=asked["olderThanHours"],
            resolved=asked["state"] == IncidentState.RESOLVED,
        ),
        asked["page"],
    )
    rows = [_incident(row, release) for row, release in found.rows]
    return {"items": rows, "totalItems": found.total, "page": found.page, "pages": found.pages}


@blueprint.route("/convenor/incidents/<key>")
@blueprint.response(200, IncidentInFull)
def get_incident(key: str) -> dict[str, Any]:
    """Get an incident: its cause, how it may be mended, what was done about it."""
    person = caller()
    view = mending.view(person, key_from(key))
    row = view.row
    if view.values is not None and view.instance is not None:
        audit.view(person, "incident-values", subject=f"incident:{row.key}", case_key=view.instance.case_key)
    return {
        **_incident(row, view.release),
        "cause": view.cause,
        "expression": view.expression or None,
        "saw": dict(view.saw),
        "values": view.values,
        "choices": _choices(row) if row.state == IncidentState.ACTIVE and _may(person, row) else None,
        "history": [_mending(one, [item]) for one, item in mending.history(row.key)],
    }


@blueprint.route("/convenor/incidents/retry", methods=["POST"])
@blueprint.arguments(Keys)
@blueprint.response(200, MendingTold)
def retry_incidents(asked: dict[str, Any]) -> dict[str, Any]:
    """Try incidents again: one at once, many as a job. For many the token must be of somebody who has just signed in, or a program's."""
    person, keys = caller(), [key_from(each) for each in asked["incidentKeys"]]
    if len(set(keys)) > 1:
        decide.require(person, Permission.INCIDENT_RETRY, AreaFacts(person.area_key))
        require_fresh_or_machine(person)
    return _told(mending.retry(person, keys))


@blueprint.route("/convenor/incidents/proposals")
@blueprint.arguments(ProposalsAsked, location="query")
@blueprint.response(200, MendingsTold)
def list_proposals(asked: dict[str, Any]) -> dict[str, Any]:
    """List what waits for approval or is being done, oldest first, two hundred at a time."""
    person = caller()
    decide.require(person, Permission.INCIDENT_READ, AreaFacts(person.area_key))
    found = mending.open_proposals(person, after=key_from(asked["after"]))
    return {"items": [_mending(one, []) for one in found], "totalItems": mending.open_count(person)}


@blueprint.route("/convenor/incidents/proposals", methods=["POST"])
@blueprint.arguments(Proposal)
@blueprint.response(201, MendingTold)
def propose(asked: dict[str, Any]) -> dict[str, Any]:
    """Propose to correct a variable, to skip an element or to move a token. A process owner must approve it."""
    made = mending.propose(
        caller(),
        Act(asked["act"]),
        [key_from(each) for each in asked["incidentKeys"]],
        reason=asked["reason"],
        variable=asked["variable"],
        value=mending.Sent(asked["value"]) if "value" in asked else None,
        target=asked["target"],
    )
    return _told(made)


@blueprint.route("/convenor/incidents/proposals/<key>")
@blueprint.response(200, MendingTold)
def get_proposal(key: str) -> dict[str, Any]:
    """Get an act: what, for which incidents, how far it is."""
    return _told(mending.find(caller(), key_from(key)))


@blueprint.route("/convenor/incidents/proposals/<key>/approval", methods=["POST"])
@blueprint.response(200, MendingTold)
def approve(key: str) -> dict[str, Any]:
    """Approve a proposal and do it. The token must be of somebody who has just signed in."""
    person = caller()
    one = mending.find(person, key_from(key))
    require_fresh(person)
    return _told(mending.approve(person, one.key))


@blueprint.route("/convenor/incidents/proposals/<key>/resumption", methods=["POST"])
@blueprint.response(200, MendingTold)
def resume(key: str) -> dict[str, Any]:
    """Take over an act that was suspended because whoever answered for it may not do it any more. The token must be of somebody who has
    just signed in."""
    person = caller()
    one = mending.find(person, key_from(key))
    require_fresh(person)
    return _told(mending.resume(person, one.key))


@blueprint.route("/convenor/incidents/proposals/<key>/cancellation", methods=["POST"])
@blueprint.response(200, MendingTold)
def call_off(key: str) -> dict[str, Any]:
    """Leave the rest of a suspended act undone."""
    person = caller()
    return _told(mending.call_off(person, mending.find(person, key_from(key)).key))


@blueprint.route("/convenor/incidents/proposals/<key>/refusal", methods=["POST"])
@blueprint.arguments(Refusal)
@blueprint.response(200, MendingTold)
def refuse(asked: dict[str, Any], key: str) -> dict[str, Any]:
    """Refuse a proposal, or take back one's own."""
    person = caller()
    return _told(mending.refuse(person, mending.find(person, key_from(key)).key, asked["reason"]))


def _may(person: Person, row: Incident) -> bool:
    area = row.area_key if row.area_key is not None else person.area_key
    return decide.allowed(person, Permission.INCIDENT_MEND, AreaFacts(area))


def _incident(row: Incident, release: int | None) -> dict[str, Any]:
    return {
        "incidentKey": str(row.key),
        "kind": row.kind,
        "message": row.message,
        "processDefinitionId": row.process_id,
        "elementId": row.element_id,
        "processInstanceKey": _text(row.instance_key),
        "release": release,
        "state": row.state,
        "creationTime": row.created_at,
    }


def _choices(row: Incident) -> dict[str, Any]:
    offered = engine.choices(row.key)
    return {
        "variables": {name: declared.name if declared else None for name, declared in offered.variables.items()},
        "reserved": dict(offered.reserved),
        "mayBeSkipped": offered.not_skipped is None,
        "whyNotSkipped": offered.not_skipped,
        "targets": [target.element_id for target in offered.targets],
        "whyNotMoved": offered.not_moved or None,
    }


def _told(one: Mending) -> dict[str, Any]:
    return _mending(one, mending.items_of(one.key))


def _mending(one: Mending, items: list[MendingItem]) -> dict[str, Any]:
    return {
        "mendingKey": str(one.key),
        "act": one.act,
        "state": one.state,
        "processDefinitionId": one.process_id,
        "elementId": one.element_id,
        "variable": one.variable,
        "target": one.target,
        "reason": mending.first_told(one).reason or None,
        "proposedBy": _text(one.proposed_by),
        "proposedAt": one.proposed_at,
        "decidedBy": _text(one.decided_by),
        "decidedAt": one.decided_at,
        "total": one.total,
        "progress": mending.progress(one.key),
        "items": [
            {
                "incidentKey": str(item.incident_key),
                "processInstanceKey": _text(item.instance_key),
                "state": item.state,
                "message": item.message,
            }
            for item in items
        ],
    }


def _text(key: int | None) -> str | None:
    return None if key is None else str(key)
