"""What the page for process owners says is so."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.feel import Environment, check, compile_unary_tests, evaluate, from_python, kind
from app.feel.errors import FeelSyntaxError
from app.feel.expression import compile_expression

PAGE = (Path(__file__).parents[3] / "docs" / "users" / "process-owner-feel.md").read_text()
EXAMPLES = re.findall(r"```feel\n(.*?)\n```", PAGE, re.S)
CELLS = re.findall(r"^\| (`.*?`(?: or `.*?`|, `.*?`)*) \|", PAGE.split("## Decision tables")[1], re.M)
REPORTS = re.findall(r"^- `(.*?)`: (.*)$", PAGE, re.M)
VARIABLES = {
    "riskTicks": 15,
    "tool": "SAFELIVES_DASH_24",
    "iswcOutcome": "SHARED",
    "consentStatus": "REFUSED",
    "threshold": {"refer": False},
    "children": [{"age": 5}],
    "actions": [{"dueDate": from_python(datetime(2026, 3, 1).date()), "status": "OPEN"}],
    "emergency": True,
    "movedOutOfArea": None,
    "reviewDate": datetime(2026, 4, 20, tzinfo=UTC).date(),
    "submittedAt": datetime(2026, 3, 24, tzinfo=UTC),
}
KINDS = {"boolean", "date", "date and time", "number"}
NOW = datetime(2026, 3, 31, 12, tzinfo=UTC)
ENV = Environment(
    now=lambda: NOW,
    params={
        "vhrThreshold": 14,
        "emergencyTriage": evaluate('@"PT1H"', {}),
        "dueDayReminderLead": evaluate('@"PT15H"', {}),
        "reviewReminderWorkingDays": 3,
        "researchReminderLead": evaluate('@"P5D"', {}),
        "escalationThreshold": 3,
    },
    deadline=lambda name: NOW,
)


@pytest.mark.parametrize("text", EXAMPLES)
def test_every_example_has_a_value(text: str) -> None:
    assert kind(evaluate(text, VARIABLES, ENV)) in KINDS


@pytest.mark.parametrize("cell", CELLS)
def test_every_cell_can_be_read(cell: str) -> None:
    for text in re.findall(r"`(.*?)`", cell):
        assert compile_unary_tests(text).text == text


@pytest.mark.parametrize(("text", "report"), REPORTS)
def test_every_report_is_what_the_check_says(text: str, report: str) -> None:
    (problem,) = check(text, {"riskTicks": "number", "tool": "string"})
    assert f"{problem.what} {problem.remedy}".startswith(report) or report in problem.what


def test_the_syntax_error_is_shown_as_the_page_shows_it() -> None:
    with pytest.raises(FeelSyntaxError) as caught:
        compile_expression("tool = 'DASH'")
    assert str(caught.value) in PAGE


def test_the_page_has_examples() -> None:
    assert len(EXAMPLES) > 8
    assert len(CELLS) == 8
    assert len(REPORTS) == 4
