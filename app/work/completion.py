"""Completing a task: access, the form's rules, the submission, the engine's step. One transaction; the caller commits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import select

from app import audit, forms
from app.cases import attachments, deadlines, submissions
from app.identity import register
from app.identity.freshness import is_fresh
from app.identity.person import Person
from app.runtime import service as runtime
from app.store import faults
from app.store.attempt import attempt
from app.store.clock import business_now
from app.store.database import db
from app.work.eligibility import agency_for, require_known, require_may_hold
from app.work.errors import AnswersRefused, FreshSignInNeeded
from app.work.forms import context_of, form_of
from app.work.inhand import take, taken_already
from app.work.items import require_free, require_open
from app.work.models import ItemState, WorkItem
from app.work.ports import ports
from app.work.strangers import undeclared_variables

COMPLETED = "work.complete"  # in the audit


@dataclass(frozen=True)
class Completed:
    """A completed task."""

    item: WorkItem


def is_settled(item: WorkItem) -> bool:
    """Whether what follows a completed task has happened; almost always it has before anybody looks."""
    return runtime.is_settled(item.instance_key)


def next_item(item: WorkItem, person: Person) -> WorkItem | None:
    """The first task of the same instance that now waits for the same person."""
    return db.session.execute(
        select(WorkItem)
        .where(
            WorkItem.instance_key == item.instance_key,
            WorkItem.state == ItemState.OPEN,
            WorkItem.assignee == person.key,
        )
        .order_by(WorkItem.key)
        .limit(1)
    ).scalar_one_or_none()


@dataclass(frozen=True, slots=True)
class Checked:
    """Answers held against the form of a task that is in hand.

    :ivar validated: None for a task without a form.
    """

    item: WorkItem
    answers: dict[str, Any]
    validated: forms.Validated | None

    @property
    def errors(self) -> list[forms.FieldError]:
        return self.validated.errors if self.validated is not None else []


def check(item: WorkItem, answers: dict[str, Any], person: Person, context: forms.Context | None = None) -> Checked:
    """Hold answers against the task's form.

    :param context: what the form is told, where it has been made already.
    """
    form = form_of(item)
    if form is None:
        return Checked(item, answers, None)
    return Checked(item, answers, forms.validate(form, answers, context or context_of(item, person)))


def needs_fresh_sign_in(item: WorkItem, person: Person) -> bool:
    """Whether completing the task is an authorisation or the person's own signature, so that they prove first who they are.

    Somebody who witnesses the signatures of a whole room is not asked again every few minutes.
    """
    if item.flag("freshAuthentication"):
        return True
    form = form_of(item)
    witness = item.named_key("signature") is not None and person.key not in item.candidate_users
    return form is not None and form.needs_fresh_authentication and not witness


def complete(
    key: int,
    person: Person,
    answers: dict[str, Any],
    *,
    via: str = "page",
    checked: Checked | None = None,
    promptly: bool = False,
) -> Completed:
    """Complete a task with answers.

    :param via: ``page``, ``api`` or ``sheet``, for the audit.
    :param checked: what :func:`check` said of these answers since the task was taken in hand by this transaction.
    :param promptly: what follows may come in a job of its own that begins when this is committed, if it asks much of the database;
        nobody looks for it in this transaction.
    :raises UnknownItem, NotOffered, SamePerson, ItemClosed, HeldByAnother: the person may not, or not any more.
    :raises FreshSignInNeeded: an authorisation needs a sign-in from the last few minutes.
    :raises AnswersRefused: the form's rules are not met; everything wrong is listed.
    """
    before = taken_already(key)
    item = take(key, person)
    facts = require_known(person, item)
    require_open(item)
    require_free(person, item)
    require_may_hold(person, item, facts)
    if needs_fresh_sign_in(item, person) and not is_fresh(person):
        raise FreshSignInNeeded("Sign in again to confirm that it is you.", resource_id=str(key))
    if checked is None or checked.item is not before or checked.answers is not answers:
        checked = check(item, answers, person)
    validated = checked.validated
    variables: dict[str, Any] = dict(answers)
    submission_key: int | None = None
    clean: dict[str, Any] = {}
    if validated is not None:
        if validated.errors:
            raise AnswersRefused([(e.anchor, e.message) for e in validated.errors], resource_id=str(key))
        clean = validated.clean
        if (may := ports.checks.get(item.form_id or "")) is not None:
            may(item, clean, person)
        variables = {**undeclared_variables(item, form_of(item), clean), **validated.variables}
        submission_key = _submit(item, clean, person)
    now = business_now()
    item.assignee, item.state = person.key, ItemState.COMPLETED
    item.completed_by, item.completed_at, item.closed_at = person.key, now, now
    _run_on(item, clean, submission_key, variables, person, promptly)
    audit.record(
        COMPLETED,
        actor=person,
        subject=_subject(item),
        case_key=item.case_key,
        meeting_key=item.meeting_key,
        detail=f"submission:{submission_key or ''}:{via}",
    )
    faults.point("completion.after-step")
    return Completed(item)


def _run_on(
    item: WorkItem,
    clean: dict[str, Any],
    submission_key: int | None,
    variables: dict[str, Any],
    person: Person,
    promptly: bool,
) -> None:
    """What the form brings with it, and the engine's step."""
    hooks = ports.hooks.get(item.form_id or "", [])

    def bring() -> None:
        for hook in hooks:
            hook(item, clean, submission_key or 0, person)

    first = bring if hooks else None
    faults.point("completion.before-step")
    if not promptly or (hooks and submission_key is None):  # later, the answers are read from the submission
        runtime.complete(item.instance_key, item.task_id, variables, by=person.key, first=first)
        return
    # Keys only: what is kept of it stands in the engine's state.
    about = {} if submission_key is None else {"item": str(item.key), "submission": str(submission_key)}
    runtime.complete_or_accept(item.instance_key, item.task_id, variables, by=person.key, first=first, about=about)


