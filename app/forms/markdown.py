"""Markdown of a form's texts as HTML in GOV.UK's classes. Raw HTML is off, and links go only where a browser may safely go."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

_CLASSES = {
    "paragraph_open": "govuk-body",
    "bullet_list_open": "govuk-list govuk-list--bullet",
    "ordered_list_open": "govuk-list govuk-list--number",
    "link_open": "govuk-link",
    "hr": "govuk-section-break govuk-section-break--m govuk-section-break--visible",
    "blockquote_open": "govuk-inset-text",
}
_HEADINGS = {"h1": "h2", "h2": "h2", "h3": "h3"}
_HEADING_CLASSES = {"h2": "govuk-heading-m", "h3": "govuk-heading-s", "h4": "govuk-heading-s"}


@lru_cache(1)
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt  # what serves the API alone draws no texts

    # Images would load from elsewhere and tell that a case page was opened.
    return MarkdownIt("commonmark", {"html": False}).disable("image")


@lru_cache(2048)
def html(text: str) -> str:
    """Safe HTML of a Markdown text. Headings start below the page's own."""
    parser = _parser()
    tokens = parser.parse(text)
    _dress(tokens)
    return str(parser.renderer.render(tokens, parser.options, {}))


def _dress(tokens: list[Token]) -> None:
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = _HEADINGS.get(token.tag, "h4")
            if token.nesting == 1:
                token.attrSet("class", _HEADING_CLASSES[token.tag])
        elif token.type in _CLASSES:
            token.attrSet("class", _CLASSES[token.type])
        if token.children:
            _dress(token.children)


def escape(text: str) -> str:
    """A value from outside for use in Markdown: shown as typed, never as markup."""
    return "".join(f"\\{mark}" if mark in _MARKS else mark for mark in text)


_MARKS = frozenset("\\`*_{}[]()<>#+-.!|~&=\"'^")
