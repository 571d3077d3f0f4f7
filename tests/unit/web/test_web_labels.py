"""Every code that a page may meet has words."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from app.cases.models import ActionStatus, CaseState, Ground, PartyRole
from app.documents.models import DocumentStatus
from app.meetings.models import AgendaStatus, AttendeeRole, MeetingState, Ruling
from app.web import labels

PROCESSES = Path(__file__).parents[3] / "processes"


@pytest.mark.parametrize(
    ("codes", "words"),
    [
        (CaseState, labels.CASE_STATES),
        (MeetingState, labels.MEETING_STATES),
        (AgendaStatus, labels.AGENDA_STATUSES),
        (AttendeeRole, labels.ATTENDEE_ROLES),
        (Ruling, labels.RULINGS),
        (ActionStatus, labels.ACTION_STATUSES),
        (Ground, labels.GROUNDS),
        (PartyRole, labels.PARTY_ROLES),
        (DocumentStatus, labels.DOCUMENT_STATUSES),
    ],
)
def test_every_code_has_words(codes: type, words: dict[str, object]) -> None:
    assert {str(code) for code in codes} == set(words)  # type: ignore[attr-defined]


def test_every_deadline_of_the_shipped_diagrams_has_a_title_of_its_own() -> None:
    named = set()
    for file in PROCESSES.rglob("*.bpmn"):
        for value in re.findall(r'name="deadline" value="([^"]+)"', file.read_text()):
            found = re.match(r"(?:=&#34;|=&quot;)?([A-Za-z]+)", value)
            assert found, value
            named.add(found[1])
    assert named
    assert sorted(named - set(labels._DEADLINES)) == []


def test_a_deadline_of_one_agency_names_it() -> None:
    assert labels.deadline_title("research-42", {42: "Housing"}) == "Research return, Housing"


def test_an_unknown_deadline_is_read_from_its_camel_case() -> None:
    assert labels.deadline_title("callBackClient") == "Call back client"


def test_a_state_event_tells_the_state_in_words() -> None:
    assert labels.event_title("state", "ACTIONS_OPEN") == "Now: Actions open"
    assert labels.event_title("discussion-closed", "HEARD") == "Discussion closed: heard"
    assert labels.event_title("discussion-closed", "ADJOURNED") == "Discussion closed: adjourned"
    assert labels.event_title("ruling", "continueRestricted") == "The Chair ruled: may stay for some cases"
