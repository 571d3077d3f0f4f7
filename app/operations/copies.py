"""Copies of the agenda: each agency's, and those of people to whom a conflict of interest closes a case of it.

A conflict of interest closes one case and takes nothing else away (01-marac X7; docs/decisions/0012-conflicts-of-interest.md). An agency
that it closes a case to has a copy without it; so has each person of an agency whose others go on reading the whole. Nothing in such a
copy tells of what was left out.
"""

from __future__ import annotations

from collections.abc import Collection

from app import documents
from app.access import decide
from app.agencies import service as agencies
from app.agencies.models import Tier
from app.cases.facts import conflict_facts
from app.cases.involvement import conflicts, conflicts_of, grounds
from app.cases.models import Ground
from app.documents.models import Document, DocumentStatus, Kind
from app.identity import register
from app.identity.person import Person
from app.meetings import agenda
from app.meetings.models import Meeting
from app.operations.holding import dispose

AGENDA = "agenda"


def closes(case_key: int, agency_key: int) -> bool:
    """Whether a conflict of interest closes a case to a whole agency."""
    return any(row.agency_key == agency_key for row in conflicts(case_key))


def request_agenda(
    meeting: Meeting, agency_key: int, cases: list[int], *, partial: bool = False, person: int | None = None
) -> None:
    """Ask for one agency's copy of the agenda, with those of the cases that are open to it; none for an agency without a case.

    :param person: somebody of the agency for whom it is made, because a conflict of interest closes others of its cases to them.
    """
    conflicts_of(cases)  # together
    own = [key for key in cases if not closes(key, agency_key)]
    if own:
        _request(
            meeting, agency_key, own, partial=partial, person=person, cut=person is not None or len(own) < len(cases)
        )


def _request(
    meeting: Meeting, agency_key: int | None, cases: list[int], *, partial: bool, person: int | None, cut: bool
) -> None:
    documents.request(
        AGENDA,
        area_key=meeting.area_key,
        meeting_key=meeting.key,
        copy_holder=agency_key,
        for_agency=agency_key,
        about=person,
        created_by=meeting.created_by,
        params={"cases": cases, "partial": partial, **({"cut": True} if cut else {})},
    )


def request_own_copies(meeting: Meeting) -> None:
    """A copy for each person to whom a conflict of interest closes a case that their agency's copy, or the file copy, tells of."""
    listed = [line.case_key for line in agenda.items(meeting.key)]
    ruled = {key: rows for key, rows in conflicts_of(listed).items() if rows}
    if not ruled:
        return
    people = {row.user_key for rows in ruled.values() for row in rows if row.user_key is not None}
    for agency_key in {row.agency_key for rows in ruled.values() for row in rows if row.agency_key is not None}:
        people.update(register.users_at(agency_key))
    whole = _of_agencies(meeting)
    for _, person in sorted(register.people_for(people).items()):
        closed = {key for key in ruled if decide.in_conflict(person, conflict_facts(key, meeting.area_key))}
        for agency_key in sorted({at for _, at in person.roles if at is not None and at in whole}):
            cases, partial = whole[agency_key]
            own = [key for key in cases if key not in closed]
            if own and len(own) < len(cases):
                _request(meeting, agency_key, own, partial=partial, person=person.key, cut=True)
        own = [key for key in listed if key not in closed]
        if own and len(own) < len(listed) and _of_the_area(person):
            _request(meeting, None, own, partial=False, person=person.key, cut=True)


def _of_agencies(meeting: Meeting) -> dict[int, tuple[list[int], bool]]:
    """The cases in each agency's copy as it stands, and whether they are only those that it is invited for."""
    found: dict[int, tuple[list[int], bool]] = {}
    for copy in reversed(_standing(meeting)):
        if copy.about_key is None and copy.for_agency is not None:
            found[copy.for_agency] = (
                [int(key) for key in copy.params.get("cases") or ()],
                copy.params.get("partial") is True,
            )
    return found


def _of_the_area(person: Person) -> bool:
    return any(at is None for _, at in person.roles)


def _standing(meeting: Meeting) -> list[Document]:
    """The meeting's copies of the agenda, newest first."""
    return [
        copy
        for copy in documents.list_for(meeting_key=meeting.key)
        if copy.kind == Kind.AGENDA and copy.status != DocumentStatus.DESTROYED and not copy.put_away_for
    ]


def renew(meeting: Meeting, agency_keys: Collection[int], *, again: int | None = None) -> None:
    """Make the copies again that a conflict of interest, recorded or lifted, concerns: the agencies' and the people's own.

    :param again: a case that is open again to whoever it was closed to.
    """
    standing = _standing(meeting)
    whole = _of_agencies(meeting)
    core = {agency.key for agency in agencies.agencies(meeting.area_key, (Tier.CORE,))}
    for agency_key in sorted(agency_keys):
        cases, partial = whole.get(agency_key, ([], agency_key not in core))
        wanted = {*cases, *((again,) if again is not None and _may_have(again, agency_key, core) else ())}
        entitled = [line.case_key for line in agenda.items(meeting.key) if line.case_key in wanted]
        if [key for key in entitled if not closes(key, agency_key)] == cases:
            continue
        for copy in standing:
            if copy.for_agency == agency_key and copy.about_key is None:
                dispose(copy)
        request_agenda(meeting, agency_key, entitled, partial=partial)
    for copy in standing:
        if copy.about_key is not None:
            dispose(copy)
    request_own_copies(meeting)


def _may_have(case_key: int, agency_key: int, core: Collection[int]) -> bool:
    """Whether the case stands in an agency's copy but for a conflict of interest: it is asked about it."""
    held = grounds(case_key).get(agency_key, set())
    return held != {Ground.WITHDRAWN} if agency_key in core else bool(held - {Ground.WITHDRAWN})


def recall(meeting: Meeting, case_key: int, agency_key: int) -> None:
    """An agency has a case no longer: its copies that named it are destroyed (put away under a legal hold), and made again without it."""
    left: dict[int | None, tuple[list[int], bool]] = {}
    for copy in documents.copies(AGENDA, meeting_key=meeting.key, for_agency=agency_key):
        cases = [int(key) for key in copy.params.get("cases") or () if int(key) != case_key]
        left[copy.about_key] = (cases, copy.params.get("partial") is True)
        dispose(copy)
    for person, (cases, partial) in left.items():
        request_agenda(meeting, agency_key, cases, partial=partial, person=person)
