"""Messages and Markdown."""

from __future__ import annotations

import pytest

from app.forms import markdown, messages
from app.forms.expressions import word


@pytest.mark.parametrize(
    ("one", "many"),
    [
        ("child", "children"),
        ("agency", "agencies"),
        ("other agency", "other agencies"),
        ("boy", "boys"),
        ("address", "addresses"),
        ("person", "people"),
        ("piece of advice", "pieces of advice"),
    ],
)
def test_plurals(one: str, many: str) -> None:
    assert messages.plural(one) == many


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("2026-12-15T10:00:00+00:00", "15 December 2026 at 10am"),
        ("2026-06-16T09:30:00Z", "16 June 2026 at 10:30am"),
        ("2026-06-16T09:30", "16 June 2026 at 9:30am"),
        ("2026-06-16", "16 June 2026"),
        ("2026-99-16T09:30", "2026-99-16T09:30"),
        ("MARAC-2026-0001", "MARAC-2026-0001"),
        (True, "Yes"),
        (None, ""),
    ],
)
def test_values_in_words(value: object, words: str) -> None:
    assert word(value) == words


def test_articles() -> None:
    assert [messages.with_article(noun) for noun in ("action", "child")] == ["an action", "a child"]


def test_markdown_is_dressed_and_starts_below_the_page_heading() -> None:
    html = markdown.html("# Title\n\ntext [link](https://example.com)\n\n- one\n\n1. two\n\n---\n\n> quote")
    for wanted in (
        '<h2 class="govuk-heading-m">',
        '<p class="govuk-body">',
        'class="govuk-link"',
        "govuk-list--bullet",
        "govuk-list--number",
        "govuk-section-break",
        "govuk-inset-text",
    ):
        assert wanted in html


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "[x](javascript:alert(1))",
        "![x](javascript:alert(1))",
        '<img src=x onerror="x">',
        "<javascript:x>",
        "[x](data:text/html;base64,AAAA)",
    ],
)
def test_markdown_runs_and_loads_nothing(text: str) -> None:
    html = markdown.html(text)
    assert "<script" not in html
    assert "<img" not in html
    assert "href" not in html


def test_a_picture_is_a_link_and_loads_nothing() -> None:
    assert "<img" not in markdown.html("![x](https://example.com/spy.png)")


def test_escaped_text_is_shown_as_typed() -> None:
    typed = '# *a* _b_ `c` [d](e) <f> 1. g\n- h\n+ i\n1) j & "k" ~l~ | m\\'
    html = markdown.html(markdown.escape(typed))
    assert "<em>" not in html
    assert "<li>" not in html
    assert "<h2" not in html
    assert "# *a* _b_ `c` [d](e) &lt;f&gt; 1. g" in html
