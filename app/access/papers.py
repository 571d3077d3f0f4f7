"""Who may download which document (01-marac §9, DMN-M6, DMN-M7)."""

from __future__ import annotations

from collections.abc import Iterable

from app.access.decide import allowed, in_conflict
from app.access.facts import CaseFacts, MeetingFacts
from app.access.permissions import Permission as P
from app.identity.person import Person

# What a person must be allowed in every case that a document speaks of.
_IN_EACH_CASE: dict[P, P] = {
    P.DOCUMENT_AGENDA_DOWNLOAD: P.CASE_SUMMARY_READ,
    P.DOCUMENT_MINUTES_DOWNLOAD: P.CASE_MINUTES_READ,
    P.DOCUMENT_MINUTES_EXTRACT_DOWNLOAD: P.CASE_MINUTES_READ,
    P.DOCUMENT_ACTION_PLAN_DOWNLOAD: P.CASE_ACTIONS_READ,
    P.DOCUMENT_SHARING_DOWNLOAD: P.CASE_SHARING_READ,
}
# What a person must be allowed at the meeting that a document belongs to; one of these is enough.
_AT_THE_MEETING: dict[P, frozenset[P]] = {
    P.DOCUMENT_AGENDA_DOWNLOAD: frozenset({P.MEETING_AGENDA_READ, P.MEETING_AGENDA_READ_OWN_LINE}),
    P.DOCUMENT_ATTENDANCE_DOWNLOAD: frozenset({P.MEETING_FILE_READ}),
}


def document_permitted(
    person: Person,
    permission: P,
    *,
    cases: Iterable[CaseFacts] = (),
    meeting: MeetingFacts | None = None,
    for_agency: int | None = None,
) -> bool:
    """Whether a person may download a document.

    :param cases: every case the document speaks of. A conflict of interest in one of them withholds the whole document.
    :param meeting: the meeting it belongs to, if any.
    :param for_agency: the agency whose copy it is: nobody outside the agency takes it, except those who made it. None: the
        file copy, which only people of the MARAC itself and, for a form, its own agency take.
    """
    cases = list(cases)
    if permission.scope != "document" or not (cases or meeting):
        return False
    if any(in_conflict(person, facts) for facts in cases):
        return False
    in_each = _IN_EACH_CASE.get(permission)
    at_meeting = _AT_THE_MEETING.get(permission)
    if in_each is None and at_meeting is None:
        return False
    if at_meeting is not None and (meeting is None or not any(allowed(person, each, meeting) for each in at_meeting)):
        return False
    if in_each is None:
        return True
    if _of_the_marac(person, permission, cases, meeting):
        return True
    if permission is P.DOCUMENT_SHARING_DOWNLOAD:
        return bool(cases) and all(allowed(person, in_each, facts) for facts in cases)
    if for_agency is None or not any(at == for_agency for _, at in person.roles):
        return False
    return bool(cases) and all(allowed(person, in_each, facts, at=for_agency) for facts in cases)


def put_away_permitted(
    person: Person, *, cases: Iterable[CaseFacts], held: Iterable[CaseFacts], meeting: MeetingFacts | None
) -> bool:
    """Whether a person may open a paper that only a legal hold keeps. It is evidence: nobody has it as their copy any more.

    Whoever looks after the meeting's papers may, and whoever decides on the hold and may know every case in it.

    :param cases: every case the paper speaks of. A conflict of interest in one of them withholds it.
    :param held: those of them under a legal hold.
    """
    cases = list(cases)
    if any(in_conflict(person, facts) for facts in cases):
        return False
    if meeting is not None and allowed(person, P.MEETING_PAPERS_DESTROY, meeting):
        return True
    decides = any(allowed(person, P.CASE_HOLD_DECIDE, facts) for facts in held)
    return decides and all(allowed(person, P.CASE_SUMMARY_READ, facts) for facts in cases)


def _of_the_marac(person: Person, permission: P, cases: list[CaseFacts], meeting: MeetingFacts | None) -> bool:
    """Whether the person takes the document as Co-ordinator or Chair: their right comes from the area, not from an agency."""
    in_each = _IN_EACH_CASE[permission]
    if cases:
        return all(allowed(person, in_each, facts, at=None) and _by_area(person, in_each, facts) for facts in cases)
    return meeting is not None and allowed(person, P.MEETING_FILE_READ, meeting)


def _by_area(person: Person, permission: P, facts: CaseFacts) -> bool:
    area_only = Person(
        person.key,
        person.username,
        person.name,
        person.agency_key,
        person.area_key,
        frozenset((role, at) for role, at in person.roles if at is None),
    )
    return allowed(area_only, permission, facts)
