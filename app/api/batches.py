"""Batch operations: one act on many instances, in the background for whoever asked. What they may do is asked again for each."""

from __future__ import annotations

from typing import Any

from flask import Response
from marshmallow import Schema, fields, validate
from sqlalchemy import or_, select

from app import audit
from app.access import decide
from app.access.facts import AreaFacts
from app.access.permissions import Permission
from app.api import batch_notices, drawing, incidents, process_instances, search, seeing
from app.api.attributes import Attribute, Kind, always
from app.api.blueprints import Blueprint, area_of, caller, key_from
from app.api.modification import modify_as
from app.api.moments import moment
from app.api.schemas import Operation, PageTold, SearchQuery, key, nullable_text, operation_reference
from app.api.search import Searchable
from app.errors import Invalid, NotFound
from app.identity import register
from app.identity.freshness import require_fresh_or_machine
from app.identity.models import User
from app.identity.person import Person
from app.runtime import batches, modifying
from app.runtime.batches import BatchItem, BatchItemState, BatchOperation, BatchState, Doing
from app.runtime.models import Incident, IncidentState, Instance, InstanceStatus, ProcessDefinition
from app.store.database import db
from app.store.jobs import Handler, handlers

CANCEL, RESOLVE, MODIFY = "CANCEL_PROCESS_INSTANCE", "RESOLVE_INCIDENT", "MODIFY_PROCESS_INSTANCE"
TYPES = (
    "ADD_VARIABLE",
    CANCEL,
    "DELETE_DECISION_DEFINITION",
    "DELETE_DECISION_INSTANCE",
    "DELETE_PROCESS_DEFINITION",
    "DELETE_PROCESS_INSTANCE",
    "MIGRATE_PROCESS_INSTANCE",
    MODIFY,
    RESOLVE,
    "RESUME_PROCESS_INSTANCE",
    "SUSPEND_PROCESS_INSTANCE",
    "UPDATE_JOB",
    "UPDATE_VARIABLE",
)

blueprint = Blueprint("batch-operations", "One act on many instances")

_actor = select(User.username).where(User.key == BatchOperation.created_by).scalar_subquery()
_type = Attribute(BatchOperation.type.expression, words={word: word for word in TYPES})

SEARCHABLE = Searchable(
    attributes={
        "batchOperationKey": Attribute(BatchOperation.key.expression, Kind.KEY),
        "operationType": _type,
        "state": Attribute(
            BatchOperation.state.expression, words={**{str(s): str(s) for s in BatchState}, "FAILED": None}
        ),
        "actorType": always("USER", "ANONYMOUS", "CLIENT", "UNKNOWN"),
        "actorId": Attribute(_actor, nullable=True),
    },
    sortable_only={
        "startDate": Attribute(BatchOperation.started_at.expression, Kind.MOMENT),
        "endDate": Attribute(BatchOperation.ended_at.expression, Kind.MOMENT, nullable=True),
    },
    key=BatchOperation.key.expression,
)
ITEMS = Searchable(
    attributes={
        "batchOperationKey": Attribute(BatchItem.operation_key.expression, Kind.KEY),
        "itemKey": Attribute(BatchItem.item_key.expression, Kind.KEY),
        "processInstanceKey": Attribute(BatchItem.instance_key.expression, Kind.KEY),
        "state": Attribute(BatchItem.state.expression, words={str(each): str(each) for each in BatchItemState}),
        "operationType": _type,
    },
    sortable_only={"processedDate": Attribute(BatchItem.processed_at.expression, Kind.MOMENT, nullable=True)},
    key=BatchItem.key.expression,
)


# ------------------------------------------------------------------------------------------------ shapes
class OnMany(Schema):
    """Which instances: a filter as in the search of process instances."""

    filter = fields.Dict(keys=fields.String(), required=True)
    operationReference = operation_reference()


class MoveMany(Schema):
    sourceElementId = fields.String(required=True, validate=validate.Length(1, 120))
    targetElementId = fields.String(required=True, validate=validate.Length(1, 120))


class ModifyMany(OnMany):
    moveInstructions = fields.List(fields.Nested(MoveMany), required=True, validate=validate.Length(1, 100))


