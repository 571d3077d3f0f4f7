"""Requests, versions, the job, reading and destruction."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import document_samples as samples
import pytest
from document_fakes import FakeKeys
from flask import Flask
from sqlalchemy import event, select

from app import documents
from app.documents import DocumentStatus, Kind
from app.documents.errors import DocumentNotFound, DocumentNotMade, DocumentNotReady
from app.documents.models import Document
from app.errors import Invalid
from app.store.database import db
from app.store.jobs import Job
from app.store.vault import VaultError

Work = Callable[[], int]
CASE, MEETING, AREA, HOUSING, POLICE, PERSON = 11, 22, 33, 44, 45, 55


@pytest.fixture(autouse=True)
def _builders(app: Flask) -> None:
    documents.register_builder(Kind.AGENDA, lambda document: samples.agenda())
    documents.register_builder(Kind.ACTION_PLAN, lambda document: samples.action_plan())
    documents.register_builder(Kind.ISWC_FORM, lambda document: samples.iswc())


def plan(holder: int | None = HOUSING, **more: object) -> Document:
    document = documents.request(
        Kind.ACTION_PLAN, area_key=AREA, case_key=CASE, copy_holder=holder, for_agency=holder, created_by=PERSON, **more
    )
    db.session.commit()
    return document


def test_a_request_is_queued_and_the_job_makes_it(work: Work) -> None:
    document = plan()
    assert document.status == DocumentStatus.QUEUED
    with pytest.raises(DocumentNotReady, match="still being made"):
        documents.read(document)
    assert work() == 1
    assert document.status == DocumentStatus.READY
    pdf = documents.read(document)
    assert pdf.startswith(b"%PDF-")
    assert (document.size, document.pages) == (len(pdf), 2)
    assert document.sha is not None
    assert len(document.sha) == 64
    assert document.made_at is not None
    assert work() == 0


def test_the_request_goes_with_its_transaction(work: Work) -> None:
    documents.request(Kind.AGENDA, area_key=AREA, meeting_key=MEETING, created_by=None)
    db.session.rollback()
    assert documents.list_for(meeting_key=MEETING) == []
    assert db.session.execute(select(Job)).scalars().all() == []


def test_the_same_series_counts_versions_and_others_start_anew(work: Work) -> None:
    first, second, other, about = plan(), plan(), plan(POLICE), plan(about=9)
    assert [d.version for d in (first, second, other, about)] == [1, 2, 1, 1]
    work()
    assert first.superseded_by == second.key
    assert second.superseded_by is None
    assert other.superseded_by is None
    assert documents.read(first)


def test_versions_made_out_of_order_point_at_the_newest(work: Work) -> None:
    first, second = plan(), plan()
    late = db.session.execute(select(Job).where(Job.dedupe_key == f"document.make:{first.key}")).scalar_one()
    payload, late.payload = late.payload, {"document": str(second.key)}
    early = db.session.execute(select(Job).where(Job.dedupe_key == f"document.make:{second.key}")).scalar_one()
    early.payload = payload
    db.session.commit()
    work()
    assert (first.superseded_by, second.superseded_by) == (second.key, None)


def test_an_unknown_kind_and_a_document_of_nobody_are_refused(app: Flask) -> None:
    with pytest.raises(DocumentNotMade, match="does not know"):
        documents.request("poster", area_key=AREA, case_key=CASE, created_by=None)
    with pytest.raises(Invalid, match="belongs to"):
        documents.request(Kind.AGENDA, area_key=AREA, created_by=None)
    with pytest.raises(Invalid, match="whose documents"):
        documents.list_for()
    with pytest.raises(DocumentNotFound):
        documents.get(1)


def test_lists_are_by_case_or_meeting_newest_first(work: Work) -> None:
    first, second = plan(), plan()
    agenda = documents.request(Kind.AGENDA, area_key=AREA, meeting_key=MEETING, created_by=PERSON)
    assert documents.list_for(case_key=CASE) == [second, first]
    assert documents.list_for(meeting_key=MEETING) == [agenda]
    assert documents.list_for(case_key=CASE, meeting_key=MEETING) == []


def test_nothing_readable_is_stored(work: Work, keys: FakeKeys) -> None:
    document = plan()
    work()
    stored = b"".join(part for part in (document.ciphertext, document.wrapped_key) if part)
    assert b"%PDF" not in stored
    assert b"Quillfeather" not in stored
    columns = " ".join(str(getattr(document, c.key)) for c in Document.__table__.columns if c.key != "ciphertext")
    assert "Quillfeather" not in columns


def test_ciphertext_moved_to_another_row_does_not_open(work: Work) -> None:
    first, second = plan(), plan(POLICE)
    work()
    second.ciphertext, second.wrapped_key = first.ciphertext, first.wrapped_key
    with pytest.raises(VaultError):
        documents.read(second)


def test_destroyed_documents_cannot_be_read_and_destroying_twice_is_no_error(work: Work) -> None:
    document = plan(params={"submission": 7})
    work()
    documents.destroy(document.key)
    documents.destroy(document.key)
    db.session.commit()
    assert document.status == DocumentStatus.DESTROYED
    assert document.ciphertext is None
    assert document.wrapped_key is None
    assert document.params == {}
    with pytest.raises(DocumentNotReady, match="destroyed"):
        documents.read(document)


def test_destroying_a_queued_document_stops_its_job(work: Work) -> None:
    document = plan()
    assert documents.destroy_all(case_key=CASE) == 1
    db.session.commit()
    assert work() == 0
    assert document.status == DocumentStatus.DESTROYED
    assert documents.destroy_all(case_key=CASE) == 0


def test_a_document_destroyed_while_it_is_drawn_stays_destroyed(app: Flask, work: Work) -> None:
    document = plan()

    def build(doc: Document) -> object:
        doc.status = DocumentStatus.DESTROYED  # as another worker would
        return samples.action_plan()

    documents.register_builder(Kind.ACTION_PLAN, build)  # type: ignore[arg-type]
    work()
    assert document.ciphertext is None


def test_a_failure_is_retried_then_shown_and_can_be_mended(
    work: Work, monkeypatch: pytest.MonkeyPatch, keys: FakeKeys
) -> None:
    monkeypatch.setattr("app.store.jobs.BACK_OFF", (timedelta(0),))
    keys.gone.add(CASE)
    document = plan()
    for _ in range(6):
        assert work() == 0
    assert document.status == DocumentStatus.FAILED
    assert documents.failed_count() == 1
    with pytest.raises(DocumentNotReady, match="could not be made"):
        documents.read(document)
    keys.gone.clear()
    documents.retry(document.key)
    db.session.commit()
    assert work() == 1
    assert document.status == DocumentStatus.READY
    with pytest.raises(DocumentNotReady, match="Only a document"):
        documents.retry(document.key)


def test_a_document_dies_with_its_case(work: Work, keys: FakeKeys) -> None:
    document = plan()
    work()
    keys.gone.add(CASE)
    with pytest.raises(VaultError):
        documents.read(document)


def test_a_list_does_not_load_the_sealed_bytes(work: Work) -> None:
    plan()
    work()
    db.session.expunge_all()
    statements: list[str] = []
    event.listen(db.engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    (listed,) = documents.list_for(case_key=CASE)
    assert "ciphertext" not in "".join(statements)
    assert documents.read(listed).startswith(b"%PDF-")
