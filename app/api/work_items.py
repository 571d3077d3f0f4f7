"""Work items beyond the contract: claim, the answers a form begins with, a trial of answers, files to send with them."""

from __future__ import annotations

from typing import Any

from flask import Response, current_app, request
from marshmallow import Schema, fields
from werkzeug.datastructures import MultiDict

from app import audit, forms
from app.api.blueprints import Blueprint, caller, key_from
from app.api.schemas import key as key_field
from app.cases import attachments
from app.cases.models import Attachment
from app.errors import Invalid, NotFound
from app.identity.person import Person
from app.settings import Settings
from app.work import completion, items
from app.work.eligibility import agency_for
from app.work.errors import UnknownItem
from app.work.forms import context_of, form_of
from app.work.models import WorkItem

FILE_KEYS = {"id", "name", "size", "type"}

blueprint = Blueprint("work-items", "Claiming, trying answers, files")


class Answers(Schema):
    """What a work item's form holds. Rows that the form makes itself are there to be filled in, each with its `_row`."""

    formId = fields.String(required=True, allow_none=True)
    answers = fields.Dict(required=True)


class AnswersTried(Schema):
    """Answers to try."""

    variables = fields.Dict(keys=fields.String(), load_default=dict)


class AnswerError(Schema):
    name = fields.String(required=True)
    message = fields.String(required=True)


class Tried(Answers):
    """What the form would hold with these answers, and what is still wrong with them."""

    errors = fields.List(fields.Nested(AnswerError), required=True)


class FileReference(Schema):
    """What stands for an uploaded file among the answers."""

    id = key_field("The file's key")
    name = fields.String(required=True)
    size = fields.Integer(required=True)
    type = fields.String(required=True)


def answers_of(item: WorkItem, person: Person, variables: dict[str, Any]) -> dict[str, Any]:
    """What a request sends as a task's answers; for a task without a form, its variables.

    :raises UnknownAnswers, MisshapenAnswer: the form has no such question, or an answer has the wrong shape.
    :raises Invalid: a file that is not the person's own upload for this case or meeting.
    """
    form = form_of(item)
    if form is None:
        return variables
    answers: dict[str, Any] = _with_own_files(forms.answers_from_variables(form, variables), item, person)
    return answers


def _with_own_files(value: Any, item: WorkItem, person: Person) -> Any:
    """The answers with each reference to a file as it was uploaded, whatever the request says of it."""
    if isinstance(value, dict):
        if set(value) == FILE_KEYS:
            return _reference(_own_file(str(value["id"]), item, person))
        return {name: _with_own_files(inner, item, person) for name, inner in value.items()}
    if isinstance(value, list):
        return [_with_own_files(inner, item, person) for inner in value]
    return value


def _own_file(key: str, item: WorkItem, person: Person) -> Attachment:
    refused = Invalid("A file among the answers is not one that you have uploaded for this task.", resource_id="file")
    try:
        row = attachments.find(key_from(key))
    except NotFound:
        raise refused from None
    if item.dossier_key is None or row.dossier_key != item.dossier_key or row.uploaded_by != person.key:
        raise refused
    return row


def _reference(row: Attachment) -> dict[str, Any]:
    return {"id": str(row.key), "name": attachments.name_of(row), "size": row.size, "type": row.content_type}


def known(key: str) -> WorkItem:
    """A task, open or closed, that the caller may know of.

    :raises UnknownItem: none.
    """
    item = items.load(key_from(key))
    if not items.may_know(caller(), item):
        raise UnknownItem("There is no such task.", resource_id=key)
    return item


def _held(key: str) -> WorkItem:
    """An open task that the caller holds.

    :raises UnknownItem: none. :raises ItemClosed: it is closed.
    """
    item = known(key)
    items.require_open(item)
    if item.assignee != caller().key:
        raise UnknownItem("There is no such task.", resource_id=key)
    return item


@blueprint.route("/convenor/work-items/<key>/claim", methods=["POST"])
@blueprint.response(204)
def claim(key: str) -> Response:
    """Claim a work item. Claiming one's own again changes nothing."""
    items.claim(key_from(key), caller())
    return Response(status=204)


@blueprint.route("/convenor/work-items/<key>/answers")
@blueprint.response(200, Answers)
def first_answers(key: str) -> dict[str, Any]:
    """Get the answers that a work item's form begins with, for whoever holds it: lay yours over them and complete it."""
    item = _held(key)
    form = form_of(item)
    if form is None:
        return {"formId": None, "answers": {}}
    _seen(item)
    return {"formId": item.form_id, "answers": _told(forms.start(form, context_of(item, caller())))}


@blueprint.route("/convenor/work-items/<key>/answers", methods=["POST"])
@blueprint.arguments(AnswersTried)
@blueprint.response(200, Tried)
def try_answers(asked: dict[str, Any], key: str) -> dict[str, Any]:
    """Try answers without sending them: what the form makes of them, and everything that is wrong. Nothing is kept."""
    item, person = _held(key), caller()
    form = form_of(item)
    if form is None:
        return {"formId": None, "answers": asked["variables"], "errors": []}
    _seen(item)
    answers = answers_of(item, person, asked["variables"])
    context = context_of(item, person)
    nothing_posted: MultiDict[str, str] = MultiDict()
    settled = forms.take(form, 0, nothing_posted, {}, answers, context)
    checked = completion.check(item, settled, person)
    errors = [{"name": each.name, "message": each.message} for each in checked.errors] if checked else []
    return {"formId": item.form_id, "answers": _told(settled), "errors": errors}


@blueprint.route("/convenor/work-items/<key>/files", methods=["POST"])
@blueprint.uploads("file", several=False)
@blueprint.response(200, FileReference)
def upload(key: str) -> dict[str, Any]:
    """Upload a file for a work item, as multipart form data in the part `file`. Send what comes back as an answer."""
    item, person = _held(key), caller()
    file = request.files.get("file")
    if file is None or not file.filename:
        raise Invalid("Send one file, as multipart form data in the part named file.")
    if item.dossier_key is None:
        raise Invalid("This task belongs to no case, so that no file can be kept with it.")
    settings: Settings = current_app.config["SETTINGS"]
    row = attachments.store(
        item.dossier_key,
        file.filename,
        file.read(),
        by=person.key,
        agency_key=agency_for(item, person),
        limit_bytes=settings.upload_limit_mb * 1_000_000,
    )
    return _reference(row)


def _seen(item: WorkItem) -> None:
    audit.view(caller(), "task", subject=f"item:{item.key}", case_key=item.case_key, meeting_key=item.meeting_key)


def _told(answers: dict[str, Any]) -> dict[str, Any]:
    """Without the form's own book-keeping."""
    return {name: value for name, value in answers.items() if not name.startswith("_")}
