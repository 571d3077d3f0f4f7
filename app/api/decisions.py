"""Decisions: what is published, and what they say to variables that the request brings. Nothing is kept of an evaluation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from flask import Response
from sqlalchemy import ColumnElement, select

from app import feel
from app.access import decide
from app.access.facts import AreaFacts
from app.access.permissions import Permission
from app.api import columns, listing
from app.api.attributes import TENANT, Kind
from app.api.blueprints import Blueprint, area_of, caller, key_from
from app.api.decision_shapes import (
    DecisionDefinition,
    DecisionDefinitions,
    Evaluated,
    Evaluation,
    Requirements,
    RequirementsFound,
)
from app.api.listing import Listed
from app.api.parts import decision_keys, left
from app.api.schemas import SearchQuery
from app.decisions import DecisionError, Explanation, Model, Outcome
from app.errors import Invalid, NotFound
from app.identity.person import Person
from app.runtime import releases
from app.runtime.dialect.xml import local, read_xml
from app.runtime.language import to_plain
from app.runtime.models import FileKind, Release, ReleaseFile
from app.runtime.world import LazyParameters
from app.store.clock import business_now
from app.store.database import db, new_key
from app.store.keys import split

blueprint = Blueprint("decisions", "Published decisions")

_REQUIREMENTS = {
    "decisionRequirementsId": Kind.TEXT,
    "decisionRequirementsKey": Kind.KEY,
    "decisionRequirementsName": Kind.TEXT,
}
DEFINITIONS = Listed.of(
    {
        "decisionDefinitionId": Kind.TEXT,
        "decisionDefinitionKey": Kind.ELEMENT,
        "decisionRequirementsVersion": Kind.NUMBER,
        "isLatestVersion": Kind.FLAG,
        "name": Kind.TEXT,
        "tenantId": Kind.TEXT,
        "version": Kind.NUMBER,
        **_REQUIREMENTS,
    },
    ("decisionDefinitionId", "version"),
)
REQUIREMENTS = Listed.of(
    {"resourceName": Kind.TEXT, "tenantId": Kind.TEXT, "version": Kind.NUMBER, **_REQUIREMENTS},
    ("decisionRequirementsId", "version"),
)


# ------------------------------------------------------------------------------------------------ what is published
@dataclass(frozen=True)
class DecisionFile:
    """A published file of decisions. :ivar names: the decisions' names by id."""

    key: int
    release_key: int
    version: int
    resource: str
    id: str
    name: str
    names: dict[str, str]

    def key_of(self, decision_id: str) -> str:
        """The key of one of its decisions."""
        return decision_keys(self.key, self.names)[decision_id]


@lru_cache(maxsize=2048)
def _read(file_key: int) -> tuple[str, str, tuple[tuple[str, str], ...]]:
    """Id and name of a file and of its decisions. A published file never changes."""
    row = db.session.get(ReleaseFile, file_key)
    assert row is not None
    root = read_xml(releases.content(row), row.name)
    named = {
        str(node.get("id")): str(node.get("name") or node.get("id"))
        for node in root
        if isinstance(node.tag, str) and local(node) == "decision"
    }
    identity = str(root.get("id") or row.name)
    names = tuple((str(id_), named.get(str(id_), str(id_))) for id_ in row.ids)
    return identity, str(root.get("name") or identity), names


def _files(person: Person, *which: ColumnElement[bool]) -> Iterator[DecisionFile]:
    """The files of the person's area, newest first.

    :param which: conditions on the file.

    :raises NotAllowed: procedures are not theirs to read.
    """
    area_key = area_of(person)
    decide.require(person, Permission.PROCEDURE_READ, AreaFacts(area_key))
    query = (
        select(ReleaseFile.key, ReleaseFile.release_key, ReleaseFile.name, Release.number)
        .join(Release, Release.key == ReleaseFile.release_key)
        .where(Release.area_key == area_key, ReleaseFile.kind == FileKind.DMN, *which)
        .order_by(Release.number.desc(), ReleaseFile.name)
    )
    for key_, release_key, resource, number in db.session.execute(query).all():
        id_, name, names = _read(key_)
        yield DecisionFile(key_, release_key, number, resource, id_, name, dict(names))


