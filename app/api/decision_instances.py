"""Decisions that tables have taken in cases and meetings: what they saw, which rules matched, what came of it.

They are kept in the timeline of their case or meeting, and go with it. Of an instance about neither nothing is kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from marshmallow import Schema, fields
from sqlalchemy import ColumnElement, or_, select

from app import audit
from app.api import columns, drawing, listing, seeing
from app.api.attributes import TENANT, Attribute, Kind, condition
from app.api.blueprints import Blueprint, caller
from app.api.decision_shapes import EvaluatedInput, MatchedRule
from app.api.decisions import DecisionFile, file_with
from app.api.errors import SearchRefused
from app.api.listing import Listed
from app.api.moments import moment
from app.api.schemas import PageTold, SearchQuery, key, nullable_text
from app.cases.models import TimelineEvent
from app.errors import NotFound
from app.runtime.models import Instance, ProcessDefinition
from app.store.database import db
from app.store.keys import key_in

MOST = 5_000
_AT = {"evaluationDate": Attribute(TimelineEvent.at.expression, Kind.MOMENT)}

blueprint = Blueprint("decision-instances", "Decisions that tables have taken")

LISTED = Listed.of(
    {
        "decisionEvaluationInstanceKey": Kind.TEXT,
        "decisionEvaluationKey": Kind.KEY,
        "state": Kind.TEXT,
        "evaluationFailure": Kind.TEXT,
        "evaluationDate": Kind.MOMENT,
        "decisionDefinitionId": Kind.TEXT,
        "decisionDefinitionName": Kind.TEXT,
        "decisionDefinitionVersion": Kind.NUMBER,
        "decisionDefinitionType": Kind.TEXT,
        "decisionDefinitionKey": Kind.ELEMENT,
        "decisionRequirementsKey": Kind.KEY,
        "rootDecisionDefinitionKey": Kind.ELEMENT,
        "processDefinitionKey": Kind.KEY,
        "processInstanceKey": Kind.KEY,
        "elementInstanceKey": Kind.ELEMENT,
        "businessId": Kind.TEXT,
        "tenantId": Kind.TEXT,
    },
    ("evaluationDate", "decisionEvaluationInstanceKey"),
    words={
        "state": ("EVALUATED", "FAILED", "UNKNOWN", "UNSPECIFIED"),
        "decisionDefinitionType": ("DECISION_TABLE", "LITERAL_EXPRESSION", "UNKNOWN", "UNSPECIFIED"),
    },
    hidden={"decisionRequirementsKey": lambda item: item["_file"]},
)


class DecisionInstance(Schema):
    decisionEvaluationInstanceKey = fields.String(required=True)
    decisionEvaluationKey = key("The key of the evaluation: of several decisions, where one asks others")
    state = fields.String(required=True)
    evaluationDate = moment()
    evaluationFailure = nullable_text()
    decisionDefinitionId = fields.String(required=True)
    decisionDefinitionName = fields.String(required=True)
    decisionDefinitionVersion = fields.Integer(required=True)
    decisionDefinitionType = fields.String(required=True)
    decisionDefinitionKey = key("The decision's key")
    rootDecisionDefinitionKey = key("The key of the decision that was asked")
    processDefinitionKey = key("The version's key", nullable=True)
    processInstanceKey = key("The instance's key", nullable=True)
    rootProcessInstanceKey = key("The same", nullable=True)
    elementInstanceKey = key("The element's key in its instance", nullable=True)
    result = fields.String(required=True)
    businessId = nullable_text()
    tenantId = fields.String(required=True)


class WholeDecisionInstance(DecisionInstance):
    evaluatedInputs = fields.List(fields.Nested(EvaluatedInput), required=True)
    matchedRules = fields.List(fields.Nested(MatchedRule), required=True)


class DecisionInstances(Schema):
    items = fields.List(fields.Nested(DecisionInstance), required=True)
    page = fields.Nested(PageTold, required=True)


# ------------------------------------------------------------------------------------------------ finding
def _events(where: list[ColumnElement[bool]]) -> list[TimelineEvent]:
    """What tables have decided in the cases and meetings whose record the person may read.

    :raises SearchRefused: that is too much at once.
    """
    dossiers = seeing.records_open_to(caller())
    query = (
        select(TimelineEvent)
        .where(TimelineEvent.kind == "decided", TimelineEvent.dossier_key.in_(dossiers), *where)
        .order_by(TimelineEvent.key)
        .limit(MOST + 1)
    )
    found = list(db.session.execute(query).scalars())
    if len(found) > MOST:
        raise SearchRefused(
            f"That would be more than {MOST} decisions. Narrow the filter: processInstanceKey, evaluationDate.",
            resource_id="evaluationDate",
        )
    return found


def _narrowed(asked: Mapping[str, Any]) -> list[ColumnElement[bool]]:
    """What of the filter the database can do; all of it is looked at again when the decisions are drawn."""
    wanted = asked.get("filter") or {}
    found = condition(_AT, {name: given for name, given in wanted.items() if name in _AT})
    events = listing.named(asked, "decisionEvaluationKey")
    parts = listing.named(asked, "decisionEvaluationInstanceKey")
    if parts is not None and events is None:
        events = [part.partition("-")[0] for part in parts]
    if events is not None:
        found.append(TimelineEvent.key.in_(_keys(events)))
    instances = listing.named(asked, "processInstanceKey")
    if instances is not None:
        of_them = select(Instance.case_key, Instance.meeting_key).where(Instance.key.in_(_keys(instances)))
        pairs = db.session.execute(of_them).all()
        found.append(TimelineEvent.dossier_key.in_({key_ for pair in pairs for key_ in pair if key_ is not None}))
    return found


def _keys(given: list[str]) -> list[int]:
    return [key for each in given if (key := key_in(each)) is not None]


def _noted(events: list[TimelineEvent]) -> None:
    """Record that the person has seen what was decided in each case and meeting."""
    cases = {row.key for row in seeing.cases_among({event.dossier_key for event in events})}
    for dossier in {event.dossier_key for event in events}:
        of_case = dossier if dossier in cases else None
        audit.view(caller(), "decisions", case_key=of_case, meeting_key=dossier if of_case is None else None)


# ------------------------------------------------------------------------------------------------ drawing
def _drawn(events: list[TimelineEvent]) -> list[dict[str, Any]]:
    known = drawing.references(event.dossier_key for event in events)
    return [each for event in events for each in _decisions(event, known)]


def _decisions(event: TimelineEvent, known: dict[int, str]) -> Iterator[dict[str, Any]]:
    """Each decision of an evaluation: those that were asked on the way first, the one that was asked for last.

    None of an old one of which the record has not kept what the tables saw, or by which release it was taken.
    """
    facts = event.facts
    root = str(facts.get("decision") or "")
    row, release_key = _where(event)
    file = file_with(root, release_key)
    if file is None or "tables" not in facts:
        return
    ids = {name: id_ for id_, name in file.names.items()}
    tables = [(ids.get(str(told.get("decision")), root), told) for told in facts.get("tables") or ()]
    if root not in {id_ for id_, _ in tables}:
        tables.append((root, {}))
    task = facts.get("task")
    for place, (id_, told) in enumerate(tables, start=1):
        result = facts.get("result") if id_ == root else told.get("outputs")
        yield {
            **_of_file(file, id_, root),
            "decisionEvaluationInstanceKey": f"{event.key}-{place}",
            "decisionEvaluationKey": str(event.key),
            "state": "EVALUATED",
            "evaluationDate": event.at,
            "evaluationFailure": None,
            "decisionDefinitionType": "DECISION_TABLE" if told else "LITERAL_EXPRESSION",
            "processDefinitionKey": _definition_key(file.release_key, str(facts.get("process") or "")),
            "processInstanceKey": None if row is None else str(row.key),
            "rootProcessInstanceKey": None if row is None else str(row.key),
            "elementInstanceKey": None if row is None or task is None else drawing.element_key(row.key, int(task)),
            "result": columns.as_json(result),
            "businessId": known.get(event.dossier_key),
            "tenantId": TENANT,
            "evaluatedInputs": columns.inputs(columns.columns(file.release_key, id_), told.get("inputs") or {}),
            "matchedRules": list(_rules(file, id_, told)),
            "_event": event,
        }


def _of_file(file: DecisionFile, decision_id: str, root: str) -> dict[str, Any]:
    return {
        "decisionDefinitionId": decision_id,
        "decisionDefinitionName": file.names[decision_id],
        "decisionDefinitionVersion": file.version,
        "decisionDefinitionKey": file.key_of(decision_id),
        "rootDecisionDefinitionKey": file.key_of(root),
        "_file": str(file.key),
    }


def _rules(file: DecisionFile, decision_id: str, told: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The rules that matched; what a rule gave is told where it alone did."""
    rules = told.get("rules") or []
    outputs = told.get("outputs")
    known = columns.columns(file.release_key, decision_id)
    for rule in rules:
        place = {"ruleId": str(rule.get("id")), "ruleIndex": int(rule.get("index") or 0)}
        given = columns.outputs(known, file.names[decision_id], outputs, place)
        yield {**place, "evaluatedOutputs": given if len(rules) == 1 else []}


