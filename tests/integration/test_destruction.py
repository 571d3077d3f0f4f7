"""When its retention review says so, a case is destroyed: nothing readable of it is left in database, documents, mail queue or engine."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text

from app.agencies import parameters
from app.cases.errors import CaseDestroyed
from app.cases.models import (
    Action,
    Attachment,
    Case,
    CaseState,
    ConflictOfInterest,
    Deadline,
    Dossier,
    MatchToken,
    Party,
    ReleasedItem,
    Submission,
    TimelineEvent,
)
from app.cases.parties import parties
from app.cases.submissions import read
from app.documents import service as documents
from app.documents.models import Document, DocumentStatus
from app.factory import create_app
from app.meetings.models import AgendaItem, AgendaStatus
from app.notices.models import Notice
from app.operations import states
from app.runtime.models import Instance, Subscription, TimerRow
from app.settings import Settings
from app.store import jobs
from app.store.clock import business_now
from app.store.database import db
from app.work.models import Candidate, Draft, Handover, WorkItem
from tests.support.planting import WORD, leaks_in_files
from tests.support.stage import Stage, london, pdf_text
from tests.support.whole_case import WholeCase


def destroy(stage: Stage, case_key: int) -> None:
    """What the operation destroy-case asks for, done by the worker."""
    with stage.app.app_context():
        jobs.enqueue("case.destroy", {"case": str(case_key)}, dedupe_key=f"destroy:{case_key}")
        db.session.commit()
    stage.settle()


def test_the_retention_review_destroys_the_case(aftermath: Stage, played: WholeCase) -> None:
    """Through the procedure: a year on the flag comes off, ten years on the Detective Inspector disposes (E10, E11)."""
    case, key = played.case, played.case_key
    aftermath.at(london(3, 3, 10, year=2027))
    unflagged = {"noRepeat": "yes", "agenciesToldOn": "2027-03-03"}
    aftermath.as_("cora").does("Take the flag off, if there was no repeat", unflagged, of=case)
    assert aftermath.state(case) == CaseState.DORMANT
    aftermath.at(london(12, 4, 10, year=2036))
    disposed = {"retentionDecision": "DISPOSE", "reason": "Nothing since.", "holdsChecked": True, "attestation": True}
    aftermath.as_("isla").does("Decide: keep or destroy the records", disposed, of=case)
    aftermath.settle()
    assert aftermath.state(case) == CaseState.DISPOSED
    with pytest.raises(CaseDestroyed):
        aftermath.look(lambda: [read(one) for one in _submissions(key, with_content=False)])


def _submissions(key: int, *, with_content: bool) -> list[Submission]:
    rows = db.session.query(Submission).filter_by(dossier_key=key)
    return [one for one in rows if not with_content or one.ciphertext is not None or one.wrapped_key is not None]


def test_nothing_readable_is_left_in_any_table(aftermath: Stage, played: WholeCase) -> None:
    key = played.case_key
    with aftermath.app.app_context():
        instances = [one.key for one in db.session.query(Instance).filter_by(case_key=key)]
        assert any(one.state for one in db.session.query(Instance).filter_by(case_key=key)), "there was something"
        assert parties(key)
        db.session.rollback()
    destroy(aftermath, key)
    with aftermath.app.app_context():
        dossier = db.session.get(Dossier, key)
        assert dossier is not None
        assert dossier.wrapped_key is None
        assert dossier.destroyed_at is not None
        assert _submissions(key, with_content=True) == []
        for one in db.session.query(Attachment).filter_by(dossier_key=key):
            assert (one.wrapped_key, one.ciphertext, one.sealed_name) == (None, None, b"")
        for row in db.session.query(Action).filter_by(case_key=key):
            assert (row.sealed, row.sealed_outcome) == (b"", None)
        for model in (Party, MatchToken, ReleasedItem, ConflictOfInterest):
            assert db.session.query(model).filter_by(case_key=key).count() == 0, model
        kinds = {one.kind for one in db.session.query(TimelineEvent).filter_by(dossier_key=key)}
        assert kinds <= {"destroyed", "ended"}, "no more than that it was and ended"
        assert db.session.query(Deadline).filter(Deadline.dossier_key == key, Deadline.reason.is_not(None)).count() == 0
        items = [one.key for one in db.session.query(WorkItem).filter_by(case_key=key)]
        for model in (Draft, Candidate, Handover):
            assert db.session.query(model).filter(model.item_key.in_(items)).count() == 0, model
        assert db.session.query(WorkItem).filter_by(case_key=key, state="open").count() == 0
        for paper in db.session.query(Document).filter_by(case_key=key):
            assert paper.status == DocumentStatus.DESTROYED
        reference = db.session.get(Case, key)
        assert reference is not None
        assert db.session.query(Notice).filter_by(reference=reference.reference).count() == 0
        assert {one.state for one in db.session.query(Instance).filter_by(case_key=key)} == {b""}
        for model in (TimerRow, Subscription):
            assert db.session.query(model).filter(model.instance_key.in_(instances)).count() == 0, model
        assert db.session.query(jobs.Job).filter(jobs.Job.instance_key.in_(instances)).count() == 0


def readable_papers(stage: Stage) -> dict[str, str]:
    """What the papers that still exist say, whoever may read them."""

    def read_all() -> dict[str, bytes]:
        rows = db.session.query(Document).filter_by(status=DocumentStatus.READY)
        return {f"{one.kind}-{one.key}": documents.read(one) for one in rows}

    return {name: pdf_text(content) for name, content in stage.look(read_all).items()}


def naming_the_case(stage: Stage) -> list[str]:
    said = ("Elin", "Darren", "Poppy", "safer door", "serious harm from him")
    return [name for name, words in readable_papers(stage).items() if any(one in words for one in said)]


def test_papers_of_the_meeting_that_speak_of_the_case_go_with_it(aftermath: Stage, played: WholeCase) -> None:
    """The meeting's agenda, minutes, extracts and action lists name the case too."""
    assert len(naming_the_case(aftermath)) > 4
    destroy(aftermath, played.case_key)
    assert naming_the_case(aftermath) == []
    assert any("attendance" in name for name in readable_papers(aftermath)), "who was there is not about the case"