class Begun(Schema):
    batchOperationKey = key("The operation's key")
    batchOperationType = fields.String(required=True)


class BatchSchema(Schema):
    batchOperationKey = key("The operation's key")
    state = fields.String(required=True)
    batchOperationType = nullable_text()
    startDate = moment(nullable=True)
    endDate = moment(nullable=True)
    actorType = nullable_text()
    actorId = nullable_text()
    operationsTotalCount = fields.Integer(required=True)
    operationsFailedCount = fields.Integer(required=True)
    operationsCompletedCount = fields.Integer(required=True)
    errors = fields.List(fields.Dict(), required=True)


class Batches(Schema):
    items = fields.List(fields.Nested(BatchSchema), required=True)
    page = fields.Nested(PageTold, required=True)


class BatchItemSchema(Schema):
    operationType = fields.String(required=True)
    batchOperationKey = key("The operation's key")
    itemKey = key("The instance or the incident")
    processInstanceKey = key("The instance's key", nullable=True)
    rootProcessInstanceKey = key("The same", nullable=True)
    state = fields.String(required=True)
    processedDate = moment(nullable=True)
    errorMessage = nullable_text()


class BatchItems(Schema):
    items = fields.List(fields.Nested(BatchItemSchema), required=True)
    page = fields.Nested(PageTold, required=True)


# ------------------------------------------------------------------------------------------------ beginning
def begin(
    person: Person, type_: str, items: list[tuple[int, int]], needs: Permission | None, **plan: Any
) -> dict[str, Any]:
    """Begin an operation on items, (key, instance key) each, and tell of it.

    :param needs: what the person must still be allowed before each round.
    :raises Invalid: they are too many.
    """
    if len(items) > batches.LARGEST:
        raise Invalid(f"That would be more than {batches.LARGEST} at once. Narrow the filter.", resource_id="filter")
    plan["needs"] = needs
    operation = batches.begin(type_, items, area_key=person.area_key or 0, by=person.key, plan=plan)
    audit.record("batch.begin", actor=person, subject=f"batch:{operation.key}", detail=type_)
    return {"batchOperationKey": str(operation.key), "batchOperationType": type_}


def instances(person: Person, wanted: dict[str, Any]) -> list[tuple[int, int]]:
    """The running instances that the person may see and the filter finds; one more at most than can be acted on."""
    query = seeing.visible(person).where(
        Instance.status == InstanceStatus.ACTIVE, *search.conditions(process_instances.SEARCHABLE, wanted)
    )
    found = db.session.execute(
        query.with_only_columns(Instance.key, maintain_column_froms=True)
        .order_by(Instance.key)
        .limit(batches.LARGEST + 1)
    ).scalars()
    return [(each, each) for each in found]


@blueprint.route("/process-instances/cancellation", methods=["POST"])
@blueprint.arguments(OnMany)
@blueprint.response(200, Begun)
def cancel_many(asked: dict[str, Any]) -> dict[str, Any]:
    """Cancel process instances (batch): those of the filter that the person may see. Each is cancelled, or refused, as it
    would be by itself."""
    person = caller()
    require_fresh_or_machine(person)
    by_office = decide.allowed(person, Permission.INSTANCE_CANCEL, _facts(person.area_key))
    needs = Permission.INSTANCE_CANCEL if by_office else None  # else they cancel what they have started themselves
    return begin(person, CANCEL, instances(person, asked["filter"]), needs)


@blueprint.route("/process-instances/modification", methods=["POST"])
@blueprint.arguments(ModifyMany)
@blueprint.response(200, Begun)
def modify_many(asked: dict[str, Any]) -> dict[str, Any]:
    """Modify process instances (batch): tokens of one element are moved to another."""
    person = caller()
    area_key = area_of(person)
    decide.require(person, Permission.INSTANCE_MODIFY, seeing.facts_of_area(area_key))
    require_fresh_or_machine(person)
    moves = [[each["sourceElementId"], each["targetElementId"]] for each in asked["moveInstructions"]]
    return begin(person, MODIFY, instances(person, asked["filter"]), Permission.INSTANCE_MODIFY, moves=moves)


