"""Cutting a document to what its reader may have, and small rules of the content."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time

import document_samples as samples
import pytest

from app.documents import titles, wording
from app.documents.content import action_plan, agenda, minutes
from app.documents.models import Kind
from app.documents.render import page
from app.documents.statement import current_statement, statement
from app.errors import NotFound

MADE = datetime(2026, 7, 8, 9, 0, tzinfo=UTC)


def html(content: object) -> str:
    return page(content, title="x", marking="OFFICIAL-SENSITIVE", version=1, made_at=MADE)  # type: ignore[arg-type]


def test_a_guests_agenda_tells_of_its_own_case_only() -> None:
    cut = agenda.for_cases(samples.agenda(), {"AMB-2026-0003"})
    text = html(cut)
    assert [case.order for case in cut.cases] == [3]
    assert "Quillfeather3" in text
    for other in ("AMB-2026-0001", "AMB-2026-0002", "AMB-2025-0088", "Quillfeather1", "Northgate Probation"):
        assert other not in text


def test_a_guests_extract_holds_the_header_and_its_case_only() -> None:
    cut = minutes.guest_extract(samples.minutes(3), {"AMB-2026-0002"})
    text = html(cut)
    assert "Quillfeather2" in text
    assert samples.MEETING.number in text
    for other in ("AMB-2026-0001", "AMB-2026-0003", "Quillfeather1", "Quillfeather3", "IDVA Manager", "in June 1."):
        assert other not in text


def test_minutes_cut_to_kept_cases_keep_the_attendance() -> None:
    whole = samples.minutes(3)
    cut = minutes.for_cases(whole, {"AMB-2026-0001", "AMB-2026-0003"})
    assert [case.number for case in cut.cases] == ["AMB-2026-0001", "AMB-2026-0003"]
    assert cut.present == whole.present
    assert cut.previous_actions == ()
    assert cut.cut
    assert not minutes.for_cases(whole, {case.number for case in whole.cases}).cut


def test_an_owners_sheet_holds_its_own_actions_only() -> None:
    plan = samples.action_plan()
    cut = action_plan.for_agency(plan, "Ambleford Police")
    assert [line.owner_agency for case in cut.cases for line in case.actions] == ["Ambleford Police"]
    assert action_plan.for_agency(plan, "Nobody").cases == ()


def test_overdue_means_open_after_the_day() -> None:
    plan = samples.action_plan()
    line = plan.cases[0].actions[0]
    assert action_plan.overdue(line, date(2026, 7, 24))
    assert not action_plan.overdue(line, date(2026, 7, 23))
    assert not action_plan.overdue(plan.cases[0].actions[1], date(2027, 1, 1))
    assert (plan.open_count, plan.overdue_count) == (2, 1)


def test_grounds_and_balancing_factors_stand_apart_and_a_form_without_ground_says_so() -> None:
    text = html(samples.iswc())
    grounds, _, rest = text.partition("<h2>Balancing factors</h2>")
    assert "Preventing or detecting crime" in grounds
    assert "Pressing need" not in grounds
    assert "Pressing need" in rest
    assert "incomplete" not in text
    assert "this form is incomplete" in html(replace(samples.iswc(), protocol="", grounds=()))


def test_an_iswc_form_says_whose_information_what_was_shared_and_how_the_client_was_told() -> None:
    text = html(samples.iswc())
    assert "The client; The person who is said to harm them" in text
    assert "That he has threatened to come to the address." in text
    assert "How told" not in text
    told = html(
        replace(samples.iswc(), client_notified=True, how_notified="by telephone", client_response="She agrees.")
    )
    assert "by telephone" in told
    assert "She agrees." in told


def test_statement_versions_are_kept_word_for_word() -> None:
    assert statement(current_statement().version) == current_statement()
    assert len(statement("1").points) == 8
    with pytest.raises(NotFound):
        statement("0")


def test_every_kind_has_a_title() -> None:
    assert all(titles.of(kind) != kind for kind in Kind)
    assert titles.of("transfer-bundle") == "Transfer bundle"


@pytest.mark.parametrize(
    ("at", "words"),
    [
        (datetime(2026, 3, 5, 12, 0, tzinfo=UTC), "5 March 2026 at midday"),
        (datetime(2026, 7, 5, 12, 0, tzinfo=UTC), "5 July 2026 at 1pm"),
        (datetime(2026, 7, 5, 23, 0, tzinfo=UTC), "6 July 2026 at midnight"),
        (datetime(2026, 12, 31, 8, 5, tzinfo=UTC), "31 December 2026 at 8:05am"),
        (None, "Not recorded"),
    ],
)
def test_moments_are_in_london_words(at: datetime | None, words: str) -> None:
    assert wording.moment(at) == words


def test_other_wording() -> None:
    assert wording.clock_time(time(13, 30)) == "1:30pm"
    assert wording.weekday(date(2026, 7, 16)) == "Thursday 16 July 2026"
    assert [wording.yes_no(v) for v in (True, False, None)] == ["Yes", "No", "Not recorded"]
    assert wording.paragraphs("a\r\nb\r\n\r\nc\n\n\n") == ["a\nb", "c"]
