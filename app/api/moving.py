"""Moving running cases to another release: the contract's migration, and our own plan, progress and undo."""

from __future__ import annotations

from typing import Any

from flask import Response
from marshmallow import Schema, fields, validate
from sqlalchemy import select

from app.access.permissions import Permission
from app.api import batches, search
from app.api.blueprints import Blueprint, area_of, caller, key_from, key_of
from app.api.process_instances import SEARCHABLE
from app.api.schemas import after_key, before_key, operation_reference
from app.api.schemas import key as key_field
from app.audit.reasons import LONGEST_REASON
from app.errors import Invalid, NotFound
from app.identity.freshness import require_fresh_or_machine
from app.identity.person import Person
from app.runtime import releases
from app.runtime.batches import LARGEST, BatchItem, BatchOperation, Doing, doings
from app.runtime.models import Instance, InstanceStatus, ProcessDefinition
from app.store.database import db
from app.workshop import moves, moving, planning, telling
from app.workshop.asking import AT_MOST, Asked, by_versions, require_mover

BATCH_TYPE = "MIGRATE_PROCESS_INSTANCE"
MOVES_SHOWN, ITEMS_SHOWN = 50, 1_000
_KEY = validate.Regexp(r"^[0-9]{1,19}$")
_ELEMENT = validate.Length(1, 300)

blueprint = Blueprint("moving", "Moving running cases to another release")


class MigrationInstruction(Schema):
    """One element that has another id in the other release; ``process/element`` for a called process."""

    sourceElementId = fields.String(required=True, validate=_ELEMENT)
    targetElementId = fields.String(required=True, validate=_ELEMENT)


class Migration(Schema):
    """Where one instance moves to. Elements that are not mapped keep their ids."""

    targetProcessDefinitionKey = fields.String(required=True, validate=_KEY)
    mappingInstructions = fields.List(
        fields.Nested(MigrationInstruction), required=True, validate=validate.Length(max=2_000)
    )
    operationReference = operation_reference()


class BatchMigration(Schema):
    """Which instances move, and where to."""

    filter = fields.Dict(keys=fields.String(), required=True)
    migrationPlan = fields.Nested(Migration, required=True)
    operationReference = operation_reference()


class MoveAsked(Schema):
    """A move: by version numbers of a process, or by the key of the version to move to."""

    processDefinitionId = fields.String(validate=validate.Length(1, 120))
    sourceVersion = fields.Integer(strict=True, validate=validate.Range(1, 2**31 - 1))
    targetVersion = fields.Integer(strict=True, validate=validate.Range(1, 2**31 - 1))
    targetProcessDefinitionKey = fields.String(validate=_KEY)
    mappingInstructions = fields.List(
        fields.Nested(MigrationInstruction), load_default=list, validate=validate.Length(max=2_000)
    )
    processInstanceKeys = fields.List(fields.String(validate=_KEY), validate=validate.Length(1, AT_MOST))
    recomputeDeadlines = fields.List(
        fields.String(validate=validate.Length(1, 120)), load_default=list, validate=validate.Length(max=100)
    )
    reason = fields.String(
        load_default="", validate=[validate.Length(max=LONGEST_REASON), validate.ContainsNoneOf("\0")]
    )


class MoveReason(Schema):
    reason = fields.String(required=True)
    instances = fields.Integer(required=True)


class MoveObstacle(Schema):
    processDefinitionId = fields.String(required=True)
    elementId = fields.String(required=True, allow_none=True)
    message = fields.String(required=True)
    remedy = fields.String(required=True)


class MoveTask(Schema):
    processDefinitionId = fields.String(required=True)
    elementId = fields.String(required=True)
    targetElementId = fields.String(required=True)
    name = fields.String(required=True)
    formId = fields.String(required=True, allow_none=True)
    formChanged = fields.Boolean(required=True)
    changed = fields.List(fields.String(), required=True)
    offeredAgain = fields.Boolean(required=True)