@blueprint.route("/process-instances/incident-resolution", methods=["POST"])
@blueprint.arguments(OnMany)
@blueprint.response(200, Begun)
def resolve_many(asked: dict[str, Any]) -> dict[str, Any]:
    """Resolve related incidents (batch): what stopped in the instances of the filter is tried again."""
    person = caller()
    found = _incidents(person, asked["filter"])
    require_fresh_or_machine(person)
    return begin(person, RESOLVE, found, Permission.INCIDENT_RETRY)


@blueprint.route("/process-instances/<key>/incident-resolution", methods=["POST"])
@blueprint.arguments(Operation, required=False)
@blueprint.response(200, Begun)
def resolve_of_instance(asked: dict[str, Any], key: str) -> dict[str, Any]:
    """Resolve related incidents: everything that has stopped in one instance is tried again."""
    person = caller()
    found = _incidents(person, {"processInstanceKey": str(key_from(key))})
    if not found:
        incidents.require_known(person, key)
    return begin(person, RESOLVE, found, Permission.INCIDENT_RETRY)


def _incidents(person: Person, wanted: dict[str, Any]) -> list[tuple[int, int]]:
    decide.require(person, Permission.INCIDENT_RETRY, AreaFacts(person.area_key))
    query = (
        incidents.visible(person)
        .join(ProcessDefinition, ProcessDefinition.key == Instance.definition_key)
        .where(
            Incident.state == IncidentState.ACTIVE,
            *search.conditions(process_instances.SEARCHABLE, wanted),
        )
    )
    rows = db.session.execute(
        query.with_only_columns(Incident.key, Incident.instance_key, maintain_column_froms=True)
        .order_by(Incident.key)
        .limit(batches.LARGEST + 1)
    )
    return [(key_, instance_key) for key_, instance_key in rows if instance_key is not None]


# ------------------------------------------------------------------------------------------------ doing
def _cancel(operation: BatchOperation, item: BatchItem) -> None:
    process_instances.cancel_as(register.person_for(operation.created_by), str(item.item_key))


def _resolve(operation: BatchOperation, item: BatchItem) -> None:
    incidents.resolve_as(register.person_for(operation.created_by), str(item.item_key))


def _modify(operation: BatchOperation, item: BatchItem) -> None:
    moves = [
        modifying.Move(modifying.End(source), modifying.Begin(target)) for source, target in operation.plan["moves"]
    ]
    modify_as(register.person_for(operation.created_by), str(item.item_key), modifying.Changes(move=moves))


def why_not(operation: BatchOperation, user_key: int) -> str | None:
    """Why a person may not do an operation as things stand: shut out since, or without the role it takes."""
    user = db.session.get(User, user_key, populate_existing=True)
    if user is None or not user.active:
        return "Whoever asked for this has been shut out since. Somebody else who may do it can take it over."
    needs = operation.plan.get("needs")
    if needs and not decide.allowed(
        register.person_for(user_key), Permission(needs), _facts(operation.area_key or None)
    ):
        return "Whoever asked for this may not do it any more. Somebody else who may do it can take it over."
    return None


def _facts(area_key: int | None) -> AreaFacts:
    return AreaFacts(None) if area_key is None else seeing.facts_of_area(area_key)


def register_jobs() -> None:
    """Say how each type is done, and register the handler of the rounds; call once at start-up."""
    for type_, act in ((CANCEL, _cancel), (RESOLVE, _resolve), (MODIFY, _modify)):
        batches.doings[type_] = Doing(act, why_not, stopped=batch_notices.stopped)
    handlers.register(batches.JOB, Handler(batches.run_round, batches.round_failed))


# ------------------------------------------------------------------------------------------------ looking, steering
def visible(person: Person) -> search.Query:
    """The person's own operations, and those of the area for who looks after it."""
    own = BatchOperation.created_by == person.key
    if not decide.allowed(person, Permission.BATCH_READ, AreaFacts(person.area_key)):
        return select(BatchOperation).where(own)
    if person.area_key is None:
        return select(BatchOperation)
    return select(BatchOperation).where(or_(own, BatchOperation.area_key == person.area_key))