def file_with(decision_id: str, release_key: int | None) -> DecisionFile | None:
    """The file of a release that has a decision. The caller has checked that the person may know of it."""
    if release_key is None:
        return None
    query = (
        select(ReleaseFile.key, ReleaseFile.name, Release.number)
        .join(Release, Release.key == ReleaseFile.release_key)
        .where(Release.key == release_key, ReleaseFile.kind == FileKind.DMN)
        .order_by(ReleaseFile.name)
    )
    for key_, resource, number in db.session.execute(query).all():
        id_, name, names = _read(key_)
        if decision_id in dict(names):
            return DecisionFile(key_, release_key, number, resource, id_, name, dict(names))
    return None


def _requirements(file: DecisionFile) -> dict[str, Any]:
    return {
        "decisionRequirementsId": file.id,
        "decisionRequirementsKey": str(file.key),
        "decisionRequirementsName": file.name,
        "resourceName": file.resource,
        "tenantId": TENANT,
        "version": file.version,
    }


def _definition(file: DecisionFile, decision_id: str, *, latest: bool = False) -> dict[str, Any]:
    return {
        "decisionDefinitionId": decision_id,
        "decisionDefinitionKey": file.key_of(decision_id),
        "decisionRequirementsId": file.id,
        "decisionRequirementsKey": str(file.key),
        "decisionRequirementsName": file.name,
        "decisionRequirementsVersion": file.version,
        "name": file.names[decision_id],
        "tenantId": TENANT,
        "version": file.version,
        "isLatestVersion": latest,
    }


def _find(decision_key: str) -> tuple[DecisionFile, str]:
    """:raises NotFound: no such decision in the person's area."""
    unknown = NotFound("There is no such decision.", resource_id=decision_key)
    remainder, _ = split(key_from(decision_key))
    files = _files(caller(), left(ReleaseFile.key.expression) == remainder)
    found = [(file, id_) for file in files for id_ in file.names if file.key_of(id_) == decision_key]
    if len(found) != 1:
        raise unknown
    return found[0]


def _find_file(file_key: str) -> DecisionFile:
    """:raises NotFound: no such file in the person's area."""
    file = next(_files(caller(), ReleaseFile.key == key_from(file_key)), None)
    if file is None:
        raise NotFound("There is no such file of decisions.", resource_id=file_key)
    return file


def _xml(file: DecisionFile) -> Response:
    row = db.session.get(ReleaseFile, file.key)
    assert row is not None
    return Response(releases.content(row), content_type="text/xml; charset=utf-8")


# ------------------------------------------------------------------------------------------------ looking
@blueprint.searching("/decision-definitions/search")
@blueprint.arguments(SearchQuery, required=False)
@blueprint.response(200, DecisionDefinitions)
def search_definitions(asked: dict[str, Any]) -> dict[str, Any]:
    """Search decision definitions. A decision's version is the number of its release."""
    seen: set[str] = set()
    found = []
    for file in _files(caller()):
        found += [_definition(file, id_, latest=id_ not in seen) for id_ in file.names]
        seen |= set(file.names)
    return listing.run(found, DEFINITIONS, asked)


@blueprint.route("/decision-definitions/<key>")
@blueprint.response(200, DecisionDefinition)
def get_definition(key: str) -> dict[str, Any]:
    """Get a decision definition."""
    return _definition(*_find(key))


@blueprint.route("/decision-definitions/<key>/xml")
@blueprint.response(200, content_type="text/xml", description="The DMN file as it was published")
def get_definition_xml(key: str) -> Response:
    """Get the file of a decision definition."""
    return _xml(_find(key)[0])


@blueprint.searching("/decision-requirements/search")
@blueprint.arguments(SearchQuery, required=False)
@blueprint.response(200, RequirementsFound)
def search_requirements(asked: dict[str, Any]) -> dict[str, Any]:
    """Search decision requirements: the published files of decisions."""
    return listing.run([_requirements(file) for file in _files(caller())], REQUIREMENTS, asked)


@blueprint.route("/decision-requirements/<key>")
@blueprint.response(200, Requirements)
def get_requirements(key: str) -> dict[str, Any]:
    """Get decision requirements."""
    return _requirements(_find_file(key))


@blueprint.route("/decision-requirements/<key>/xml")
@blueprint.response(200, content_type="text/xml", description="The DMN file as it was published")
def get_requirements_xml(key: str) -> Response:
    """Get the file of decision requirements."""
    return _xml(_find_file(key))


