"""The main job through the API alone: the official client, acting as the people of the borough, takes a referral without
agreement to closed actions (01-marac §7). Time is moved; everything else goes over HTTP."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from camunda_orchestration_sdk.errors import ApiError
from camunda_orchestration_sdk.models import (
    ProcessCreationById,
    UserTaskAssignmentRequest,
    UserTaskCompletionRequest,
    UserTaskSearchQuery,
)
from sqlalchemy import select

from app.agencies.models import Agency
from app.cases import deadlines
from app.cases.models import Case
from app.cases.parties import parties
from app.demo import story
from app.identity.models import User
from app.meetings import attendance
from app.meetings.models import Attendee
from app.store.clock import LONDON
from app.store.database import db
from tests.procedures import answers as said
from tests.support.api_server import Server, running

Answers = Mapping[str, Any]


def london(day: int, month: int, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=LONDON)


class Borough:
    """The people of the borough at their scripts."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self._http = httpx.Client(base_url=server.url, timeout=60)

    def close(self) -> None:
        self._http.close()

    # -------------------------------------------------------------------------------------- what a script does
    def start(self, username: str, process_id: str) -> str:
        """Start a procedure; the instance's key."""
        asked = ProcessCreationById.from_dict({"processDefinitionId": process_id})
        return str(self.server.client(username).create_process_instance(data=asked).process_instance_key)

    def tasks(self, username: str, **wanted: Any) -> list[Any]:
        """The open tasks that a person may know of."""
        asked = {"filter": {"state": "CREATED", **wanted}, "sort": [{"field": "creationDate"}]}
        return list(self.server.client(username).search_user_tasks(data=UserTaskSearchQuery.from_dict(asked)).items)

    def does(self, username: str, element_id: str, answers: Answers | Callable[[], Answers], **wanted: Any) -> str:
        """A person takes their oldest task of an element and completes it; the task's key."""
        key = str(self.tasks(username, elementId=element_id, **wanted)[0].user_task_key)
        client = self.server.client(username)
        client.assign_user_task(user_task_key=key, data=UserTaskAssignmentRequest(assignee=username))
        given = self.server.given(answers) if callable(answers) else answers
        filled = self.filled(username, key, given)
        client.complete_user_task(user_task_key=key, data=UserTaskCompletionRequest.from_dict({"variables": filled}))
        return key

    def filled(self, username: str, key: str, given: Answers) -> dict[str, Any]:
        """The answers a form begins with, with a person's own laid over them; what the form makes of them is filled in."""
        begun = self.own(username, "GET", f"/v2/convenor/work-items/{key}/answers")["answers"]
        plain = {name: value for name, value in given.items() if not callable(value)}
        tried = self.own(username, "POST", f"/v2/convenor/work-items/{key}/answers", {"variables": _laid(begun, plain)})
        return _laid(tried["answers"], {name: value for name, value in given.items() if callable(value)})

    def own(self, username: str, method: str, path: str, body: Any = None) -> Any:
        """One of our own resources."""
        headers = {"Authorization": f"Bearer {self.server.token(username)}"}
        response = self._http.request(method, path, json=body, headers=headers)
        assert response.status_code == 200, response.text
        return response.json()

    # -------------------------------------------------------------------------------------- what somebody knows
    def user(self, username: str) -> str:
        return str(self._one(select(User.key).where(User.username == username)))

    def agency(self, slug: str) -> str:
        return str(self._one(select(Agency.key).where(Agency.slug == slug)))

    def people_of(self, case: str) -> list[str]:
        found: list[str] = self.server.given(lambda: [str(party.key) for party in parties(int(case))])
        return found

    def attendees(self, meeting: str) -> dict[str, Attendee]:
        """By name."""
        found: dict[str, Attendee] = self.server.given(
            lambda: {attendance.who_is(row).name: row for row in attendance.of_meeting(int(meeting))}
        )
        return found

    def users_attending(self, meeting: str) -> list[str]:
        keys = [row.user_key for row in self.attendees(meeting).values() if row.user_key]
        found = self.server.given(
            lambda: list(db.session.execute(select(User.username).where(User.key.in_(keys))).scalars())
        )
        return sorted(found)

    def _one(self, query: Any) -> Any:
        return self.server.given(lambda: db.session.execute(query).scalar_one())

    def case(self, username: str, key: str) -> Any:
        return self.own(username, "GET", f"/v2/convenor/cases/{key}")

    def state(self, key: str) -> str:
        return str(self.case("cora", key)["state"])

    def still_due(self, meeting: str, name: str) -> bool:
        return self.server.given(lambda: getattr(deadlines.current(int(meeting), name), "met_at", "none")) is None

    def at(self, *when: int) -> None:
        self.server.hours.to(london(*when))


