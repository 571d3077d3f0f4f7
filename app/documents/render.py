"""From content to a tagged PDF (PDF/UA-1), in memory only: no file is written and no address is fetched."""

from __future__ import annotations

from datetime import datetime
from typing import NoReturn

from jinja2 import Environment, PackageLoader, StrictUndefined
from weasyprint import HTML
from weasyprint.urls import FatalURLFetchingError, URLFetcher

from app.documents import wording
from app.documents.content.action_plan import overdue
from app.documents.content.base import Content
from app.documents.errors import DocumentNotMade
from app.documents.models import Document

_environment = Environment(
    loader=PackageLoader("app.documents", "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_environment.filters.update(
    london_date=wording.london_date,
    day=wording.day,
    weekday=wording.weekday,
    clock_time=wording.clock_time,
    moment=wording.moment,
    yes_no=wording.yes_no,
    paragraphs=wording.paragraphs,
)
_environment.tests["overdue"] = overdue


class _NoFetching(URLFetcher):  # type: ignore[misc]
    """Refuses every address: a document is made of what its content holds and of nothing else."""

    def fetch(self, url: str, headers: object = None) -> NoReturn:
        raise FatalURLFetchingError("A document may not fetch anything.")


def page(content: Content, *, title: str, marking: str, version: int, made_at: datetime) -> str:
    """The document as HTML; everything that was typed is escaped."""
    template = _environment.get_template(content.template)
    return template.render(
        c=content, header=content.header, title=title, marking=marking, version=version, made_at=made_at
    )


def render(content: Content, document: Document) -> tuple[bytes, int]:
    """The PDF and its number of pages. Its metadata hold the title of the kind and nothing about anybody.

    :raises DocumentNotMade: the content asked for something from outside.
    """
    html = page(
        content,
        title=document.title,
        marking=document.marking,
        version=document.version,
        made_at=document.created_at,
    )
    return to_pdf(html)


def to_pdf(html: str) -> tuple[bytes, int]:
    """Draw a page that is complete in itself.

    :raises DocumentNotMade: it asked for something from outside.
    """
    try:
        drawn = HTML(string=html, url_fetcher=_NoFetching()).render(pdf_variant="pdf/ua-1")
        return bytes(drawn.write_pdf(pdf_variant="pdf/ua-1")), len(drawn.pages)
    except FatalURLFetchingError:
        raise DocumentNotMade("The document asked for something from outside and was not made.") from None
