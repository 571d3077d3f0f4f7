"""Sealing, exporting and verifying: every kind of tampering is found."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import func, select, text

from app import audit
from app.audit import AuditEntry, AuditSeal, cli
from app.audit import sealing as sealing_module
from app.audit.state import state
from app.errors import Invalid
from app.store.chores import chore_of
from app.store.database import db


def record(count: int, action: str = "work.complete") -> None:
    for number in range(count):
        audit.record(action, actor=number + 1, subject=f"item:{number}", detail="x")
    db.session.commit()


def tamper(*statements: str) -> None:
    """What an attacker with the database and without the key can do: the guards off, then anything."""
    sqlite = db.engine.dialect.name == "sqlite"
    for trigger, table in (
        ("audit_entry_no_update", "audit_entry"),
        ("audit_entry_no_delete", "audit_entry"),
        ("audit_seal_no_update", "audit_seal"),
        ("audit_seal_no_delete", "audit_seal"),
    ):
        db.session.execute(text(f"DROP TRIGGER {trigger}" if sqlite else f"DROP TRIGGER {trigger} ON {table}"))
    for statement in statements:
        db.session.execute(text(statement))
    db.session.commit()
    db.session.expire_all()


def chain_of_two_batches() -> None:
    record(5)
    audit.seal_pending()
    record(5)
    audit.seal_pending()


def test_entries_get_places_without_gaps_and_the_chain_is_sound(app: Flask) -> None:
    record(3)
    assert audit.seal_lag_seconds() >= 0
    assert audit.seal_pending() == 3
    record(2)
    assert audit.seal_pending() == 2
    assert audit.seal_pending() == 0
    places = db.session.execute(select(AuditEntry.sequence).order_by(AuditEntry.sequence)).scalars().all()
    assert places == [1, 2, 3, 4, 5]
    report = audit.verify()
    assert report.sound, report.findings
    assert (report.entries, report.seals, report.heads, report.unsealed) == (5, 2, 2, 0)
    assert audit.seal_lag_seconds() == 0.0


def test_many_entries_are_sealed_in_batches(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealing_module, "BATCH", 4)
    monkeypatch.setattr(sealing_module.seal_batch, "__defaults__", (4,))
    record(10)
    assert audit.seal_pending() == 10
    assert db.session.execute(select(func.count()).select_from(AuditSeal)).scalar() == 3
    assert audit.verify().sound


def test_an_entry_that_commits_late_comes_into_a_later_batch(app: Flask) -> None:
    """Its instant is earlier than what has been sealed already; no place is kept for it, and none is missing."""
    record(2)
    audit.seal_pending()
    late = audit.record("work.complete", actor=1)
    late.wall_at = datetime.now(UTC) - timedelta(hours=1)
    db.session.commit()
    audit.seal_pending()
    assert db.session.get(AuditEntry, late.key, populate_existing=True).sequence == 3  # type: ignore[union-attr]
    assert audit.verify().sound


def test_workers_that_seal_at_once_give_every_entry_one_place(app: Flask) -> None:
    record(60)
    failures: list[BaseException] = []

    def work() -> None:
        with app.app_context():
            try:
                for _ in range(5):
                    audit.seal_pending()
            except BaseException as error:
                failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    record(40)
    for thread in threads:
        thread.join()
    audit.seal_pending()
    assert failures == []
    report = audit.verify()
    assert report.sound, report.findings
    assert (report.entries, report.unsealed) == (100, 0)


def test_entries_not_sealed_yet_are_counted_and_are_no_finding(app: Flask) -> None:
    record(2)
    report = audit.verify()
    assert report.sound
    assert report.unsealed == 2


@pytest.mark.parametrize(
    ("tampering", "finding"),
    [
        ("UPDATE audit_entry SET actor = 99 WHERE sequence = 3", "Entry 3 "),
        ("UPDATE audit_entry SET action = 'x' WHERE sequence = 10", "Entry 10 "),
        ("UPDATE audit_entry SET digest = NULL WHERE sequence = 1", "Entry 1 "),
        ("UPDATE audit_entry SET case_key = 5 WHERE sequence = 4", "Entry 4 "),
        (
            "UPDATE audit_entry SET link = (SELECT link FROM audit_entry WHERE sequence = 2) WHERE sequence = 3",
            "Entry 3 ",
        ),
        ("DELETE FROM audit_entry WHERE sequence = 4", "Entry 4 is missing."),
        ("DELETE FROM audit_entry WHERE sequence IN (6, 7)", "Entries 6 to 7 are missing."),
        ("DELETE FROM audit_entry WHERE sequence = 1", "Entry 1 is missing."),
        ("DELETE FROM audit_entry WHERE sequence = 10", "Entry 10 is missing"),
        ("DELETE FROM audit_seal WHERE number = 1", "Seal 2 does not follow"),
        ("UPDATE audit_seal SET root = previous WHERE number = 2", "Seal 2 has been changed"),
        ("DELETE FROM audit_seal WHERE number = 2", "no seal covers them"),
    ],
)
def test_a_changed_or_removed_entry_or_seal_is_found(app: Flask, tampering: str, finding: str) -> None:
    chain_of_two_batches()
    tamper(tampering)
    report = audit.verify()
    assert not report.sound
    assert any(finding in line for line in report.findings), report.findings


def test_two_entries_that_change_places_are_found(app: Flask) -> None:
    chain_of_two_batches()
    tamper(
        "UPDATE audit_entry SET sequence = 100 WHERE sequence = 2",
        "UPDATE audit_entry SET sequence = 2 WHERE sequence = 3",
        "UPDATE audit_entry SET sequence = 3 WHERE sequence = 100",
    )
    assert any("Entry 2 " in line for line in audit.verify().findings)


def test_a_chain_cut_off_cleanly_is_found_by_the_exported_heads(app: Flask, tmp_path: Path) -> None:
    record(5)
    audit.seal_pending()
    early = tmp_path / "early.jsonl"
    early.write_text((audit.export_head() or "") + "\n")
    record(5)
    audit.seal_pending()
    late = tmp_path / "late.jsonl"
    late.write_text((audit.export_head() or "") + "\n")
    tamper("DELETE FROM audit_entry WHERE sequence > 5", "DELETE FROM audit_seal WHERE number > 1")
    assert audit.verify(early).sound, "the early head is still reached"
    assert any("cut off: it ends at entry 5" in line for line in audit.verify(late).findings)
    assert any("cut off" in line for line in audit.verify().findings), "the installation's own heads find it too"


def test_a_chain_rewritten_with_another_key_is_found(app: Flask) -> None:
    chain_of_two_batches()
    tamper("DELETE FROM audit_seal", "DELETE FROM audit_entry")
    kept = state().keys
    other = type(kept)(b"1" * 32, b"2" * 32, b"3" * 32)
    held = app.extensions["convenor.audit"]
    app.extensions["convenor.audit"] = type(held)(other, held.heads)
    chain_of_two_batches()
    assert audit.verify(_only_first_head(held.heads)).findings
    app.extensions["convenor.audit"] = held
    findings = audit.verify().findings
    assert any("has been changed" in line for line in findings)
    assert any("rewritten" in line or "signature" in line for line in findings)


def _only_first_head(folder: Path) -> Path:
    file = folder.parent / "first.jsonl"
    file.write_text(next(iter(sorted(folder.glob("*.jsonl")))).read_text().splitlines()[0] + "\n")
    return file


def test_a_forged_head_is_not_believed(app: Flask, tmp_path: Path) -> None:
    chain_of_two_batches()
    head = json.loads(audit.export_head() or "")
    head["last"] = 500
    forged = tmp_path / "forged.jsonl"
    forged.write_text(json.dumps(head) + "\n")
    assert any("does not bear our signature" in line for line in audit.verify(forged).findings)


@pytest.mark.parametrize("content", ["", "not json\n", '{"number": 1}\n'])
def test_a_file_that_is_no_head_is_refused(app: Flask, tmp_path: Path, content: str) -> None:
    file = tmp_path / "bad.jsonl"
    file.write_text(content)
    with pytest.raises(Invalid):
        audit.verify(file)
    with pytest.raises(Invalid):
        audit.verify(tmp_path / "missing.jsonl")


def test_heads_are_exported_once_each_and_after_a_crash_again(app: Flask) -> None:
    chain_of_two_batches()
    folder = state().heads
    lines = [line for file in folder.glob("*.jsonl") for line in file.read_text().splitlines()]
    assert [json.loads(line)["number"] for line in lines] == [1, 2]
    for file in folder.glob("*.jsonl"):
        file.unlink()
    audit.seal_pending()
    lines = [line for file in folder.glob("*.jsonl") for line in file.read_text().splitlines()]
    assert [json.loads(line)["number"] for line in lines] == [1, 2]


def test_half_a_head_that_a_full_disk_left_is_passed_over_and_written_again(app: Flask) -> None:
    chain_of_two_batches()
    [file] = state().heads.glob("*.jsonl")
    whole = file.read_text()
    file.write_text(whole[: whole.index("\n") + 30])
    report = audit.verify()
    assert (report.sound, report.heads) == (True, 1)
    audit.seal_pending()
    assert file.read_text() == whole
    file.write_text(whole[:30])
    assert audit.verify().sound


def test_the_command_line_says_what_it_found(app: Flask, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.export() == 1
    chain_of_two_batches()
    assert cli.verify() == 0
    assert "complete and unchanged" in capsys.readouterr().out
    assert cli.export() == 0
    assert json.loads(capsys.readouterr().out)["number"] == 2
    tamper("UPDATE audit_entry SET actor = 99 WHERE sequence = 3")
    assert cli.verify() == 1
    assert "Entry 3" in capsys.readouterr().out


def test_every_worker_seals(app: Flask) -> None:
    chore = chore_of(audit.seal_pending)
    assert chore is not None
    assert not chore.every, "at each beat"
