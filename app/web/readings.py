"""Submissions for reading: who may read which paper, which field and, of research, which item. Access decides each of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from app import forms
from app.access import decide
from app.access.facts import CaseFacts
from app.access.fields import SubmissionKind, field_permitted, kind_of_form, submission_permitted
from app.access.permissions import Permission
from app.agencies import service as agencies
from app.cases import submissions
from app.cases.models import Case, Submission
from app.identity import register
from app.identity.person import Person
from app.store.database import db
from app.work.forms import form_by_id
from app.work.models import WorkItem

ITEMS = "items"


@dataclass(frozen=True, slots=True)
class ResearchItem:
    """One item that an agency holds.

    :param releasable: whether this person may release it to the meeting now.
    """

    number: int
    text: str
    kind: str
    source: str
    released: bool
    shareable: bool
    releasable: bool


@dataclass(frozen=True, slots=True)
class Reading:
    """One submission as the person may read it."""

    submission: Submission
    title: str
    agency: str
    by: str
    at: datetime
    cards: list[forms.SummaryCard]
    items: list[ResearchItem] = field(default_factory=list)


def of_case(person: Person, case: Case, facts: CaseFacts) -> list[Reading]:
    """Every submission of a case that the person may read, newest first."""
    found = [s for s in submissions.of(case.key) if s.wrapped_key is not None]
    names = register.names_of({s.submitted_by for s in found})
    agency_names = agencies.names(case.area_key)
    readings = []
    for submission in reversed(found):
        reading = _read(person, facts, submission, names, agency_names)
        if reading is not None:
            readings.append(reading)
    return readings


def any_of(person: Person, case: Case, facts: CaseFacts) -> bool:
    """Whether there is a submission of a case that the person may read. Nothing is opened to find out."""
    kept = (submission for submission in submissions.of(case.key) if submission.wrapped_key is not None)
    return any(_permitted(person, facts, one) != (False, set()) for one in kept)


def _permitted(person: Person, facts: CaseFacts, submission: Submission) -> tuple[bool, set[int]]:
    """Whether the person may read the whole of a submission, and which released items of it they may."""
    kind = kind_of_form(submission.form_id)
    whole = submission_permitted(person, facts, owner_agency=submission.agency_key, kind=kind)
    released = submissions.released_items(submission.key) if kind is SubmissionKind.RESEARCH else set()
    if not whole and not submission_permitted(
        person, facts, owner_agency=submission.agency_key, kind=kind, released=True
    ):
        return False, set()
    return whole, released


def _read(
    person: Person, facts: CaseFacts, submission: Submission, names: dict[int, str], agency_names: dict[int, str]
) -> Reading | None:
    kind = kind_of_form(submission.form_id)
    whole, released = _permitted(person, facts, submission)
    if not whole and not released:
        return None
    form = form_by_id(submission.release_key, submission.form_id)
    answers = submissions.read(submission)
    if not whole:
        answers = _only_released(answers, released)

    def permitted(one: forms.Field) -> bool:
        if not whole and not one.name.startswith(f"{ITEMS}."):
            return False
        return field_permitted(
            person,
            facts,
            owner_agency=submission.agency_key,
            marks=one.marks.sensitivity,
            kind=kind,
            released=not whole,
        )

    item = db.session.get(WorkItem, submission.work_item_key) if submission.work_item_key is not None else None
    cards = forms.record(form, answers, submission.submitted_at, permitted=permitted)
    return Reading(
        submission,
        item.name if item is not None else form.title,
        agency_names.get(submission.agency_key or 0, ""),
        names.get(submission.submitted_by, ""),
        submission.submitted_at,
        [card for card in cards if card.rows],
        _items(person, facts, submission, answers, released) if kind is SubmissionKind.RESEARCH and whole else [],
    )


def _only_released(answers: dict[str, Any], released: set[int]) -> dict[str, Any]:
    rows = answers.get(ITEMS) or []
    return {"outcome": answers.get("outcome"), ITEMS: [row for n, row in enumerate(rows) if n in released]}


def may_release(person: Person, facts: CaseFacts, submission: Submission) -> bool:
    """Whether the person may release items of this return to the meeting: for the agency that wrote it."""
    return (
        kind_of_form(submission.form_id) is SubmissionKind.RESEARCH
        and submission.agency_key is not None
        and decide.allowed(person, Permission.CASE_RESEARCH_RELEASE, facts, at=submission.agency_key)
    )


def shareable(answers: dict[str, Any]) -> set[int]:
    """The items whose agency said that they may be shared."""
    return {n for n, row in enumerate(answers.get(ITEMS) or []) if row.get("shareable") in ("yes", True)}


def _items(
    person: Person, facts: CaseFacts, submission: Submission, answers: dict[str, Any], released: set[int]
) -> list[ResearchItem]:
    may, free = may_release(person, facts, submission), shareable(answers)
    return [
        ResearchItem(
            number=n,
            text=str(row.get("text") or ""),
            kind=str(row.get("kind") or ""),
            source=str(row.get("source") or ""),
            released=n in released,
            shareable=n in free,
            releasable=may and n in free and n not in released,
        )
        for n, row in enumerate(answers.get(ITEMS) or [])
    ]