def test_papers_that_another_case_needs_are_made_again_without_it(aftermath: Stage, played: WholeCase) -> None:
    other = aftermath.case(played.signposted)
    with aftermath.app.app_context():
        row = AgendaItem(meeting_key=played.meeting, case_key=other.key, position=2, added_at=business_now())
        row.status = AgendaStatus.HEARD
        db.session.add(row)
        db.session.commit()
    destroy(aftermath, played.case_key)
    assert naming_the_case(aftermath) == [] or played.signposted in "".join(readable_papers(aftermath).values())
    again = {name.rsplit("-", 1)[0]: words for name, words in readable_papers(aftermath).items()}
    assert played.signposted in again["minutes"]
    assert played.case not in again["minutes"]


def test_pages_show_that_it_was_and_nothing_more(aftermath: Stage, played: WholeCase) -> None:
    cora = aftermath.as_("cora")
    assert "Elin Marsh" in cora.get(f"/cases/{played.case_key}").content
    destroy(aftermath, played.case_key)
    for path in (
        f"/cases/{played.case_key}",
        *(f"/cases/{played.case_key}/{part}" for part in ("papers", "actions", "tasks", "timeline", "documents")),
        "/cases",
        "/work?view=all",
        f"/meetings/{played.meeting}",
        f"/meetings/{played.meeting}/room",
    ):
        page = cora.get(path)
        assert page.status in (200, 403, 404), (path, page.status)
        words = [w for w in ("Darren Pole", "Poppy Marsh", "Quay Street", "safer door") if w in page.content]
        other_cases = path in ("/cases", "/work?view=all")
        assert words == [] or other_cases, (path, words)
        assert played.case not in page.content or "Elin Marsh Wyvernquill0003" not in page.content, path


