"""Writing notices, sending them once, and what happens when mail does not go out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from notice_fakes import START, FakeDirectory, Post, Wall, text_of
from sqlalchemy import event, select

from app import notices
from app.errors import Invalid
from app.notices import Failure, Notice, NoticeState, Template
from app.notices.errors import MailError, MailRefused, MailServerDown
from app.store import jobs
from app.store.database import db
from app.store.jobs import Job
from app.store.leases import LeaseLost

DUE = datetime(2026, 7, 15, 11, 0, tzinfo=UTC)


def send(*people: int, **more: object) -> list[Notice]:
    values: dict[str, object] = {"reference": "AMB-2026-0042", "due": DUE, "path": "/tasks/123", "area_key": 5}
    written = notices.send(Template.TASK_ASSIGNED, people, **{**values, **more})  # type: ignore[arg-type]
    db.session.commit()
    return written


def test_each_recipient_gets_one_mail(post: Post) -> None:
    send(1, 2, 1)
    assert post.work() == 2
    assert [m["To"] for m in post.taken] == ["ada@example.org", "grace@example.org"]
    rows = db.session.execute(select(Notice)).scalars().all()
    assert {row.state for row in rows} == {NoticeState.SENT}
    assert {row.sent_at for row in rows} == {START}
    assert post.work() == 0


def test_a_notice_goes_with_its_transaction(post: Post) -> None:
    notices.send(Template.TASK_LATE, [1], reference="X-1", due=None, path="/tasks", area_key=5)
    db.session.rollback()
    assert post.work() == 0
    assert post.taken == []


def test_writing_a_notice_takes_two_inserts_and_no_look_up(app: Flask) -> None:
    statements: list[str] = []
    event.listen(db.engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    send(1, 2)
    assert [s.split()[0] for s in statements if s.split()[0] != "BEGIN"] == ["INSERT", "INSERT"]


def test_the_same_dedupe_sends_nothing_more(post: Post) -> None:
    assert len(send(1, dedupe="reminder:9:P3D")) == 1
    assert [n.recipient_key for n in send(1, 2, dedupe="reminder:9:P3D")] == [2]
    assert len(send(1, dedupe="reminder:9:P1D")) == 1
    assert post.work() == 3


def test_the_address_is_looked_up_when_the_mail_goes_out(post: Post, directory: FakeDirectory) -> None:
    send(1)
    directory.people[1] = "new@example.org"
    post.work()
    assert post.taken[0]["To"] == "new@example.org"


def test_no_address_fails_at_once_and_can_be_sent_again(post: Post, directory: FakeDirectory) -> None:
    (notice,) = send(3)
    post.work()
    assert (notices.failed_count(), notices.list_failed()) == (1, [notice])
    db.session.refresh(notice)
    assert notice.failure == Failure.NO_ADDRESS
    directory.people[3] = "third@example.org"
    assert notices.requeue_failed() == 1
    db.session.commit()
    assert post.work() == 1
    assert post.taken[0]["To"] == "third@example.org"
    assert notices.failed_count() == 0


def test_a_mail_server_down_for_two_days_loses_nothing(post: Post, wall: Wall) -> None:
    send(1, 2)
    post.error = MailServerDown("The mail server cannot be used.")
    while wall.now < START + timedelta(days=2):
        post.work()
        wall.move(minutes=15)
    assert post.taken == []
    assert notices.failed_count() == 0
    post.error = None
    wall.move(minutes=40)
    assert post.work() == 2
    assert len({m["Message-ID"] for m in post.taken}) == 2


def test_after_the_last_attempt_a_notice_is_failed_and_visible(post: Post, wall: Wall) -> None:
    (notice,) = send(1)
    post.error = MailError("The mail server answered 451.")
    while db.session.execute(select(Job.state)).scalar_one() == jobs.JobState.QUEUED:
        post.work()
        wall.move(minutes=34)
    assert wall.now - START > timedelta(days=3, hours=12)
    assert notices.failed_count() == 1
    db.session.refresh(notice)
    assert notice.failure == Failure.GAVE_UP
    post.error = None
    notices.requeue_failed()
    db.session.commit()
    assert post.work() == 1
    assert db.session.execute(select(Job)).scalars().all() == []


def test_a_refused_recipient_fails_after_some_tries(post: Post, wall: Wall) -> None:
    (notice,) = send(1)
    post.error = MailRefused("The mail server refused the recipient (550).")
    for _ in range(6):
        post.work()
        wall.move(minutes=40)
    assert post.tries == 6
    db.session.refresh(notice)
    assert (notice.state, notice.failure, notice.attempts) == (NoticeState.FAILED, Failure.REFUSED, 6)


def test_a_broken_address_is_failed_without_being_repeated(post: Post, wall: Wall, directory: FakeDirectory) -> None:
    directory.people[1] = "no address"
    send(1)
    for _ in range(6):
        post.work()
        wall.move(minutes=40)
    assert post.taken == []
    assert notices.failed_count() == 1


def dies(post: Post, wall: Wall) -> None:
    """A worker sends what waits and is killed before the database knows."""
    (job,) = jobs.claim("dying", timedelta(seconds=10))
    db.session.commit()
    handler = post.handlers.get(job.kind)
    assert handler is not None
    handler.run(job)
    db.session.rollback()  # killed before the end was recorded
    wall.move(seconds=11)


def test_a_crash_after_sending_repeats_nothing(post: Post, wall: Wall) -> None:
    send(1)
    sent_at = wall.now
    dies(post, wall)
    assert post.work() == 1
    assert len(post.taken) == 1
    (notice,) = db.session.query(Notice)
    assert (notice.state, notice.sent_at) == (NoticeState.SENT, sent_at)


def test_a_crash_before_the_ledger_is_written_repeats_under_the_same_message_id(
    post: Post, wall: Wall, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(1)
    with monkeypatch.context() as patched:
        patched.setattr("app.notices.job.note_sent", lambda *_: None)
        dies(post, wall)
    assert post.work() == 1
    assert len(post.taken) == 2
    assert post.taken[0]["Message-ID"] == post.taken[1]["Message-ID"]


def test_a_worker_that_was_stopped_for_longer_than_its_lease_sends_nothing(post: Post, wall: Wall) -> None:
    send(1)
    (job,) = jobs.claim("stopped", timedelta(seconds=10))
    db.session.commit()
    db.session.expunge(job)  # what the stopped process knows
    wall.move(seconds=11)
    handler = post.handlers.get(job.kind)
    assert handler is not None
    with pytest.raises(LeaseLost):
        handler.run(job)  # nobody has it yet
    db.session.rollback()
    jobs.claim("another", timedelta(seconds=10))
    db.session.commit()
    with pytest.raises(LeaseLost):
        handler.run(job)
    assert post.tries == 0


def test_how_long_mail_waits(post: Post, wall: Wall) -> None:
    assert notices.waiting_seconds() == 0
    send(1)
    post.error = MailServerDown("down")
    post.work()
    wall.move(minutes=20)
    assert notices.waiting_seconds() == 1200
    post.error = None
    post.work()
    assert notices.waiting_seconds() == 0


def test_no_lock_is_held_while_the_mail_server_is_spoken_to(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    send(1)
    seen: list[bool] = []
    deliver = post.deliver

    def watch(message: object, name: str) -> None:
        seen.append(db.session().in_transaction())
        deliver(message, name)  # type: ignore[arg-type]

    monkeypatch.setattr(post, "deliver", watch)
    post.work()
    assert seen == [False]


def test_a_link_for_a_visitor_is_completed_at_sending_and_never_stored(post: Post, directory: FakeDirectory) -> None:
    (notice,) = notices.send(
        Template.SIGN_LINK,
        refs=["attendee:7"],
        reference="MTG-2026-014",
        due=DUE,
        path=f"/sign/{notices.SECRET}",
        area_key=5,
    )
    db.session.commit()
    assert "s3cr3t" not in notice.path
    post.work()
    assert post.taken[0]["To"] == "visitor@example.org"
    assert "https://convenor.example/sign/s3cr3t-Token" in text_of(post.taken[0])


def test_a_used_link_is_not_sent(post: Post, directory: FakeDirectory) -> None:
    directory.secrets.clear()
    notices.send(Template.SIGN_LINK, refs=["attendee:7"], reference="M-1", due=None, path="/sign/{secret}", area_key=5)
    db.session.commit()
    post.work()
    assert post.taken == []
    assert notices.failed_count() == 1


def test_forgetting_a_case_removes_its_notices_and_their_jobs(post: Post) -> None:
    send(1)
    send(2, reference="AMB-2026-0043")
    assert notices.forget("AMB-2026-0042") == 1
    db.session.commit()
    assert post.work() == 1
    assert [row.reference for row in db.session.execute(select(Notice)).scalars()] == ["AMB-2026-0043"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"path": "/tasks?name=Ada"},
        {"path": "https://evil.example/"},
        {"path": "//evil.example/"},
        {"path": "tasks"},
        {"what": "two\nlines"},
        {"what": "write to ada@example.org"},
        {"what": ""},
        {"reference": "x" * 61},
        {"reference": "<b>"},
        {"due": datetime(2026, 7, 15, 11, 0)},
    ],
)
def test_what_a_notice_may_not_carry_is_refused(app: Flask, wrong: dict[str, object]) -> None:
    with pytest.raises(Invalid):
        send(1, **wrong)


def test_an_unknown_template_is_refused(app: Flask) -> None:
    with pytest.raises(Invalid, match="no notice of this kind"):
        notices.send("birthday", [1], reference="X", due=None, path="/", area_key=5)