class MoveDraft(Schema):
    elementId = fields.String(required=True)
    people = fields.Integer(required=True)
    answersWithoutPlace = fields.Integer(required=True)


class MoveTimer(Schema):
    processDefinitionId = fields.String(required=True)
    elementId = fields.String(required=True)
    what = fields.String(required=True, validate=validate.OneOf(["kept", "recomputed", "new", "gone"]))
    due = fields.String(required=True, allow_none=True)
    wouldBe = fields.String(required=True, allow_none=True)
    deadlines = fields.List(fields.String(), required=True)


class MoveDeadline(Schema):
    processDefinitionId = fields.String(required=True)
    elementId = fields.String(required=True)
    name = fields.String(required=True, allow_none=True)
    due = fields.String(required=True, allow_none=True)
    wouldBe = fields.String(required=True, allow_none=True)
    moves = fields.Boolean(required=True)


class MoveCase(Schema):
    """One case of a plan: its key and the diagram's elements, and nothing of what it is about."""

    processInstanceKey = key_field("The instance's key")
    version = fields.Integer(required=True)
    canMove = fields.Boolean(required=True)
    obstacles = fields.List(fields.Nested(MoveObstacle), required=True)
    notes = fields.List(fields.String(), required=True)
    tasks = fields.List(fields.Nested(MoveTask), required=True)
    drafts = fields.List(fields.Nested(MoveDraft), required=True)
    timers = fields.List(fields.Nested(MoveTimer), required=True)
    deadlines = fields.List(fields.Nested(MoveDeadline), required=True)


class MovePlan(Schema):
    processDefinitionId = fields.String(required=True)
    sourceVersion = fields.Integer(required=True, allow_none=True)
    targetVersion = fields.Integer(required=True)
    targetProcessDefinitionKey = key_field("The version to move to")
    mapping = fields.Dict(keys=fields.String(), values=fields.String(), required=True)
    recomputeDeadlines = fields.List(fields.String(), required=True)
    instances = fields.Integer(required=True)
    canMove = fields.Integer(required=True)
    cannotMove = fields.Integer(required=True)
    reasons = fields.List(fields.Nested(MoveReason), required=True)
    cases = fields.List(fields.Nested(MoveCase), required=True)


class MoveRefusal(Schema):
    processInstanceKey = key_field("The instance's key")
    reason = fields.String(required=True)


class MoveProgress(Schema):
    """How a move stands."""

    moveKey = key_field("The move's key")
    state = fields.String(required=True, validate=validate.OneOf(["running", "stopped", "done", "undoing", "undone"]))
    processDefinitionId = fields.String(required=True)
    sourceVersion = fields.Integer(required=True, allow_none=True)
    targetVersion = fields.Integer(required=True)
    requestedAt = fields.String(required=True)
    undoAt = fields.String(required=True, allow_none=True)
    instances = fields.Integer(required=True)
    moved = fields.Integer(required=True)
    failed = fields.Integer(required=True)
    undone = fields.Integer(required=True)
    left = fields.Integer(required=True)
    stopped = fields.Integer(required=True)
    canGoBack = fields.Integer(required=True)
    refusals = fields.List(fields.Nested(MoveRefusal), required=True)


class MoveProgressList(Schema):
    items = fields.List(fields.Nested(MoveProgress), required=True)
    truncated = fields.Boolean(
        required=True, metadata={"description": "There are more: ask again with the last one's key as `before`"}
    )


class MoveItem(Schema):
    processInstanceKey = key_field("The instance's key")
    state = fields.String(required=True)
    reason = fields.String(required=True, allow_none=True)
    at = fields.String(required=True, allow_none=True)
    canGoBack = fields.Boolean(required=True)


class MoveItemList(Schema):
    items = fields.List(fields.Nested(MoveItem), required=True)


class MovesAsked(Schema):
    """Which page: the moves before this one."""

    before = before_key()