def test_the_same_people_are_not_matched_with_a_destroyed_case(aftermath: Stage, played: WholeCase) -> None:
    with aftermath.app.app_context():
        before = db.session.query(MatchToken).filter_by(case_key=played.case_key).count()
        others = db.session.query(MatchToken).filter(MatchToken.case_key != played.case_key).count()
        db.session.rollback()
    assert before > 0
    destroy(aftermath, played.case_key)
    with aftermath.app.app_context():
        assert db.session.query(MatchToken).filter_by(case_key=played.case_key).count() == 0
        assert db.session.query(MatchToken).count() == others, "other cases keep theirs"


def test_other_cases_are_untouched(aftermath: Stage, played: WholeCase) -> None:
    destroy(aftermath, played.case_key)
    assert aftermath.state(played.signposted) == CaseState.MERGED
    other = aftermath.case(played.signposted).key
    assert aftermath.look(lambda: [read(one) for one in _submissions(other, with_content=True)])


def test_a_legal_hold_blocks_it(aftermath: Stage, played: WholeCase) -> None:
    with aftermath.app.app_context():
        case = db.session.get(Case, played.case_key)
        assert case is not None
        case.legal_hold = True
        db.session.commit()
    destroy(aftermath, played.case_key)
    assert aftermath.state(played.case) == CaseState.ACTIONS_CLOSED
    assert WORD in aftermath.as_("cora").get(f"/cases/{played.case_key}").content


DECIDE = "Decide: keep or destroy the records"
DISPOSED = {"retentionDecision": "DISPOSE", "reason": "Nothing since.", "holdsChecked": True, "attestation": True}


def decided_to_destroy(stage: Stage, case: str) -> None:
    """The Detective Inspector has decided, and no worker has come to it yet."""
    stage.at(london(3, 3, 10, year=2027))
    unflagged = {"noRepeat": "yes", "agenciesToldOn": "2027-03-03"}
    stage.as_("cora").does("Take the flag off, if there was no repeat", unflagged, of=case)
    stage.at(london(12, 4, 10, year=2036))
    stage.as_("isla").does(DECIDE, DISPOSED, of=case)


def hold(stage: Stage, case_key: int, *, lift: bool = False) -> None:
    browser = stage.as_("isla")
    browser.get(f"/cases/{case_key}/hold")
    page = browser.press("Lift the hold" if lift else "Set the hold", reason="A review of a homicide")
    assert ("The legal hold is lifted." if lift else "The legal hold is set.") in page.text


def asked(stage: Stage) -> list[WorkItem]:
    return [one for one in stage.items("ReviewRetention") if one.state == "open"]


def failed_jobs(stage: Stage) -> int:
    return int(stage.look(lambda: db.session.query(jobs.Job).filter_by(state="failed").count()))


def test_a_hold_set_after_the_decision_keeps_the_case_and_asks_again(aftermath: Stage, played: WholeCase) -> None:
    case, key = played.case, played.case_key
    decided_to_destroy(aftermath, case)
    hold(aftermath, key)
    aftermath.settle()
    assert aftermath.state(case) in (CaseState.RETAINED, CaseState.RETENTION_DUE)
    assert failed_jobs(aftermath) == 0
    assert (
        "Not destroyed: a legal hold was set after that had been decided"
        in aftermath.as_("isla").get(f"/cases/{key}/timeline").text
    )
    aftermath.at(london(20, 4, 10, year=2036))
    [task] = asked(aftermath)
    assert task.roles == ["csu-detective-inspector"]
    aftermath.as_("isla").does(DECIDE, DISPOSED, of=case)
    aftermath.settle()
    assert aftermath.state(case) != CaseState.DISPOSED, "the hold still keeps it"
    review = aftermath.deadline(key, "retentionReview")
    assert review is not None
    assert (review.rule, review.parameter) == ("the day of the review + legalHoldReview", "legalHoldReview = P3M")
    aftermath.at(london(30, 4, 10, year=2036))
    hold(aftermath, key, lift=True)
    aftermath.settle()
    assert aftermath.state(case) != CaseState.DISPOSED, "lifting destroys nothing"
    assert len(asked(aftermath)) == 1
    aftermath.as_("isla").does(DECIDE, DISPOSED, of=case)
    aftermath.settle()
    assert aftermath.state(case) == CaseState.DISPOSED


