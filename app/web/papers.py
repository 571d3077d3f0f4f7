"""Documents: which of them a person may have, and handing one over. Each download is audited."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, Response, abort

from app import audit
from app.access.facts import CaseFacts, MeetingFacts
from app.access.papers import document_permitted, put_away_permitted
from app.access.permissions import Permission
from app.agencies import service as agencies
from app.cases.dossiers import find_case
from app.cases.facts import facts_of_all
from app.cases.models import Case, CaseState
from app.documents import service as documents
from app.documents.models import Document, DocumentStatus, Kind
from app.identity.person import Person
from app.identity.service import current_person
from app.meetings import agenda, attendance, planning
from app.meetings.models import Meeting

blueprint = Blueprint("papers", __name__, url_prefix="/documents")

PERMISSIONS = {
    Kind.AGENDA: Permission.DOCUMENT_AGENDA_DOWNLOAD,
    Kind.ATTENDANCE: Permission.DOCUMENT_ATTENDANCE_DOWNLOAD,
    Kind.MINUTES: Permission.DOCUMENT_MINUTES_DOWNLOAD,
    Kind.MINUTES_EXTRACT: Permission.DOCUMENT_MINUTES_EXTRACT_DOWNLOAD,
    Kind.ACTION_PLAN: Permission.DOCUMENT_ACTION_PLAN_DOWNLOAD,
    Kind.ISWC_FORM: Permission.DOCUMENT_SHARING_DOWNLOAD,
}


@dataclass(frozen=True, slots=True)
class Paper:
    """A document that the person may have."""

    document: Document
    copy_holder: str


def of_case(person: Person, case: Case) -> list[Paper]:
    """The papers of a case that the person may have, newest first."""
    return _permitted(person, documents.list_for(case_key=case.key))


def of_meeting(person: Person, meeting: Meeting) -> list[Paper]:
    """The papers of a meeting that the person may have, newest first."""
    return _permitted(person, documents.list_for(meeting_key=meeting.key))


def _permitted(person: Person, found: list[Document]) -> list[Paper]:
    return [
        Paper(document, agencies.agency(holder).name if (holder := document.copy_holder_agency) else "File copy")
        for document in found
        if document.status != DocumentStatus.DESTROYED
        and (document.kind != Kind.AGENDA or document.about_key in (None, person.key))
        and (document.superseded_by is None or document.put_away_for)
        and may_have(person, document)
    ]


def may_have(person: Person, document: Document) -> bool:
    """Whether the person may download a document."""
    if document.put_away_for:
        return _may_open(person, document)
    try:
        permission = PERMISSIONS[Kind(document.kind)]
    except (KeyError, ValueError):
        return False
    return document_permitted(
        person,
        permission,
        cases=_cases(document),
        meeting=_meeting(document),
        for_agency=document.for_agency,
    )


def _may_open(person: Person, document: Document) -> bool:
    """Whether the person may open a document that only a legal hold keeps."""
    found = [find_case(key) for key in sorted(document.put_away_for)]
    facts = facts_of_all(found)
    return put_away_permitted(
        person,
        cases=[facts[case.key] for case in found if case.state != CaseState.DISPOSED],
        held=[facts[case.key] for case in found if case.legal_hold],
        meeting=_meeting(document),
    )


def _meeting(document: Document) -> MeetingFacts | None:
    return attendance.facts_of(planning.find(document.meeting_key)) if document.meeting_key is not None else None


def _cases(document: Document) -> list[CaseFacts]:
    """Every case that a document speaks of: its own, those it was made for, or its meeting's agenda."""
    named = document.params.get("cases")
    if document.case_key is not None:
        found = [find_case(document.case_key)]
    elif isinstance(named, list):
        found = [find_case(int(key)) for key in named]
    else:
        found = agenda.cases(document.meeting_key) if document.meeting_key is not None else []
    return list(facts_of_all(found).values())


@blueprint.get("/<key:key>")
def download(key: int) -> Response:
    """One document, as a download."""
    person = current_person()
    document = documents.get(key)
    if not may_have(person, document):
        abort(404)
    content = documents.read(document)
    audit.view(
        person, "document", subject=f"document:{key}", case_key=document.case_key, meeting_key=document.meeting_key
    )
    name = f"{document.kind}-{document.key}-v{document.version}.pdf"
    response = Response(content, content_type="application/pdf")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
