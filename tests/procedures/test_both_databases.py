"""The main job in short, through the same verbs as the pages, on PostgreSQL. On SQLite it runs through the pages (`test_marac_main.py`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from app import audit
from app.agencies.models import Agency, Contact
from app.cases import deadlines
from app.cases.models import Case, CaseState
from app.cases.parties import parties
from app.demo import story
from app.demo.acting import do, filled, person
from app.documents.models import Document, DocumentStatus
from app.identity import register
from app.meetings import attendance, planning
from app.runtime.models import Incident
from app.store.clock import clock
from app.store.database import db
from app.store.jobs import Job
from app.work import completion, items
from app.work.models import ItemState, WorkItem
from tests.procedures import answers as said
from tests.support.hours import START, Time
from tests.support.installation import Blank

Answers = Mapping[str, Any] | Callable[[], Mapping[str, Any]]


def act(who: str, element: str, answers: Answers | None = None) -> None:
    """Somebody completes their oldest task of an element."""
    db.session.rollback()
    db.session.expire_all()
    do(who, element, answers() if callable(answers) else answers)
    db.session.commit()


def everybody_signs(meeting: int) -> None:
    query = select(WorkItem.key).where(WorkItem.element_id == "SignAttendance", WorkItem.state == ItemState.OPEN)
    for key in db.session.execute(query).scalars().all():
        item = items.load(key)
        row = attendance.find(item.named_key("signature") or 0)
        who = person(register.person_for(row.user_key or 0).username)
        items.claim(key, who)
        completion.complete(key, who, filled(item, who, said.SIGNED))
        db.session.commit()
    assert all(row.signed_at for row in attendance.of_meeting(meeting) if row.ruling is None)


@pytest.mark.usefixtures("still")
@pytest.mark.parametrize("blank", ["postgresql"], indirect=True)
def test_a_referral_runs_to_closed_actions(blank: Blank, tmp_path: Path) -> None:
    clock.freeze(START)
    with blank.copy(tmp_path / "data") as installation, installation.app() as app:
        hours = Time(app)
        db.session.query(Contact).update({Contact.active_from: START})
        db.session.commit()
        story.begin(app, 0)
        db.session.commit()
        act("cora", "InviteAgencies", said.invitations())
        act("ida", "ContactVictim", said.idva_contact)
        meeting = planning.upcoming(person("cora").area_key or 0)[0]
        key, start = meeting.key, meeting.starts_at
        assert start is not None
        db.session.commit()

        hours.to(start - timedelta(days=8) + timedelta(minutes=1))
        case = db.session.execute(select(Case)).scalar_one()
        assert case.state == CaseState.RESEARCHING
        people = [str(one.key) for one in parties(case.key)]
        for slug in ("police", "children"):
            held = said.research_held(people, police=slug == "police")
            act(f"spoc.{slug}", "ResearchAgency", {**held, "attendeeName": story.user_id(f"spoc.{slug}")})
        act("deputy.youth", "ResearchAgency", said.NOTHING)
        act("deputy.youth", "ConfirmDestruction", said.destroyed)

        hours.to(start - timedelta(minutes=5))
        act("chidi", "RuleOnConfidentiality", said.rulings("Rhys Tanner", "EXCLUDED"))
        act("chidi", "RemindVirtualAttendees", {"anyVirtual": "no"})
        act("chidi", "ReadStatement", {"attestation": True})
        everybody_signs(key)
        act("chidi", "ReviewPreviousActions", {"attestation": True})
        agencies = {a.slug: str(a.key) for a in db.session.execute(select(Agency)).scalars()}
        present = {attendance.who_is(one).name: str(one.key) for one in attendance.of_meeting(key)}
        rita = story.user_id("rita")
        act("chidi", "RecordDiscussion", said.discussion(present["Rita Cole"], agencies["police"]))
        act("petra", "ConsiderDisclosure", said.POLICE)
        actions = [("Talk to the school", agencies["children"], rita, story.today(7))]
        act("chidi", "AgreeActionPlan", said.plan(actions, agencies["idva"]))
        act("chidi", "AssureMailAccounts", {"assuranceFrom": [present["Rita Cole"]], "attestation": True})
        act("chidi", "DecideRetention", said.retention)
        act("chidi", "CloseConference", {"hardCopiesLeft": True, "attestation": True})
        act("cora", "DestroyPapers", said.papers_destroyed)
        act("cora", "DraftMinutes", {"corrections": [], "attestation": True})
        act("chidi", "ApproveMinutes", {"minutesApproved": "yes", "attestation": True})
        act("ida", "TellVictim", said.told)
        act("rita", "DoAction", said.done)
        act("cora", "CloseOrRelist", {"closeDecision": "CLOSE", "reason": "All is done."})
        hours.settle()

        db.session.expire_all()
        assert case.state == CaseState.ACTIONS_CLOSED
        armed = {one.name for one in deadlines.in_force(case.key) if one.met_at is None}
        assert {"flagUntil", "retentionReview"} <= armed
        papers = db.session.execute(select(Document.kind, Document.status)).all()
        assert {status for _, status in papers} <= {DocumentStatus.READY, DocumentStatus.DESTROYED}
        assert {"minutes", "attendance-sheet", "iswc-form"} <= {
            kind for kind, status in papers if status == DocumentStatus.READY
        }
        assert db.session.query(Incident).count() == 0
        assert db.session.query(Job).filter(Job.error.is_not(None)).count() == 0
        while audit.seal_pending():
            pass
        db.session.commit()
        assert audit.verify().findings == []