# ------------------------------------------------------------------------------------------------ evaluating
@blueprint.searching("/decision-definitions/evaluation")
@blueprint.arguments(Evaluation)
@blueprint.response(200, Evaluated)
def evaluate(asked: dict[str, Any]) -> dict[str, Any]:
    """Evaluate a decision, as it would be decided now with these variables and the area's parameters.

    For those who draw procedures. Nothing is kept, and no case is asked.
    """
    person = caller()
    area_key = area_of(person)
    decide.require(person, Permission.DECISION_EVALUATE, AreaFacts(area_key))
    file, decision_id = _wanted(asked, person)
    model: Model = releases.parsed(file.release_key).model_of(decision_id)
    now = business_now()
    env = feel.Environment(now=lambda: now, params=LazyParameters(area_key, now), deadline=lambda _name: None)
    try:
        given = {name: feel.from_python(value) for name, value in asked["variables"].items()}
        outcome = model.evaluate(decision_id, given, env)
    except (DecisionError, feel.FeelError) as error:
        raise Invalid(f"The decision {decision_id} failed: {error.message}", resource_id=decision_id) from error
    return _told(file, decision_id, model, outcome)


def _wanted(asked: dict[str, Any], person: Person) -> tuple[DecisionFile, str]:
    by_key, by_id = asked.get("decisionDefinitionKey"), asked.get("decisionDefinitionId")
    if (by_key is None) == (by_id is None):
        raise Invalid("Name the decision by decisionDefinitionId or by decisionDefinitionKey, not by both.")
    if by_key is not None:
        return _find(by_key)
    file = next((file for file in _files(person) if by_id in file.names), None)
    if file is None:
        raise NotFound("There is no such decision.", resource_id=by_id)
    return file, str(by_id)


def _told(file: DecisionFile, decision_id: str, model: Model, outcome: Outcome) -> dict[str, Any]:
    evaluation = new_key()
    by_name = {name: id_ for id_, name in file.names.items()}
    made: list[dict[str, Any]] = []
    for explanation in outcome.explanation:
        id_ = by_name.get(explanation.decision, decision_id)
        made.append(_evaluated(file, id_, explanation, evaluation, len(made) + 1))
    if not any(each["decisionDefinitionId"] == decision_id for each in made):
        made.append(
            {
                **_evaluated(file, decision_id, None, evaluation, len(made) + 1),
                "output": columns.as_json(to_plain(outcome.value)),
            }
        )
    return {
        "decisionDefinitionId": decision_id,
        "decisionDefinitionKey": file.key_of(decision_id),
        "decisionDefinitionName": file.names[decision_id],
        "decisionDefinitionVersion": file.version,
        "decisionEvaluationKey": str(evaluation),
        "decisionInstanceKey": str(evaluation),
        "decisionRequirementsId": file.id,
        "decisionRequirementsKey": str(file.key),
        "evaluatedDecisions": made,
        "failedDecisionDefinitionId": None,
        "failureMessage": None,
        "output": columns.as_json(to_plain(outcome.value)),
        "tenantId": TENANT,
    }


def _evaluated(
    file: DecisionFile, decision_id: str, found: Explanation | None, evaluation: int, place: int
) -> dict[str, Any]:
    """How one decision came to its result. What a rule gave is told where it alone matched."""
    rules = found.rules if found is not None else ()
    given = None if found is None else to_plain(found.outputs)
    known = columns.columns(file.release_key, decision_id)
    places = [{"ruleId": rule.id, "ruleIndex": rule.index} for rule in rules]
    return {
        "decisionDefinitionId": decision_id,
        "decisionDefinitionName": file.names[decision_id],
        "decisionDefinitionVersion": file.version,
        "decisionDefinitionType": "DECISION_TABLE" if found is not None else "LITERAL_EXPRESSION",
        "output": columns.as_json(given),
        "tenantId": TENANT,
        "matchedRules": [
            {
                **place,
                "evaluatedOutputs": columns.outputs(known, file.names[decision_id], given, place)
                if len(rules) == 1
                else [],
            }
            for place in places
        ],
        "evaluatedInputs": columns.inputs(known, to_plain(found.inputs) if found is not None else {}),
        "decisionDefinitionKey": file.key_of(decision_id),
        "decisionEvaluationInstanceKey": f"{evaluation}-{place}",
    }
