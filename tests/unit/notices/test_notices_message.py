"""How the e-mails read."""

from __future__ import annotations

from datetime import UTC, datetime
from email import message_from_bytes, policy

import pytest
from notice_fakes import html_of, text_of

from app.notices.catalogue import CATALOGUE, Due, Template
from app.notices.errors import MailRefused
from app.notices.message import compose, mailbox
from app.notices.models import Notice
from app.notices.wording import due_in_words, start_in_words

END_OF_DAY = datetime(2026, 7, 15, 22, 59, 59, tzinfo=UTC)
MIDDAY = datetime(2026, 7, 15, 11, 0, tzinfo=UTC)


def mail(template: Template, due: datetime | None = MIDDAY, what: str | None = None, reference: str = "AMB-2026-0042"):  # type: ignore[no-untyped-def]
    notice = Notice(
        key=77,
        template=template,
        reference=reference,
        params={"what": what, "due": due.isoformat() if due else None},
        path="/tasks/1",
    )
    return compose(
        notice,
        address="ada@example.org",
        path="/tasks/1",
        base_url="https://c.example.gov.uk:8443",
        sender="convenor@example.org",
    )


@pytest.mark.parametrize("template", list(Template))
@pytest.mark.parametrize("due", [MIDDAY, None])
def test_every_template_says_what_when_where_and_why(template: Template, due: datetime | None) -> None:
    message = mail(template, due)
    wording = CATALOGUE[template]
    for body in (text_of(message), html_of(message)):
        assert wording.what in body
        assert wording.why in body
        assert "AMB-2026-0042" in body
        assert "https://c.example.gov.uk:8443/tasks/1" in body
        assert ("15 July 2026" in body) is (due is not None)
        assert ("sign in" in body) is wording.sign_in
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Message-ID"] == "<notice.77@c.example.gov.uk>"


@pytest.mark.parametrize("template", list(Template))
def test_the_subject_names_no_case(template: Template) -> None:
    subject = mail(template)["Subject"]
    assert "AMB" not in subject
    assert len(subject) <= 78


def test_subjects_tell_the_day_of_a_duty() -> None:
    assert mail(Template.TASK_ASSIGNED)["Subject"] == "You have a new task: by Wednesday 15 July 2026"
    assert mail(Template.TASK_LATE)["Subject"] == "A task is late: it was due on Wednesday 15 July 2026"
    assert mail(Template.MEETING_MOVED)["Subject"] == "A meeting has moved"
    assert mail(Template.TASK_ASSIGNED, None)["Subject"] == "You have a new task"


def test_the_senders_own_sentence_replaces_the_templates() -> None:
    text = text_of(mail(Template.TASK_ASSIGNED, END_OF_DAY, "A research request needs an answer."))
    assert text.startswith("A research request needs an answer.\n\nDo this by the end of Wednesday 15 July 2026.\n")
    assert CATALOGUE[Template.TASK_ASSIGNED].what not in text


def test_a_meeting_is_on_and_not_by() -> None:
    assert "The new date is Wednesday 15 July 2026 at midday." in text_of(mail(Template.MEETING_MOVED, MIDDAY))


def test_html_is_escaped_and_text_is_not() -> None:
    message = mail(Template.TASK_ASSIGNED, what="Children & families' task")
    assert "Children & families' task" in text_of(message)
    assert "Children &amp; families&#39; task" in html_of(message)


def test_it_survives_the_wire() -> None:
    parsed = message_from_bytes(mail(Template.DECISION_NEEDED).as_bytes(policy=policy.SMTP), policy=policy.default)
    assert parsed["To"] == "ada@example.org"
    assert parsed["From"] == "Convenor <convenor@example.org>"
    assert [part.get_content_type() for part in parsed.walk()] == ["multipart/alternative", "text/plain", "text/html"]


@pytest.mark.parametrize(
    ("at", "words"),
    [
        (datetime(2026, 7, 15, 11, 0, tzinfo=UTC), "midday on Wednesday 15 July 2026"),
        (datetime(2026, 1, 15, 11, 0, tzinfo=UTC), "11am on Thursday 15 January 2026"),
        (datetime(2026, 7, 15, 16, 30, tzinfo=UTC), "5:30pm on Wednesday 15 July 2026"),
        (datetime(2026, 7, 15, 22, 59, 59, tzinfo=UTC), "the end of Wednesday 15 July 2026"),
        (datetime(2026, 7, 15, 23, 0, tzinfo=UTC), "midnight on Thursday 16 July 2026"),
    ],
)
def test_due_in_words_is_london_time(at: datetime, words: str) -> None:
    assert due_in_words(at) == words


def test_start_in_words() -> None:
    assert start_in_words(datetime(2026, 7, 16, 8, 30, tzinfo=UTC)) == "Thursday 16 July 2026 at 9:30am"


def test_the_catalogue_is_complete() -> None:
    assert set(CATALOGUE) == set(Template)
    assert {wording.due for wording in CATALOGUE.values()} == set(Due)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "ada",
        "ada@",
        "@example.org",
        "ada@example.org, eve@example.org",
        "ada@e.org\nBcc: x@y.org",
        "josé@example.org",
    ],
)
def test_what_is_no_address_is_refused_without_repeating_it(address: str) -> None:
    with pytest.raises(MailRefused) as caught:
        mailbox(address)
    assert caught.value.message == "This is not an e-mail address."