def _find(person: Person, operation_key: str, *, to_steer: bool = False) -> BatchOperation:
    query = visible(person).where(BatchOperation.key == key_from(operation_key))
    if to_steer:
        query = query.with_for_update()
    found: BatchOperation | None = db.session.execute(query).scalar_one_or_none()
    if found is None:
        raise NotFound("There is no such batch operation.", resource_id=operation_key)
    may_take_over = found.stopped is not None and why_not(found, person.key) is None
    if to_steer and found.created_by != person.key and not may_take_over:
        decide.require(person, Permission.INCIDENT_RETRY, AreaFacts(found.area_key or None), resource_id=operation_key)
    return found


def _drawn(rows: list[BatchOperation]) -> list[dict[str, Any]]:
    people = drawing.usernames(row.created_by for row in rows)
    return [
        {
            "batchOperationKey": str(row.key),
            "state": row.state,
            "batchOperationType": row.type,
            "startDate": row.started_at,
            "endDate": row.ended_at,
            "actorType": "USER",
            "actorId": people.get(row.created_by),
            "operationsTotalCount": row.total,
            "operationsFailedCount": row.failed,
            "operationsCompletedCount": row.completed,
            # The contract has two words for what can go wrong with a whole operation; the message says what did.
            "errors": [{"partitionId": 1, "type": "QUERY_FAILED", "message": row.stopped}] if row.stopped else [],
        }
        for row in rows
    ]


@blueprint.searching("/batch-operations/search")
@blueprint.arguments(SearchQuery, required=False)
@blueprint.response(200, Batches)
def search_batches(asked: dict[str, Any]) -> dict[str, Any]:
    """Search batch operations."""
    found = search.run(visible(caller()), SEARCHABLE, asked)
    return {"items": _drawn(found.rows), "page": found.page}


@blueprint.route("/batch-operations/<key>")
@blueprint.response(200, BatchSchema)
def get_batch(key: str) -> dict[str, Any]:
    """Get a batch operation: how far it is."""
    return _drawn([_find(caller(), key)])[0]


@blueprint.searching("/batch-operation-items/search")
@blueprint.arguments(SearchQuery, required=False)
@blueprint.response(200, BatchItems)
def search_items(asked: dict[str, Any]) -> dict[str, Any]:
    """Search batch operation items: what was done with each, and why something was refused."""
    of_operation = select(BatchItem, BatchOperation.type).join(
        BatchOperation, BatchOperation.key == BatchItem.operation_key
    )
    mine = visible(caller()).with_only_columns(BatchOperation.key)
    query = of_operation.where(BatchItem.operation_key.in_(mine))
    return search.run(query, ITEMS, asked).answer(lambda row: _item(*row))


def _item(item: BatchItem, type_: str) -> dict[str, Any]:
    return {
        "operationType": type_,
        "batchOperationKey": str(item.operation_key),
        "itemKey": str(item.item_key),
        "processInstanceKey": str(item.instance_key),
        "rootProcessInstanceKey": str(item.instance_key),
        "state": item.state,
        "processedDate": item.processed_at,
        "errorMessage": item.error,
    }


def _steer(operation_key: str, how: Any, action: str) -> Response:
    person = caller()
    operation = _find(person, operation_key, to_steer=True)
    how(operation, person)
    audit.record(f"batch.{action}", actor=person, subject=f"batch:{operation.key}")
    return Response(status=204)


@blueprint.route("/batch-operations/<key>/suspension", methods=["POST"])
@blueprint.response(204)
def suspend(key: str) -> Response:
    """Suspend a batch operation."""
    return _steer(key, lambda operation, _: batches.suspend(operation), "suspend")


@blueprint.route("/batch-operations/<key>/resumption", methods=["POST"])
@blueprint.response(204)
def resume(key: str) -> Response:
    """Resume a batch operation.

    One that has stopped because whoever asked for it may not do it any more goes on in the name of whoever resumes it.
    """
    return _steer(key, _resume, "resume")


def _resume(operation: BatchOperation, person: Person) -> None:
    if operation.stopped:
        require_fresh_or_machine(person)
    batches.resume(operation, by=person.key)


@blueprint.route("/batch-operations/<key>/cancellation", methods=["POST"])
@blueprint.response(204)
def cancel(key: str) -> Response:
    """Cancel a batch operation. What is done stays done."""
    return _steer(key, lambda operation, _: batches.cancel(operation), "cancel")
