"""The developers' page says what the code does."""

from __future__ import annotations

from pathlib import Path

from app.runtime.coverage import table

PAGE = Path(__file__).parents[3] / "docs" / "developers" / "runtime.md"


def test_the_table_in_the_developers_page_is_generated() -> None:
    text = PAGE.read_text(encoding="utf-8")
    between = text.split("<!-- coverage -->\n")[1].split("<!-- /coverage -->")[0]
    assert between == table()
