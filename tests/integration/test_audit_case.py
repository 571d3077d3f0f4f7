"""Every look at a case and every act in it is on record, and the record shows when it was tampered with."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from sqlalchemy import text

from app import audit
from app.audit import AuditEntry
from app.audit.heads import export_head
from app.cases.models import Submission
from app.documents.models import Document, DocumentStatus
from app.store.database import db
from app.work.models import ItemState, WorkItem
from tests.support.stage import Stage
from tests.support.whole_case import WholeCase


def entries(stage: Stage, **where: object) -> list[AuditEntry]:
    """Entries, oldest first."""
    return list(stage.look(lambda: db.session.query(AuditEntry).filter_by(**where).order_by(AuditEntry.key).all()))


# ------------------------------------------------------------------------------------------------- looks
@pytest.mark.parametrize(
    ("path", "action"),
    [
        ("/cases/{case}", "view.case-overview"),
        ("/cases/{case}/papers", "view.case-papers"),
        ("/cases/{case}/actions", "view.case-actions"),
        ("/cases/{case}/tasks", "view.case-tasks"),
        ("/cases/{case}/deadlines", "view.case-deadlines"),
        ("/cases/{case}/documents", "view.case-documents"),
        ("/cases/{case}/timeline", "view.case-timeline"),
        ("/cases/{case}/diagram", "view.case-diagram"),
        ("/cases/{case}/conflicts", "view.case-conflicts"),
        ("/cases", "view.case-list"),
        ("/work?view=all", "view.work-list"),
        ("/meetings/{meeting}", "view.agenda"),
        ("/meetings/{meeting}/room", "view.agenda"),
    ],
)
def test_a_look_at_a_case_is_recorded_once(aftermath: Stage, played: WholeCase, path: str, action: str) -> None:
    cora = aftermath.as_("cora")
    before = {entry.key for entry in entries(aftermath)}
    address = path.format(case=played.case_key, meeting=played.meeting)
    assert cora.get(address).status == 200
    fresh = [entry for entry in entries(aftermath, case_key=played.case_key) if entry.key not in before]
    assert [(entry.action, entry.actor) for entry in fresh] == [(action, int(aftermath.user("cora")))]
    assert "marac-coordinator" in fresh[0].role


def test_a_task_its_form_and_its_answers_are_looks_too(aftermath: Stage, played: WholeCase) -> None:
    spoc = aftermath.as_("spoc.children")
    before = {entry.key for entry in entries(aftermath)}
    spoc.open_task("Flag the case in your records", played.case)
    fresh = [entry for entry in entries(aftermath, case_key=played.case_key) if entry.key not in before]
    assert {"view.task", "view.form", "work.claim"} <= {entry.action for entry in fresh}


def test_a_download_is_recorded(aftermath: Stage, played: WholeCase) -> None:
    paper = next(one for one in aftermath.documents(case_key=played.case_key) if one.status == DocumentStatus.READY)
    aftermath.as_("cora").download(f"/documents/{paper.key}")
    found = entries(aftermath, action="view.document", subject=f"document:{paper.key}")
    assert [entry.actor for entry in found] == [int(aftermath.user("cora"))]


def test_a_look_that_is_refused_shows_nothing_and_records_no_look(aftermath: Stage, played: WholeCase) -> None:
    education = aftermath.as_("spoc.education")
    before = len(entries(aftermath, actor=int(aftermath.user("spoc.education"))))
    assert education.status_of(f"/cases/{played.case_key}") == 404
    after = entries(aftermath, actor=int(aftermath.user("spoc.education")))
    assert not [entry for entry in after[before:] if entry.action.startswith("view.case")]


# ------------------------------------------------------------------------------------------------- acts
def test_every_task_that_was_completed_is_on_record_with_who_did_it(aftermath: Stage, played: WholeCase) -> None:
    def done() -> Counter[tuple[str, int | None]]:
        rows = db.session.query(WorkItem).filter(
            WorkItem.state == ItemState.COMPLETED, WorkItem.completed_by.is_not(None)
        )
        return Counter((f"item:{row.key}", row.completed_by) for row in rows)

    completed = aftermath.look(done)
    recorded = Counter((entry.subject, entry.actor) for entry in entries(aftermath, action="work.complete"))
    assert sum(completed.values()) > 40
    assert completed == recorded


def test_every_submission_can_be_proved_from_the_record(aftermath: Stage, played: WholeCase) -> None:
    """The record holds a digest of what was sent, and none of it."""
    kept = aftermath.look(
        lambda: {row.work_item_key for row in db.session.query(Submission).filter_by(dossier_key=played.case_key)}
    )
    recorded = {entry.subject for entry in entries(aftermath, action="work.complete") if entry.digest}
    assert {f"item:{key}" for key in kept if key is not None} <= recorded


@pytest.mark.parametrize(
    "action",
    [
        "sign-in",
        "procedure.start",
        "work.claim",
        "work.hand-over",
        "work.escalation",
        "deadline.move",
        "conflict.declare",
        "meeting.move",
        "meeting.attendee",
        "meeting.sign-link",
        "meeting.sign-by-link",
    ],
)
def test_each_kind_of_act_of_the_whole_case_is_on_record(aftermath: Stage, action: str) -> None:
    assert entries(aftermath, action=action)


def test_the_auditor_reads_it_by_case_and_by_person(aftermath: Stage, played: WholeCase) -> None:
    audrey = aftermath.as_("audrey")
    page = audrey.get("/audit", case=played.case)
    assert page.status == 200
    assert "Cora Coyle" in page.text
    assert "Elin" not in page.content
    page = audrey.get("/audit", actor=aftermath.user("gwen"))
    assert "Gwen Marlow" in page.text
    own = entries(aftermath, action="view.audit")
    assert own[-1].actor == int(aftermath.user("audrey")), "looking at the audit is a look"


# ------------------------------------------------------------------------------------------------- proof
def seal(stage: Stage) -> None:
    with stage.app.app_context():
        while audit.seal_pending():
            pass
        db.session.commit()


def unlock(stage: Stage) -> None:
    """What somebody does who has the database itself in hand."""
    names = text("SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name LIKE 'audit_%'")
    for name in db.session.execute(names).scalars().all():
        db.session.execute(text(f"DROP TRIGGER {name}"))


def tamper(stage: Stage, statement: str, **values: object) -> list[str]:
    """Change the database behind Convenor's back; what verifying finds."""
    with stage.app.app_context():
        unlock(stage)
        assert db.session.execute(text(statement), values).rowcount > 0
        db.session.commit()
        found = audit.verify().findings
        db.session.rollback()
    return list(found)


