"""Down to the field, and the documents."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from app.access import fields
from app.access.facts import Attendance, CaseFacts, MeetingFacts, Phase, Stage, phase_of
from app.access.fields import Mark, SubmissionKind, field_permitted, kind_of_form, submission_permitted
from app.access.papers import document_permitted
from app.access.permissions import Permission as P
from app.identity.person import Person

AREA, POLICE, HOUSING, REFUGE = 1, 7, 8, 9


def somebody(role: str, agency: int | None = None, key: int = 1) -> Person:
    return Person(key, "u", "U", agency_key=agency, area_key=AREA, roles=frozenset({(role, agency)}))


COORDINATOR = somebody("marac-coordinator")
CHAIR = somebody("marac-chair")
HOUSING_SPOC = somebody("agency-spoc", HOUSING)
HOUSING_REP = somebody("agency-representative", HOUSING)
POLICE_REP = somebody("police-representative", POLICE)
CASE = CaseFacts(
    case_key=5,
    area_key=AREA,
    phase=Phase.CIRCULATED,
    referring_agency=REFUGE,
    involvements={POLICE: frozenset({"research-closed"}), HOUSING: frozenset({"research-open"})},
)


def reads_research(person: Person, facts: CaseFacts, *, owner: int = POLICE, released: bool = False) -> bool:
    return field_permitted(
        person, facts, owner_agency=owner, marks=["criminal"], kind=SubmissionKind.RESEARCH, released=released
    )


def test_what_an_agency_holds_is_its_own_until_it_releases_an_item() -> None:
    assert reads_research(POLICE_REP, CASE)
    for other in (HOUSING_SPOC, HOUSING_REP, COORDINATOR, CHAIR):
        assert not reads_research(other, CASE), other
    for other in (HOUSING_REP, COORDINATOR, CHAIR):
        assert reads_research(other, CASE, released=True), other
    assert not reads_research(HOUSING_SPOC, CASE, released=True), "a SPOC sees only the returns of its own agency"


def test_after_the_meeting_released_items_are_gone_and_an_own_return_stays_with_who_keeps_the_case() -> None:
    after = replace(
        CASE, phase=Phase.AFTER, involvements={POLICE: frozenset({"kept"}), HOUSING: frozenset({"withdrawn"})}
    )
    assert reads_research(POLICE_REP, after)
    assert not reads_research(POLICE_REP, after, owner=HOUSING, released=True)
    assert not reads_research(HOUSING_REP, after, owner=HOUSING)


def test_in_the_room_a_guest_hears_what_is_released_for_its_case_only() -> None:
    guest = somebody("guest-representative", HOUSING)
    admitted = Attendance(kind="guest", signed=True, admitted=True)
    room = replace(
        CASE,
        phase=Phase.IN_CONFERENCE,
        involvements={HOUSING: frozenset({"guest-case"})},
        attendance={1: admitted},
    )
    assert reads_research(guest, room, released=True)
    assert not reads_research(guest, replace(room, attendance={1: replace(admitted, admitted=False)}), released=True)
    assert not reads_research(guest, replace(room, attendance={1: replace(admitted, signed=False)}), released=True)


@pytest.mark.parametrize(
    ("mark", "person", "kind", "seen"),
    [
        (Mark.VICTIM_SAFETY, COORDINATOR, SubmissionKind.REFERRAL, True),
        (Mark.VICTIM_SAFETY, CHAIR, SubmissionKind.REFERRAL, False),
        (Mark.VICTIM_SAFETY, HOUSING_REP, SubmissionKind.REFERRAL, False),
        (Mark.VICTIM_SAFETY, somebody("idva", 11), SubmissionKind.REFERRAL, True),
        (Mark.VICTIM_ADDRESS, HOUSING_REP, SubmissionKind.REFERRAL, True),
        (Mark.SPECIAL_CATEGORY, HOUSING_REP, SubmissionKind.REFERRAL, True),
        (Mark.VICTIM_IDENTITY, HOUSING_SPOC, SubmissionKind.REFERRAL, False),
        (Mark.PERSONAL, HOUSING_REP, SubmissionKind.CONSENT, False),
        (Mark.PERSONAL, COORDINATOR, SubmissionKind.CONSENT, True),
        (Mark.THIRD_PARTY, somebody("operator"), SubmissionKind.REFERRAL, False),
        (Mark.PERSONAL, somebody("auditor"), SubmissionKind.PERPETRATOR_DECISION, True),
        (Mark.PERSONAL, somebody("auditor"), SubmissionKind.REFERRAL, False),
    ],
)
def test_a_mark_narrows_who_reads_a_field(mark: Mark, person: Person, kind: SubmissionKind, seen: bool) -> None:
    assert field_permitted(person, CASE, owner_agency=REFUGE, marks=[mark], kind=kind) is seen


def test_the_address_is_withheld_from_an_agency_linked_to_the_perpetrator_but_not_from_who_wrote_it() -> None:
    linked = replace(CASE, perpetrator_linked=frozenset({HOUSING, REFUGE}))
    marks = [Mark.PERSONAL, Mark.VICTIM_ADDRESS]
    assert field_permitted(HOUSING_REP, CASE, owner_agency=REFUGE, marks=marks, kind=SubmissionKind.REFERRAL)
    assert not field_permitted(HOUSING_REP, linked, owner_agency=REFUGE, marks=marks, kind=SubmissionKind.REFERRAL)
    author = somebody("referring-practitioner", REFUGE)
    assert field_permitted(author, linked, owner_agency=REFUGE, marks=marks, kind=SubmissionKind.REFERRAL)


def test_a_conflict_withholds_even_ones_own_paper() -> None:
    author = somebody("referring-practitioner", REFUGE)
    conflict = replace(CASE, conflict_users=frozenset({author.key}))
    assert submission_permitted(author, CASE, owner_agency=REFUGE, kind=SubmissionKind.REFERRAL)
    assert not submission_permitted(author, conflict, owner_agency=REFUGE, kind=SubmissionKind.REFERRAL)
    assert not field_permitted(author, conflict, owner_agency=REFUGE, marks=[], kind=SubmissionKind.REFERRAL)


def test_an_unknown_form_is_for_the_marac_only() -> None:
    assert kind_of_form("marac-research-return") is SubmissionKind.RESEARCH
    assert kind_of_form("iswc-checklist") is SubmissionKind.SHARING
    kind = kind_of_form("something-new")
    assert submission_permitted(COORDINATOR, CASE, owner_agency=None, kind=kind)
    assert not submission_permitted(HOUSING_REP, CASE, owner_agency=None, kind=kind)


def test_what_the_chair_writes_down_reaches_agencies_only_as_approved_minutes() -> None:
    after = replace(CASE, phase=Phase.AFTER, involvements={POLICE: frozenset({"kept"})})
    for form in ("marac-case-discussion", "marac-police-considerations", "marac-minutes-draft"):
        kind = kind_of_form(form)
        assert not submission_permitted(POLICE_REP, after, owner_agency=None, kind=kind)
        assert submission_permitted(CHAIR, after, owner_agency=None, kind=kind)


def test_every_form_that_names_a_kind_is_one_that_ships() -> None:
    shipped = {path.stem for path in (Path(__file__).parents[3] / "forms").rglob("*.form")}
    assert set(fields._KIND_OF_FORM) <= shipped


AFTER = replace(CASE, phase=Phase.AFTER, involvements={POLICE: frozenset({"kept"}), HOUSING: frozenset({"withdrawn"})})
MEETING = MeetingFacts(meeting_key=3, area_key=AREA, stage=Stage.CLOSED, invited={POLICE: "core", HOUSING: "core"})


@pytest.mark.parametrize(
    ("person", "for_agency", "taken"),
    [
        (POLICE_REP, POLICE, True),
        (POLICE_REP, HOUSING, False),
        (POLICE_REP, None, False),
        (HOUSING_REP, HOUSING, False),
        (COORDINATOR, POLICE, True),
        (COORDINATOR, None, True),
        (CHAIR, None, True),
        (somebody("operator"), None, False),
        (somebody("auditor"), None, False),
        (somebody("process-owner"), POLICE, False),
    ],
)
def test_minutes_go_to_the_marac_and_to_an_agency_that_keeps_every_case_in_its_copy(
    person: Person, for_agency: int | None, taken: bool
) -> None:
    answer = document_permitted(
        person, P.DOCUMENT_MINUTES_DOWNLOAD, cases=[AFTER], meeting=MEETING, for_agency=for_agency
    )
    assert answer is taken


def test_a_conflict_in_one_case_withholds_the_whole_document() -> None:
    other = replace(AFTER, case_key=6, conflict_users=frozenset({COORDINATOR.key}))
    assert not document_permitted(COORDINATOR, P.DOCUMENT_MINUTES_DOWNLOAD, cases=[AFTER, other], meeting=MEETING)


def test_the_attendance_sheet_stays_in_the_meeting_file() -> None:
    for person, taken in ((COORDINATOR, True), (CHAIR, True), (POLICE_REP, False)):
        assert document_permitted(person, P.DOCUMENT_ATTENDANCE_DOWNLOAD, meeting=MEETING) is taken


def test_the_agenda_goes_to_invited_agencies_in_their_own_copy() -> None:
    issued = replace(MEETING, stage=Stage.CIRCULATED)
    take = P.DOCUMENT_AGENDA_DOWNLOAD
    assert document_permitted(HOUSING_SPOC, take, cases=[CASE], meeting=issued, for_agency=HOUSING)
    assert not document_permitted(HOUSING_SPOC, take, cases=[CASE], meeting=issued, for_agency=POLICE)
    assert document_permitted(COORDINATOR, take, cases=[CASE], meeting=issued)
    assert not document_permitted(
        HOUSING_SPOC, take, cases=[CASE], meeting=replace(issued, stage=Stage.PLANNED), for_agency=HOUSING
    )


def test_the_form_for_sharing_goes_to_its_agency_and_the_coordinator() -> None:
    take = P.DOCUMENT_SHARING_DOWNLOAD
    assert document_permitted(somebody("authorising-manager", REFUGE), take, cases=[CASE], for_agency=REFUGE)
    assert document_permitted(COORDINATOR, take, cases=[CASE])
    for other in (CHAIR, HOUSING_REP, POLICE_REP):
        assert not document_permitted(other, take, cases=[CASE], for_agency=REFUGE)


def test_a_permission_that_is_no_documents_gives_no_document() -> None:
    assert not document_permitted(COORDINATOR, P.CASE_MINUTES_READ, cases=[AFTER], meeting=MEETING)
    assert not document_permitted(COORDINATOR, P.DOCUMENT_MINUTES_DOWNLOAD)


@pytest.mark.parametrize(
    ("state", "submitted", "discussing", "phase"),
    [
        ("DRAFT", False, False, Phase.DRAFT),
        ("REJECTED_SIGNPOSTED", False, False, Phase.DRAFT),
        ("REJECTED_SIGNPOSTED", True, False, Phase.CLOSED),
        ("LISTED", True, False, Phase.BEFORE_AGENDA),
        ("EMERGENCY", True, True, Phase.IN_CONFERENCE),
        ("READY", True, False, Phase.CIRCULATED),
        ("READY", True, True, Phase.IN_CONFERENCE),
        ("ACTIONS_OPEN", True, True, Phase.AFTER),
        ("DISPOSED", True, False, Phase.DISPOSED),
        ("DISPOSED", False, False, Phase.DISPOSED),
        ("SOMETHING_NEW", True, False, Phase.DRAFT),
    ],
)
def test_the_phase_follows_from_the_state(state: str, submitted: bool, discussing: bool, phase: Phase) -> None:
    assert phase_of(state, submitted=submitted, in_discussion=discussing) is phase
