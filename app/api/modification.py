"""Modifying a process instance: tokens ended, begun and moved."""

from __future__ import annotations

from typing import Any

from flask import Response
from marshmallow import Schema, fields, validate

from app import audit
from app.access import decide
from app.access.permissions import Permission
from app.api import seeing
from app.api.blueprints import Blueprint, caller
from app.api.parts import part_from
from app.api.schemas import operation_reference
from app.errors import Invalid, NotAllowed, NotFound
from app.identity.freshness import require_fresh_or_machine
from app.identity.person import Person
from app.runtime import modifying
from app.runtime.models import Instance
from app.runtime.modifying import Begin, Changes, End, Given, Move

blueprint = Blueprint("modification", "Changing where running processes stand")

_MOST = validate.Length(max=modifying.MAX_TOKENS)


class VariableInstruction(Schema):
    variables = fields.Dict(keys=fields.String(), required=True)
    scopeId = fields.String(load_default="", validate=validate.Length(max=120))


class Activate(Schema):
    elementId = fields.String(required=True, validate=validate.Length(1, 120))
    variableInstructions = fields.List(fields.Nested(VariableInstruction), load_default=list, validate=_MOST)
    ancestorElementInstanceKey = fields.String(load_default=None, allow_none=True, validate=validate.Length(max=25))


class Terminate(Schema):
    """One element instance by its key, or all of an element."""

    elementInstanceKey = fields.String(validate=validate.Length(1, 25))
    elementId = fields.String(validate=validate.Length(1, 120))


class Source(Schema):
    sourceType = fields.String(required=True, validate=validate.OneOf(["byId", "byKey"]))
    sourceElementId = fields.String(validate=validate.Length(1, 120))
    sourceElementInstanceKey = fields.String(validate=validate.Length(1, 25))


class Ancestor(Schema):
    ancestorScopeType = fields.String(required=True, validate=validate.OneOf(["direct", "inferred", "sourceParent"]))
    ancestorElementInstanceKey = fields.String(validate=validate.Length(1, 25))


class MoveInstruction(Schema):
    sourceElementInstruction = fields.Nested(Source, required=True)
    targetElementId = fields.String(required=True, validate=validate.Length(1, 120))
    ancestorScopeInstruction = fields.Nested(Ancestor, load_default=None, allow_none=True)
    variableInstructions = fields.List(fields.Nested(VariableInstruction), load_default=list, validate=_MOST)


class Modification(Schema):
    """What is begun, moved and ended, in one step."""

    activateInstructions = fields.List(fields.Nested(Activate), load_default=list, validate=_MOST)
    moveInstructions = fields.List(fields.Nested(MoveInstruction), load_default=list, validate=_MOST)
    terminateInstructions = fields.List(fields.Nested(Terminate), load_default=list, validate=_MOST)
    operationReference = operation_reference()


@blueprint.route("/process-instances/<key>/modification", methods=["POST"])
@blueprint.arguments(Modification)
@blueprint.response(204)
def modify(asked: dict[str, Any], key: str) -> Response:
    """Modify a process instance: begin, move and end its tokens in one step.

    For process owners where diagrams go live without a second person, and of instances about no case and no meeting:
    those are mended with an incident, under the rules of mending. A decision is never stepped past. Nothing begins in a
    sub-process that is not running: begin the sub-process.
    """
    changes = Changes(
        begin=[
            Begin(each["elementId"], _given(each), _task(key, each["ancestorElementInstanceKey"]))
            for each in asked["activateInstructions"]
        ],
        move=[_move(key, each) for each in asked["moveInstructions"]],
        end=[_end(key, each, "elementId", "elementInstanceKey") for each in asked["terminateInstructions"]],
    )
    if not (changes.begin or changes.move or changes.end):
        raise Invalid("Say what to begin, to move or to end.")
    person = caller()
    _theirs(person, key)
    require_fresh_or_machine(person)
    modify_as(person, key, changes)
    return Response(status=204)


def modify_as(person: Person, key: str, changes: Changes) -> None:
    """Modify an instance on behalf of a person.

    :raises NotFound, NotAllowed: it is not theirs to modify.
    """
    row = _theirs(person, key)
    modifying.modify(row.key, changes)
    audit.record("instance.modify", actor=person, subject=f"instance:{row.key}", instance_key=row.key)


def _theirs(person: Person, key: str) -> Instance:
    row, _ = seeing.find_for(person, key)
    decide.require(person, Permission.INSTANCE_MODIFY, seeing.facts_of_area(row.area_key), resource_id=key)
    if row.case_key is not None or row.meeting_key is not None:
        raise NotAllowed("What is about a case or a meeting is mended with an incident, not modified.")
    return row


def _given(asked: dict[str, Any]) -> list[Given]:
    return [Given(each["variables"], each["scopeId"]) for each in asked["variableInstructions"]]


def _task(key: str, element: str | None) -> int | None:
    """The number of an element in the instance; None for the instance itself, however its key is written.

    :raises NotFound: it is an element of another instance.
    """
    if element is None or element == key:
        return None
    found = part_from(element)
    if found is None or str(found[0]) != key:
        raise NotFound("There is no such element in this instance.", resource_id=element)
    return found[1] or None


def _end(key: str, asked: dict[str, Any], by_id: str, by_key: str) -> End:
    if (asked.get(by_id) is None) == (asked.get(by_key) is None):
        raise Invalid(f"Name an element by {by_id} or by {by_key}, not by both.", resource_id=by_id)
    if asked.get(by_id) is not None:
        return End(asked[by_id])
    return End(task_id=_task(key, asked[by_key]) or 0)


def _move(key: str, asked: dict[str, Any]) -> Move:
    ancestor = asked["ancestorScopeInstruction"] or {}
    inside = _task(key, ancestor.get("ancestorElementInstanceKey"))
    return Move(
        _end(key, asked["sourceElementInstruction"], "sourceElementId", "sourceElementInstanceKey"),
        Begin(asked["targetElementId"], _given(asked), inside),
    )
