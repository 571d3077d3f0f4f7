"""The titles of documents: in lists, on the page and in the PDF's own data. A title never names a person."""

from __future__ import annotations

from app.documents.models import Kind

_TITLES: dict[str, str] = {
    Kind.AGENDA: "MARAC agenda",
    Kind.ATTENDANCE: "Confidentiality statement and attendance sheet",
    Kind.MINUTES: "MARAC minutes",
    Kind.MINUTES_EXTRACT: "Extract from the MARAC minutes",
    Kind.ACTION_PLAN: "Action plan",
    Kind.ISWC_FORM: "Information sharing without consent",
}


def of(kind: str) -> str:
    """The title of a kind of document."""
    return _TITLES.get(kind) or kind.replace("-", " ").capitalize()