class ItemsAsked(Schema):
    """Which page: the cases after this key."""

    after = after_key()


# ------------------------------------------------------------------------------------------------ the contract
@blueprint.route("/process-instances/<key>/migration", methods=["POST"])
@blueprint.arguments(Migration)
@blueprint.response(204)
def migrate(asked: dict[str, Any], key: str) -> Response:
    """Migrate a process instance.

    At once, and whole or not at all. What stands in the way is told (409), each with the element and the remedy.
    """
    person = caller()
    require_mover(person, person.area_key)
    row = db.session.get(Instance, key_from(key))
    if row is None or row.area_key != area_of(person):
        raise NotFound("There is no such instance.", resource_id=key)
    require_fresh_or_machine(person)
    moving.move_now(person, row.key, Asked(target=_target(person, asked), mapping=_mapping(asked)))
    return Response(status=204)


@blueprint.route("/process-instances/migration", methods=["POST"])
@blueprint.arguments(BatchMigration)
@blueprint.response(200, batches.Begun)
def migrate_batch(asked: dict[str, Any]) -> dict[str, Any]:
    """Migrate process instances (batch).

    The running instances that the filter finds, among those of the process of the version to move to. The batch operation
    is a move of the same key, which can be undone.
    """
    person = caller()
    require_mover(person, person.area_key)
    require_fresh_or_machine(person)
    plan = asked["migrationPlan"]
    target, mapping = _target(person, plan), _mapping(plan)
    checked = Asked(target=target, mapping=mapping)
    keys = [(key, key) for key in found(target, asked["filter"])]
    begun = batches.begin(person, BATCH_TYPE, keys, Permission.INSTANCE_MOVE)
    moves.record(person, checked, key=int(begun["batchOperationKey"]))
    return begun


def found(target: ProcessDefinition, given: dict[str, Any]) -> list[int]:
    """The running instances of a process that a filter of the contract finds, besides those that are there already; one
    more at most than can be acted on."""
    query = (
        select(Instance.key)
        .join(ProcessDefinition, ProcessDefinition.key == Instance.definition_key)
        .where(
            Instance.area_key == target.area_key,
            Instance.process_id == target.process_id,
            Instance.status == InstanceStatus.ACTIVE,
            Instance.definition_key != target.key,
            *search.conditions(SEARCHABLE, given),
        )
    )
    return list(db.session.execute(query.order_by(Instance.key).limit(LARGEST + 1)).scalars())


def _migrate(operation: BatchOperation, item: BatchItem) -> None:
    """One instance of a batch, on behalf of whoever asked; that they may is asked before each round."""
    moving.move_one_of(operation.key, item.item_key)


def _taken_over(operation: BatchOperation, by: int) -> None:
    moves.taken_over(operation.key, by)


def _stopped(operation: BatchOperation) -> None:
    moves.batch_stopped(operation.key)


def register_jobs() -> None:
    """Say how one instance of a batch is migrated; call once at start-up."""
    doings[BATCH_TYPE] = Doing(_migrate, batches.why_not, _taken_over, _stopped)


def _target(person: Person, asked: dict[str, Any]) -> ProcessDefinition:
    """:raises InstanceNotFound: no such version in the person's area."""
    return releases.definition(key_from(asked["targetProcessDefinitionKey"]), area_key=area_of(person))


def _mapping(asked: dict[str, Any]) -> dict[str, str]:
    """:raises Invalid: one element twice."""
    pairs: dict[str, str] = {}
    for each in asked["mappingInstructions"]:
        old, new = each["sourceElementId"], each["targetElementId"]
        if pairs.setdefault(old, new) != new:
            raise Invalid(f"The element {old} is mapped twice.", resource_id=old)
    return pairs


