"""User tasks: find, look at, take, pass on, complete. Completing sends the form's answers."""

from __future__ import annotations

from typing import Any

from flask import Response
from sqlalchemy import ColumnElement, String, cast, exists, literal, select

from app import audit
from app.access.permissions import Permission
from app.api import drawing, inside, listing, scanning, search, seeing
from app.api.attributes import TENANT, Attribute, Kind, element, tenant
from app.api.blueprints import Blueprint, caller, key_from
from app.api.schemas import (
    Assignment,
    FormSchema,
    SearchQuery,
    TaskCompletion,
    UserTasks,
    UserTaskSchema,
    Variables,
)
from app.api.search import Opening, Searchable
from app.api.values import ValuesAsked, told
from app.api.work_items import answers_of, known
from app.cases.models import Case
from app.errors import Conflict, Invalid
from app.identity import register
from app.identity.models import User
from app.identity.person import Person
from app.runtime import elements, releases
from app.runtime import service as runtime
from app.runtime.elements import ScopedVariable
from app.runtime.models import ProcessDefinition
from app.store.database import db
from app.work import completion, items, reach
from app.work.eligibility import allowed
from app.work.errors import HeldByAnother, UnknownItem
from app.work.inhand import take
from app.work.models import BY_NAME, Candidate, ItemState, WorkItem

BY_API = "Handed over through the API."

blueprint = Blueprint("user-tasks", "The work list")

_assignee = select(User.username).where(User.key == WorkItem.assignee).correlate(WorkItem).scalar_subquery()