def test_the_record_of_a_whole_case_is_sound(aftermath: Stage) -> None:
    seal(aftermath)
    report = aftermath.look(audit.verify)
    assert report.findings == []
    assert report.unsealed == 0
    assert report.entries > 300


def test_a_changed_entry_is_found(aftermath: Stage, played: WholeCase) -> None:
    seal(aftermath)
    chosen = next(e for e in entries(aftermath, case_key=played.case_key) if e.action == "view.case-overview")
    assert tamper(aftermath, "UPDATE audit_entry SET actor = 1 WHERE key = :key", key=chosen.key)


def test_a_removed_entry_is_found(aftermath: Stage, played: WholeCase) -> None:
    seal(aftermath)
    chosen = entries(aftermath, case_key=played.case_key)[10]
    assert tamper(aftermath, "DELETE FROM audit_entry WHERE key = :key", key=chosen.key)


def test_an_end_that_was_cut_off_is_found_by_an_exported_head(aftermath: Stage, tmp_path: Path) -> None:
    """The chain that is left is whole in itself; only a head kept elsewhere tells."""
    seal(aftermath)
    head = tmp_path / "head.jsonl"
    head.write_text(aftermath.look(export_head) + "\n")
    assert aftermath.look(lambda: audit.verify(head)).findings == []
    with aftermath.app.app_context():
        unlock(aftermath)
        last = db.session.execute(text("SELECT max(number) FROM audit_seal")).scalar()
        first = db.session.execute(text("SELECT first FROM audit_seal WHERE number = :n"), {"n": last}).scalar()
        db.session.execute(text("DELETE FROM audit_entry WHERE sequence >= :n"), {"n": first})
        db.session.execute(text("DELETE FROM audit_seal WHERE number = :n"), {"n": last})
        db.session.commit()
        findings = audit.verify(head).findings
        db.session.rollback()
    assert findings


def test_the_operator_verifies_on_a_page(aftermath: Stage) -> None:
    seal(aftermath)
    audrey = aftermath.as_("audrey")
    audrey.get("/audit")
    page = audrey.send(audrey.page.form_to("/verify"))
    assert page.status == 200
    assert entries(aftermath, action="audit.verify")
    assert Document.__tablename__ not in page.text