def _laid(base: Mapping[str, Any], changes: Answers) -> dict[str, Any]:
    found = dict(base)
    for name, change in changes.items():
        if callable(change):
            found[name] = change(found.get(name))
        elif isinstance(change, Mapping) and isinstance(found.get(name), Mapping):
            found[name] = _laid(found[name], change)
        else:
            found[name] = change
    return found


@pytest.fixture
def borough(seeded: Path, tmp_path: Path) -> Iterator[Borough]:
    with running(seeded, tmp_path / "api") as server:
        found = Borough(server)
        yield found
        found.close()


def plan_meeting(borough: Borough, at: datetime) -> str:
    instance = borough.start("cora", "marac-meeting")
    borough.does("cora", "PlanMeeting", lambda: story.meeting_answers(at), processInstanceKey=instance)
    meeting = borough.server.given(
        lambda: db.session.execute(db.text("SELECT meeting_key FROM instance WHERE key = :key"), {"key": int(instance)})
    )
    return str(meeting.scalar_one())


def refer(borough: Borough) -> tuple[str, str]:
    """Rosa refers without agreement and Mark authorises; the instance and the case."""
    instance = borough.start("rosa", "marac-case")
    case = str(borough._one(select(Case.key).order_by(Case.key.desc()).limit(1)))
    where = {"processInstanceKey": instance}
    borough.does(
        "rosa", "CompleteRiskChecklist", lambda: story.checklist_answers(story.VICTIM, story.PERPETRATOR), **where
    )
    borough.does("rosa", "SeekAgreement", story.consent_answers("REFUSED"), **where)
    borough.does("rosa", "CompleteIswcForm", story.iswc_answers, **where)
    borough.does("rosa", "AnswerChecklist", story.iswc_checklist_answers(), **where)
    assert borough.tasks("rosa", elementId="AuthoriseSharing") == []
    borough.does("mark", "AuthoriseSharing", story.authorise_answers(), **where)
    borough.does("rosa", "RecordPerpetratorDecision", story.perpetrator_answers, **where)
    borough.does("rosa", "SubmitReferral", story.referral_answers, **where)
    return instance, case


def test_a_referral_runs_to_closed_actions_through_the_api(borough: Borough) -> None:
    meeting = plan_meeting(borough, london(24, 3, 10))
    instance, case = refer(borough)
    assert borough.state(case) == "SUBMITTED"

    borough.does("ida", "ContactVictim", said.idva_contact)
    borough.does("cora", "CheckCompleteness", story.triage_answers())
    borough.does("cora", "ListCase", story.listing_answers(int(meeting)))
    borough.does("cora", "InviteAgencies", said.invitations())
    assert borough.case("rosa", case)["meetingKey"] == meeting

    borough.at(16, 3, 10, 1)  # eight days before, the agenda goes out
    assert borough.state(case) == "RESEARCHING"
    for slug in ("police", "children", "idva"):
        spoc = f"spoc.{slug}"
        held = said.research_held(borough.people_of(case), police=slug == "police")
        borough.does(spoc, "ResearchAgency", {**held, "attendeeName": borough.user(spoc)})
    others = ("adults", "housing", "probation", "hospital", "mental-health", "substance", "education", "youth", "fire")
    for slug in others:
        borough.does(f"deputy.{slug}", "ResearchAgency", said.NOTHING)
        borough.does(f"deputy.{slug}", "ConfirmDestruction", said.destroyed)
    assert borough.tasks("spoc.police", elementId="ResearchAgency") == []
    assert borough.state(case) == "READY"

    borough.at(24, 3, 9, 55)
    borough.does("chidi", "RuleOnConfidentiality", said.rulings())
    borough.does("chidi", "RemindVirtualAttendees", {"anyVirtual": "no"})
    borough.at(24, 3, 10, 5)
    borough.does("chidi", "ReadStatement", {"attestation": True})
    for username in borough.users_attending(meeting):
        borough.does(username, "SignAttendance", said.SIGNED, candidateUser=username)
    borough.does("chidi", "ReviewPreviousActions", {"attestation": True})
    presenter = str(borough.attendees(meeting)["Rita Cole"].key)
    borough.does("chidi", "RecordDiscussion", said.discussion(presenter, borough.agency("police")))
    borough.does("petra", "ConsiderDisclosure", said.POLICE)
    action = ("Fit a safer door", borough.agency("children"), borough.user("rita"), "2026-04-02")
    borough.does("chidi", "AgreeActionPlan", said.plan([action], borough.agency("idva")))
    borough.does("chidi", "AssureMailAccounts", {"assuranceFrom": [presenter], "attestation": True})
    borough.does("chidi", "DecideRetention", said.retention())
    borough.does("chidi", "CloseConference", {"hardCopiesLeft": True, "attestation": True})
    assert borough.state(case) == "ACTIONS_OPEN"

    borough.does("cora", "DestroyPapers", said.papers_destroyed)
    borough.does("cora", "DraftMinutes", {"corrections": [], "attestation": True})
    assert not borough.still_due(meeting, "minutesDue")
    borough.does("chidi", "ApproveMinutes", {"minutesApproved": "no", "returnReason": "Case 1 is wrong."})
    assert borough.still_due(meeting, "minutesDue")  # they are not done after all
    borough.does("cora", "DraftMinutes", {"corrections": [], "attestation": True})
    borough.does("chidi", "ApproveMinutes", {"minutesApproved": "yes", "attestation": True})
    borough.does("ida", "TellVictim", said.told)
    borough.at(27, 3, 9)
    borough.does("rita", "DoAction", said.done)
    borough.does("cora", "CloseOrRelist", {"closeDecision": "CLOSE", "reason": "Every action is done."})
    borough.server.hours.settle()
    assert borough.state(case) == "ACTIONS_CLOSED"
    running_on = borough.server.client("cora").get_process_instance(process_instance_key=instance)
    assert (running_on.state.value, running_on.has_incident) == ("ACTIVE", False)