def _where(event: TimelineEvent) -> tuple[Instance | None, int | None]:
    """The instance that decided, and by which release.

    What was kept before the timeline named them belongs to the only instance that there is, and was taken by the release of all of
    them where there is one.
    """
    named, release = event.facts.get("instance"), event.facts.get("release")
    if named is not None:
        row = db.session.get(Instance, int(named))
        return row, int(release) if release is not None else None if row is None else row.release_key
    of_dossier = or_(Instance.case_key == event.dossier_key, Instance.meeting_key == event.dossier_key)
    found = list(db.session.execute(select(Instance).where(of_dossier)).scalars())
    ran_on = {row.release_key for row in found}
    return found[0] if len(found) == 1 else None, ran_on.pop() if len(ran_on) == 1 else None


@lru_cache(maxsize=512)
def _definition_key(release_key: int, process_id: str) -> str | None:
    """The key of a process of a release. A release never changes."""
    query = select(ProcessDefinition.key).where(
        ProcessDefinition.release_key == release_key, ProcessDefinition.process_id == process_id
    )
    found = db.session.execute(query).scalar()
    return None if found is None else str(found)


# ------------------------------------------------------------------------------------------------ addresses
@blueprint.searching("/decision-instances/search")
@blueprint.arguments(SearchQuery, required=False)
@blueprint.response(200, DecisionInstances)
def search_instances(asked: dict[str, Any]) -> dict[str, Any]:
    """Search decision instances: what tables have decided in cases and meetings, for those who may read their record."""
    found = listing.matching(_drawn(_events(_narrowed(asked))), LISTED, asked)
    _noted(list({each["_event"].key: each["_event"] for each in found}.values()))
    return listing.ordered(found, LISTED, asked)


@blueprint.route("/decision-instances/<key>")
@blueprint.response(200, WholeDecisionInstance)
def get_instance(key: str) -> dict[str, Any]:
    """Get a decision instance: with what it saw, and the rules that matched."""
    unknown = NotFound("There is no such decision.", resource_id=key)
    events = _events([TimelineEvent.key.in_(_keys([key.partition("-")[0]]))])
    found = next((each for each in _drawn(events) if each["decisionEvaluationInstanceKey"] == key), None)
    if found is None:
        raise unknown
    _noted(events)
    return found