# ------------------------------------------------------------------------------------------------ our own
def _asked(person: Person, asked: dict[str, Any]) -> Asked:
    more = {
        "mapping": _mapping(asked),
        "instances": [int(key) for key in asked["processInstanceKeys"]] if "processInstanceKeys" in asked else None,
        "recompute": tuple(asked["recomputeDeadlines"]),
        "reason": asked["reason"].strip(),
    }
    by_key, by_id = asked.get("targetProcessDefinitionKey"), asked.get("processDefinitionId")
    if (by_key is None) == (by_id is None) or (by_key is not None and "targetVersion" in asked):
        raise Invalid("Name the version to move to by its key, or by processDefinitionId and targetVersion.")
    if by_id is not None:
        return by_versions(area_of(person), by_id, asked.get("sourceVersion"), asked.get("targetVersion"), **more)
    target = _target(person, asked)
    source = asked.get("sourceVersion")
    known = releases.find_definition(target.area_key, target.process_id, source) if source is not None else None
    return Asked(target=target, source=known, **more)


@blueprint.searching("/convenor/moves/plan")
@blueprint.arguments(MoveAsked)
@blueprint.response(200, MovePlan)
def plan_move(asked: dict[str, Any]) -> dict[str, Any]:
    """Plan a move: which cases can, which cannot and why, what would change. Nothing is touched."""
    person = caller()
    require_mover(person, person.area_key)
    return telling.plan(planning.plan(person, _asked(person, asked)))


@blueprint.route("/convenor/moves", methods=["POST"])
@blueprint.arguments(MoveAsked)
@blueprint.response(202, MoveProgress)
def start_move(asked: dict[str, Any]) -> dict[str, Any]:
    """Begin a move. The cases follow one by one; those that cannot move stay, each with the reason."""
    person = caller()
    require_mover(person, person.area_key)
    require_fresh_or_machine(person)
    row = moves.start(person, _asked(person, asked))
    return telling.progress(moves.progress_of(row))


@blueprint.route("/convenor/moves")
@blueprint.arguments(MovesAsked, location="query")
@blueprint.response(200, MoveProgressList)
def list_moves(asked: dict[str, Any]) -> dict[str, Any]:
    """List the moves of the area, newest first, fifty at a time."""
    found = moves.latest(caller(), MOVES_SHOWN + 1, below=key_of(asked["before"]))
    return {
        "items": [telling.progress(each) for each in found[:MOVES_SHOWN]],
        "truncated": len(found) > MOVES_SHOWN,
    }


@blueprint.route("/convenor/moves/<key>")
@blueprint.response(200, MoveProgress)
def get_move(key: str) -> dict[str, Any]:
    """Get how a move stands."""
    return telling.progress(moves.progress(caller(), key_from(key)))


@blueprint.route("/convenor/moves/<key>/cases")
@blueprint.arguments(ItemsAsked, location="query")
@blueprint.response(200, MoveItemList)
def list_cases(asked: dict[str, Any], key: str) -> dict[str, Any]:
    """List the cases of a move, a thousand at a time."""
    rows = moves.items(caller(), key_from(key), key_from(asked["after"]), ITEMS_SHOWN)
    return {"items": [telling.item(each) for each in rows]}


@blueprint.route("/convenor/moves/<key>/undo", methods=["POST"])
@blueprint.response(202, MoveProgress)
def undo_move(key: str) -> dict[str, Any]:
    """Move back every case in which nothing has happened since; what has not moved yet stays."""
    person = caller()
    moves.find(person, key_from(key))
    require_fresh_or_machine(person)
    row = moves.undo(person, key_from(key))
    return telling.progress(moves.progress_of(row))


@blueprint.route("/convenor/moves/<key>/resumption", methods=["POST"])
@blueprint.response(202, MoveProgress)
def resume_move(key: str) -> dict[str, Any]:
    """Take over a move that has stopped because whoever asked for it is no process owner any more; it goes on in your name."""
    person = caller()
    moves.find(person, key_from(key))
    require_fresh_or_machine(person)
    row = moves.resume(person, key_from(key))
    return telling.progress(moves.progress_of(row))