def test_wrong_answers_are_refused_with_everything_that_is_wrong(borough: Borough) -> None:
    instance = borough.start("rosa", "marac-case")
    [task] = borough.tasks("rosa", processInstanceKey=instance)
    client = borough.server.client("rosa")

    def send(variables: dict[str, Any]) -> ApiError:
        with pytest.raises(ApiError) as refused:
            client.complete_user_task(
                user_task_key=task.user_task_key, data=UserTaskCompletionRequest.from_dict({"variables": variables})
            )
        return refused.value

    empty = send({})
    assert empty.status_code == 400
    named = {each["name"] for each in httpx.Response(400, content=empty.content).json()["errors"]}
    assert any(name.startswith("victim") for name in named)
    assert len(named) > 5
    assert send({"refer": True, "inventedAnswer": 1}).status_code == 400
    assert client.get_user_task(user_task_key=task.user_task_key).state.value == "CREATED"


def test_nobody_authorises_their_own_draft(borough: Borough) -> None:
    """Four eyes hold at assignment and at completion: the author may not even be handed the task."""
    with borough.server.app.app_context():
        from app.identity import register

        rosa = register.find_user("rosa")
        assert rosa is not None
        register.grant_role(rosa.key, "authorising-manager", agency_key=rosa.agency_key, area_key=rosa.area_key)
        db.session.commit()
    instance = borough.start("rosa", "marac-case")
    where = {"processInstanceKey": instance}
    borough.does(
        "rosa", "CompleteRiskChecklist", lambda: story.checklist_answers(story.VICTIM, story.PERPETRATOR), **where
    )
    borough.does("rosa", "SeekAgreement", story.consent_answers("REFUSED"), **where)
    borough.does("rosa", "CompleteIswcForm", story.iswc_answers, **where)
    borough.does("rosa", "AnswerChecklist", story.iswc_checklist_answers(), **where)
    [task] = borough.tasks("mark", elementId="AuthoriseSharing", **where)
    key = task.user_task_key

    def refused(act: Callable[[], object]) -> int:
        with pytest.raises(ApiError) as error:
            act()
        return error.value.status_code

    rosa_client, mark = borough.server.client("rosa"), borough.server.client("mark")
    to_rosa = UserTaskAssignmentRequest(assignee="rosa", action="Please do this.")
    assert refused(lambda: rosa_client.assign_user_task(user_task_key=key, data=to_rosa)) == 403
    assert refused(lambda: mark.assign_user_task(user_task_key=key, data=to_rosa)) == 403
    done = UserTaskCompletionRequest.from_dict({"variables": story.authorise_answers()})
    assert refused(lambda: rosa_client.complete_user_task(user_task_key=key, data=done)) == 403
    assert mark.get_user_task(user_task_key=key).state.value == "CREATED"
