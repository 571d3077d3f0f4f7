"""Nothing that people type about a case is anywhere but under seal."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import pytest
from pypdf import PdfReader
from sqlalchemy.exc import IntegrityError

from app.cases.models import Deadline, Submission
from app.documents import service as documents
from app.documents.models import Document, DocumentStatus
from app.errors import ConvenorError
from app.store import jobs
from app.store.database import db
from app.work import completion
from tests.support.planting import WORD, found_in, leaks_in_files, leaks_in_tables
from tests.support.stage import Stage
from tests.support.whole_case import CapturedLog, WholeCase


def test_the_case_really_holds_the_words(aftermath: Stage, played: WholeCase) -> None:
    """Otherwise nothing below proves anything."""
    assert played.planted > 150
    assert len(played.fields) > 75
    cora = aftermath.as_("cora")
    assert WORD in cora.get(f"/cases/{played.case_key}").content
    assert WORD in cora.get(f"/cases/{played.case_key}/papers").content
    assert WORD in cora.get(f"/cases/{played.case_key}/actions").content
    assert aftermath.look(lambda: db.session.query(Submission).filter_by(dossier_key=played.case_key).count()) > 15
    assert found_in(f"a line with {WORD.upper()}0001 in it") == [WORD]


def test_no_column_of_any_table_holds_a_word(aftermath: Stage) -> None:
    with aftermath.app.app_context():
        assert leaks_in_tables() == []


def test_no_byte_of_database_log_ahead_mail_or_data_folder_holds_a_word(played: WholeCase) -> None:
    """The raw files as they were left: pages freed since, the write-ahead log, e-mails, exported heads."""
    assert (played.data / "mail").is_dir()
    assert leaks_in_files([played.data]) == []


def test_no_temporary_file_is_left_with_a_word(played: WholeCase) -> None:
    assert leaks_in_files([played.temporary]) == []


def test_no_log_line_holds_a_word(played: WholeCase) -> None:
    assert found_in(played.log) == []


def test_no_token_and_no_code_is_logged_while_people_sign_in(aftermath: Stage) -> None:
    with CapturedLog() as log:
        aftermath.as_("cora")
    assert "access_token" not in log.getvalue()
    assert "code_verifier" not in log.getvalue()
    assert "eyJ" not in log.getvalue()


def test_no_metadata_of_a_pdf_holds_a_word(aftermath: Stage, played: WholeCase) -> None:
    def read() -> list[bytes]:
        ready = db.session.query(Document).filter_by(status=DocumentStatus.READY)
        return [documents.read(one) for one in ready if one.case_key == played.case_key or one.meeting_key]

    papers = [PdfReader(BytesIO(content)) for content in aftermath.look(read)]
    assert len(papers) > 5
    for paper in papers:
        metadata = {**(paper.metadata or {})}
        assert metadata, "there is metadata to look at"
        assert found_in(repr(metadata)) == []
        xmp = paper.xmp_metadata
        assert xmp is not None
        assert found_in(xmp.stream.get_data()) == []
        assert list(paper.attachments) == []


def test_an_error_in_the_middle_of_a_page_is_logged_without_what_it_says(
    aftermath: Stage, played: WholeCase, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(*_: object, **__: object) -> None:
        raise RuntimeError(f"{WORD} lives at 4 Quay Street")

    monkeypatch.setattr("app.access.decide.require", breaks)
    with CapturedLog() as log:
        page = aftermath.as_("cora").get(f"/cases/{played.case_key}")
    assert page.status == 500
    assert "RuntimeError" in log.getvalue()
    assert found_in(log.getvalue()) == []
    assert found_in(page.content) == []


def test_a_job_that_fails_leaves_no_word_behind(aftermath: Stage) -> None:
    def breaks(_job: jobs.Job) -> None:
        raise RuntimeError(f"{WORD} lives at 4 Quay Street")

    jobs.handlers.register("test.breaks", jobs.Handler(breaks))
    with aftermath.app.app_context():
        jobs.enqueue("test.breaks", {})
        db.session.commit()
    with CapturedLog() as log:
        aftermath.settle()
    assert "RuntimeError" in log.getvalue()
    assert found_in(log.getvalue()) == []
    with aftermath.app.app_context():
        assert db.session.query(jobs.Job).filter_by(kind="test.breaks").one().error.startswith("RuntimeError")
        assert leaks_in_tables() == []


def test_a_refusal_of_the_database_does_not_repeat_what_was_written(aftermath: Stage, played: WholeCase) -> None:
    with aftermath.app.app_context():
        known = db.session.query(Deadline).filter_by(dossier_key=played.case_key).first()
        assert known is not None
        db.session.execute(db.select(Deadline))
        db.session.add(Deadline(key=known.key, dossier_key=known.dossier_key, name="x", due_at=known.due_at, rule=WORD))
        db.session.expunge(known)
        with pytest.raises(IntegrityError) as error:
            db.session.flush()
        db.session.rollback()
    assert found_in(str(error.value)) == []
    assert found_in(repr(error.value)) == []


def test_refused_answers_are_refused_without_repeating_them(aftermath: Stage, played: WholeCase) -> None:
    rosa = aftermath.as_("rosa")
    rosa.start("marac-case")
    key = rosa.key
    with CapturedLog() as log:
        form = rosa.page.form
        form.write("victim.name", f"{WORD}9999")
        form.fields["victim.dob-day"][0].set("value", f"{WORD}")
        page = rosa.send(form, ("_action", "next"))
    assert page.status == 422
    assert f"{WORD}9999" in page.content, "it is still on the page"
    assert found_in(log.getvalue()) == []
    assert found_in(page.url) == []

    def complete() -> ConvenorError:
        from app.demo.acting import person

        with pytest.raises(ConvenorError) as refused:
            completion.complete(key, person("rosa"), {"victim": {"name": f"{WORD}9999"}, "toolChoice": WORD})
        return refused.value

    error = aftermath.look(complete)
    assert found_in(f"{error} {error!r} {error.message} {error.resource_id}") == []


def test_no_address_holds_a_word(played: WholeCase, aftermath: Stage) -> None:
    """Addresses are keys and numbers: they land in histories and in the logs of what stands in front."""
    cora = aftermath.as_("cora")
    for path in ("/work?view=all", "/cases", f"/cases/{played.case_key}", f"/meetings/{played.meeting}"):
        page = cora.get(path)
        assert page.status == 200
        links = page.document.xpath("//@href | //@action | //@src")
        assert links
        assert found_in(" ".join(links)) == []


def test_the_folders_looked_at_are_those_that_were_used(played: WholeCase) -> None:
    assert (played.data / "convenor.sqlite3").stat().st_size > 100_000
    assert isinstance(played.temporary, Path)