def _subject(item: WorkItem) -> str:
    return f"item:{item.key}"


def follow(about: Mapping[str, Any]) -> None:
    """What the form of an accepted completion brings with it (see :func:`app.runtime.accepting.complete_or_accept`)."""
    if not about:
        return
    item = db.session.get_one(WorkItem, int(about["item"]))
    hooks = ports.hooks.get(item.form_id or "", [])
    if not hooks:
        return
    clean = submissions.read(submissions.find(int(about["submission"])))
    by = item.completed_by or 0
    person = replace(register.person_for(by), client=audit.client_of(by, COMPLETED, _subject(item)))
    for hook in hooks:
        hook(item, clean, int(about["submission"]), person)


def give_up(item: WorkItem, variables: dict[str, Any], *, by: Person) -> None:
    """End an open task that nobody may do any more, with the outcome that its diagram has for that. Nothing is submitted.

    :raises VariableRefused: the release that it runs on knows no such outcome; all is as it was.
    """

    def end() -> None:
        item.state, item.closed_at = ItemState.CANCELLED, business_now()
        runtime.complete_task(item.instance_key, item.task_id, variables, by=by.key)

    attempt(end)
    for owner in filter(None, (item.case_key, item.meeting_key)):
        if item.deadline:
            deadlines.lapse(owner, item.deadline)
    audit.record("work.give-up", actor=by, subject=f"item:{item.key}", case_key=item.case_key)


def _submit(item: WorkItem, clean: dict[str, Any], person: Person) -> int | None:
    """Seal what was typed with the case or meeting it belongs to."""
    if item.dossier_key is None:
        return None
    row = submissions.record(
        item.dossier_key,
        clean,
        form_id=item.form_id or "",
        release_key=item.release_key,
        element_id=item.element_id,
        agency_key=agency_for(item, person),
        by=person.key,
        work_item_key=item.key,
    )
    if files := sorted(_file_keys(clean)):
        attachments.belong_to(row.key, files, item.dossier_key)
    return row.key


def _file_keys(value: Any) -> set[int]:
    """Keys of uploaded files anywhere in the answers (FileRef: id, name, size, type)."""
    if isinstance(value, dict):
        if set(value) == {"id", "name", "size", "type"} and str(value["id"]).isdigit():
            return {int(value["id"])}
        return set().union(*(_file_keys(v) for v in value.values())) if value else set()
    if isinstance(value, list):
        return set().union(*(_file_keys(v) for v in value)) if value else set()
    return set()