def _offered_to_role(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    return exists().where(Candidate.item_key == WorkItem.key, condition)


def _offered_by_name(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    return exists().where(Candidate.item_key == WorkItem.key, Candidate.role.startswith(BY_NAME), condition)


_candidate = (
    select(User.username)
    .where(literal(BY_NAME).concat(cast(User.key, String)) == Candidate.role)
    .correlate(Candidate)
    .scalar_subquery()
)

_reference = select(Case.reference).where(Case.key == WorkItem.case_key).correlate(WorkItem).scalar_subquery()

SEARCHABLE = Searchable(
    attributes={
        "state": Attribute(
            WorkItem.state.expression,
            words={
                **{word: str(state) for state, word in drawing.ITEM_STATES.items()},
                **dict.fromkeys(("ASSIGNING", "CANCELING", "COMPLETING", "CREATING", "FAILED", "UPDATING")),
            },
        ),
        "assignee": Attribute(_assignee, nullable=True),
        "priority": Attribute(WorkItem.priority.expression, Kind.NUMBER),
        "elementId": Attribute(WorkItem.element_id.expression),
        "name": Attribute(WorkItem.name.expression),
        "candidateGroup": Attribute(Candidate.role.expression, within=_offered_to_role, sortable=False),
        "candidateUser": Attribute(_candidate, within=_offered_by_name, sortable=False),
        "tenantId": tenant(),
        "processDefinitionId": Attribute(WorkItem.process_id.expression),
        "creationDate": Attribute(WorkItem.created_at.expression, Kind.MOMENT),
        "completionDate": Attribute(WorkItem.completed_at.expression, Kind.MOMENT, nullable=True),
        "followUpDate": Attribute(WorkItem.follow_up_at.expression, Kind.MOMENT, nullable=True),
        "dueDate": Attribute(WorkItem.due_at.expression, Kind.MOMENT, nullable=True),
        "userTaskKey": Attribute(WorkItem.key.expression, Kind.KEY),
        "processDefinitionKey": Attribute(ProcessDefinition.key.expression, Kind.KEY),
        "elementInstanceKey": element(WorkItem.instance_key.expression, WorkItem.task_id.expression),
        "processInstanceKey": Attribute(WorkItem.instance_key.expression, Kind.KEY),
        "businessId": Attribute(_reference, nullable=True),
    },
    key=WorkItem.key.expression,
    opening=Opening(scanning.TASK_FILTERS, scanning.holding_variables),
)


# With the process that each is drawn in.
_TASKS = select(WorkItem, ProcessDefinition).join(
    ProcessDefinition,
    (ProcessDefinition.release_key == WorkItem.release_key) & (ProcessDefinition.process_id == WorkItem.process_id),
)


def _drawn(rows: list[Any]) -> list[dict[str, Any]]:
    people = drawing.usernames(key for item, _ in rows for key in (item.assignee, *item.candidate_users))
    known = drawing.references(item.case_key for item, _ in rows)
    return [drawing.user_task(item, of, people, known) for item, of in rows]


def _may_take(person: Person, key: str) -> WorkItem:
    """A task whose form and variables the person may have: one that is offered to them or that they hold.

    :raises UnknownItem: none.
    """
    item = items.load(key_from(key))
    if not allowed(person, Permission.WORK_ITEM_OPEN, item):
        raise UnknownItem("There is no such task.", resource_id=key)
    return item


@blueprint.searching("/user-tasks/search")
@blueprint.arguments(SearchQuery, required=False)
@blueprint.response(200, UserTasks)
def search_tasks(asked: dict[str, Any]) -> dict[str, Any]:
    """Search user tasks.

    Those that the person may know of: offered to them by role or by name, held or done by them, or theirs to oversee.
    """
    person = caller()
    found = search.run(_TASKS.where(reach.known_to(person)), SEARCHABLE, asked, reach.asker(person))
    return {"items": _drawn(found.rows), "page": found.page}


@blueprint.route("/user-tasks/<key>")
@blueprint.response(200, UserTaskSchema)
def get_task(key: str) -> dict[str, Any]:
    """Get a user task."""
    item = known(key)
    query = select(ProcessDefinition).where(
        ProcessDefinition.release_key == item.release_key, ProcessDefinition.process_id == item.process_id
    )
    return _drawn([(item, db.session.execute(query).scalar_one())])[0]


@blueprint.route("/user-tasks/<key>/form")
@blueprint.response(200, FormSchema)
@blueprint.alt_response(204, description="It has no form")
def get_form(key: str) -> Any:
    """Get the form of a user task."""
    item = _may_take(caller(), key)
    if item.form_id is None:
        return Response(status=204)
    return {
        "tenantId": TENANT,
        "formId": item.form_id,
        "schema": releases.form(item.release_key, item.form_id).decode(),
        "version": releases.release(item.release_key).number,
        "formKey": drawing.form_keys(item.release_key)[item.form_id],
    }


def _seen(item: WorkItem, person: Person) -> dict[str, Any]:
    """The variables of a task. What its case or meeting knows besides is for those alone who may look into that."""
    row = runtime.instance(item.instance_key)
    about_nobody = row.case_key is None and row.meeting_key is None
    of = (row, releases.definition(row.definition_key))
    if about_nobody or seeing.open_to(person, [of], Permission.ENGINE_VARIABLE_READ):
        return dict(runtime.plain_variables(item.instance_key, item.task_id))
    wf = elements.opened(row)
    scoped = elements.variables_by_scope(wf) if wf is not None else ()
    return {each.name: each.value for each in scoped if each.scope == item.task_id}


def _variables_of(key: str, asked: dict[str, Any], how: dict[str, Any]) -> dict[str, Any]:
    person = caller()
    item = _may_take(person, key)
    if item.dossier_key is not None:
        audit.view(
            person, "task-variables", subject=f"item:{item.key}", case_key=item.case_key, meeting_key=item.meeting_key
        )
    seen = _seen(item, person) if item.state == ItemState.OPEN else {}
    found = inside.drawn_variables(item.instance_key, [ScopedVariable(0, name, value) for name, value in seen.items()])
    return told(listing.run(found, inside.VARIABLES, asked), how)


@blueprint.route("/user-tasks/<key>/variables/search", methods=["POST"])
@blueprint.arguments(SearchQuery, required=False)
@blueprint.arguments(ValuesAsked, location="query")
@blueprint.response(200, Variables)
def search_variables(asked: dict[str, Any], how: dict[str, Any], key: str) -> dict[str, Any]:
    """Search the variables of a user task, for whoever may take it while it is open: those that it sees; of a case or a meeting
    those of the task itself, to whoever may not look into the rest."""
    return _variables_of(key, asked, how)


@blueprint.route("/user-tasks/<key>/effective-variables/search", methods=["POST"])
@blueprint.arguments(SearchQuery, required=False)
@blueprint.arguments(ValuesAsked, location="query")
@blueprint.response(200, Variables)
def search_effective_variables(asked: dict[str, Any], how: dict[str, Any], key: str) -> dict[str, Any]:
    """Search the variables of a user task: the same, since an inner variable hides an outer one of its name."""
    return _variables_of(key, asked, how)


@blueprint.route("/user-tasks/<key>/assignment", methods=["POST"])
@blueprint.arguments(Assignment)
@blueprint.response(204)
def assign(asked: dict[str, Any], key: str) -> Response:
    """Assign a user task: claim it for oneself, or hand it over to somebody who may take it.

    The assignee is a user name. `action` is the reason of a hand-over. With `allowOverride` false, a task that
    somebody holds is left with them.
    """
    person = caller()
    item = known(key)
    if asked["assignee"] == person.username and item.assignee in (None, person.key):
        items.claim(item.key, person)
        return Response(status=204)
    items.require_open(item)
    if asked["allowOverride"] is False and item.assignee is not None:
        raise HeldByAnother("Somebody has this task already.", resource_id=key, holder=item.assignee)
    nobody = Invalid("There is nobody of this user name who could take the task.", resource_id="assignee")
    target = register.find_user(asked["assignee"])
    if target is None:
        raise nobody
    try:
        items.hand_over(item.key, target.key, asked["action"] or BY_API, person)
    except UnknownItem:  # the task is known to the person by now: it is the other who cannot take it
        raise nobody from None
    return Response(status=204)


@blueprint.route("/user-tasks/<key>/assignee", methods=["DELETE"])
@blueprint.response(204)
def unassign(key: str) -> Response:
    """Unassign a user task: give it back to those whom it is offered to."""
    person = caller()
    item = items.release(known(key).key, person)
    if item.assignee is not None:
        raise Conflict("This task was given to you by name and cannot be given back; hand it over instead.")
    return Response(status=204)


@blueprint.route("/user-tasks/<key>/completion", methods=["POST"])
@blueprint.arguments(TaskCompletion, required=False)
@blueprint.response(204)
def complete(asked: dict[str, Any], key: str) -> Response:
    """Complete a user task.

    `variables` are the form's answers, keyed and nested as in the form: they are checked by the form's own rules, kept
    encrypted with the case, and only the declared variables among them reach the process. A task that nobody holds is
    claimed first.
    """
    person = caller()
    take(key_from(key), person)
    item = known(key)
    if item.state == ItemState.OPEN and item.assignee is None:
        items.claim(item.key, person)
    answers = answers_of(item, person, asked["variables"] or {})
    completion.complete(item.key, person, answers, via="api", promptly=True)
    return Response(status=204)
