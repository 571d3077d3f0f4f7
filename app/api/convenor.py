"""Our own resources, for what the contract has no word for: cases and health. Work items are next door."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields, validate

from app import audit
from app.access import decide
from app.access.permissions import Permission
from app.api.blueprints import Blueprint, caller, key_from, key_of
from app.api.moments import moment
from app.api.schemas import before_key
from app.api.schemas import key as key_field
from app.cases.dossiers import find_case
from app.cases.facts import facts_of
from app.cases.models import Case, CaseState
from app.cases.search import cases_for
from app.identity.limits import count_search
from app.operations import mending
from app.store.clock import business_now
from app.store.worker import alive

CASES_SHOWN = 200

blueprint = Blueprint("convenor", "Cases and health")


class CasesAsked(Schema):
    """Which cases: by state, and by a part of the reference or, for those cleared, a party's name; of a long list those before a case."""

    state = fields.String(load_default=None, validate=validate.OneOf([str(state) for state in CaseState]))
    text = fields.String(load_default="", validate=[validate.Length(max=200), validate.ContainsNoneOf("\0")])
    before = before_key()


class CaseSummary(Schema):
    """A case without names and without anything typed."""

    caseKey = key_field("The case's key")
    reference = fields.String(required=True)
    procedure = fields.String(required=True)
    state = fields.String(required=True)
    referringAgencyKey = key_field("The agency that referred", nullable=True)
    meetingKey = key_field("The meeting it is listed for", nullable=True)
    createdAt = moment()
    submittedAt = moment(nullable=True)
    closedAt = moment(nullable=True)
    repeat = fields.Boolean(required=True)


class CaseList(Schema):
    items = fields.List(fields.Nested(CaseSummary), required=True)
    truncated = fields.Boolean(
        required=True,
        metadata={"description": f"There are more than {CASES_SHOWN}: ask again with the last one's key as `before`"},
    )


class Health(Schema):
    status = fields.String(required=True, validate=validate.OneOf(["ready", "not ready"]))
    businessTime = moment()
    openIncidents = fields.Integer(required=True)


@blueprint.route("/convenor/cases")
@blueprint.arguments(CasesAsked, location="query")
@blueprint.response(200, CaseList)
def list_cases(asked: dict[str, Any]) -> dict[str, Any]:
    """List the cases that the person may see, newest first, two hundred at a time."""
    person = caller()
    if asked["text"]:
        count_search(person)
    found = cases_for(
        person, state=asked["state"], text=asked["text"], limit=CASES_SHOWN + 1, below=key_of(asked["before"])
    )
    for case in found[:CASES_SHOWN]:
        audit.view(person, "case-list", case_key=case.key)
    return {"items": [_summary(case) for case in found[:CASES_SHOWN]], "truncated": len(found) > CASES_SHOWN}


@blueprint.route("/convenor/cases/<key>")
@blueprint.response(200, CaseSummary)
def get_case(key: str) -> dict[str, Any]:
    """Get the summary of a case."""
    person = caller()
    case = find_case(key_from(key))
    decide.require(person, Permission.CASE_SUMMARY_READ, facts_of(case), resource_id=key)
    audit.view(person, "case-summary", case_key=case.key)
    return _summary(case)


def _summary(case: Case) -> dict[str, Any]:
    return {
        "caseKey": str(case.key),
        "reference": case.reference,
        "procedure": case.procedure,
        "state": case.state,
        "referringAgencyKey": str(case.referring_agency_key) if case.referring_agency_key else None,
        "meetingKey": str(case.meeting_key) if case.meeting_key else None,
        "createdAt": case.created_at,
        "submittedAt": case.submitted_at,
        "closedAt": case.closed_at,
        "repeat": case.repeat,
    }


@blueprint.route("/convenor/health")
@blueprint.response(200, Health)
def health() -> dict[str, Any]:
    """Get the health of the service."""
    return {
        "status": "ready" if alive() else "not ready",
        "businessTime": business_now(),
        "openIncidents": mending.count_around(caller()),
    }