def test_a_hold_that_was_set_and_lifted_since_the_decision_asks_again_too(aftermath: Stage, played: WholeCase) -> None:
    decided_to_destroy(aftermath, played.case)
    hold(aftermath, played.case_key)
    hold(aftermath, played.case_key, lift=True)
    aftermath.at(london(20, 4, 10, year=2036))
    assert aftermath.state(played.case) == CaseState.RETENTION_DUE
    assert len(asked(aftermath)) == 1
    assert failed_jobs(aftermath) == 0


def test_who_decides_is_asked_as_soon_as_the_hold_is_lifted(aftermath: Stage, played: WholeCase) -> None:
    """Where an area looks at held cases once in two years, nobody waits that long for the next review."""
    with aftermath.app.app_context():
        area = db.session.query(Case).filter_by(key=played.case_key).one().area_key
        now = business_now()
        parameters.change(area, "legalHoldReview", "P2Y", by=1, effective_from=now, reason="Fewer reviews")
        db.session.commit()
    decided_to_destroy(aftermath, played.case)
    hold(aftermath, played.case_key)
    aftermath.at(london(12, 9, 10, year=2036))
    assert (aftermath.state(played.case), asked(aftermath)) == (CaseState.RETAINED, [])
    hold(aftermath, played.case_key, lift=True)
    aftermath.settle()
    [task] = asked(aftermath)
    assert task.due_at is not None
    assert (task.due_at - london(12, 9, 10, year=2036)).days == 89
    timeline = aftermath.as_("isla").get(f"/cases/{played.case_key}/timeline").text
    assert "Deadline moved: Retention review" in timeline


def test_the_ledger_is_written_outside_the_database_and_replayed_over_a_backup(
    aftermath: Stage, played: WholeCase, tmp_path: Path, settings: Settings
) -> None:
    """A restored database still holds the case; the ledger, which is no part of the backup, destroys it again."""
    destroy(aftermath, played.case_key)
    ledger = settings.data / "ledger" / "destructions.jsonl"
    lines = [json.loads(line) for line in ledger.read_text().splitlines()]
    assert [line["dossier"] for line in lines] == [str(played.case_key)]
    assert leaks_in_files([ledger.parent]) == []

    restored = tmp_path / "restored"
    shutil.copytree(played.data, restored)
    shutil.copytree(settings.data / "ledger", restored / "ledger", dirs_exist_ok=True)
    app = create_app(replace(settings, data=restored, database_url=""))
    with app.app_context():
        case = db.session.get(Case, played.case_key)
        assert case is not None
        assert case.state == CaseState.ACTIONS_CLOSED
        assert states.replay(restored / "ledger") == 1
        db.session.commit()
        assert case.state == CaseState.DISPOSED
        assert _submissions(played.case_key, with_content=True) == []
        assert states.replay(restored / "ledger") == 0, "replaying twice changes nothing"
        db.session.remove()
        db.engine.dispose()


def test_the_keys_that_were_destroyed_are_not_in_the_database_file(aftermath: Stage, played: WholeCase) -> None:
    """Freed pages and the write-ahead log are overwritten too: SQLite is told to, and its log is emptied."""
    with aftermath.app.app_context():
        wrapped = db.session.get(Dossier, played.case_key)
        assert wrapped is not None
        assert wrapped.wrapped_key is not None
        key = bytes(wrapped.wrapped_key)
        db.session.remove()
        db.session.execute(text("SELECT 1"))
    files = [path for path in (aftermath.app.config["SETTINGS"].data).glob("convenor.sqlite3*")]
    assert any(key in path.read_bytes() for path in files), "it was there"
    destroy(aftermath, played.case_key)
    assert [path.name for path in files if path.exists() and key in path.read_bytes()] == []
