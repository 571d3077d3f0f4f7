"""What can go wrong with a document."""

from __future__ import annotations

from app.errors import Conflict, ConvenorError, NotFound


class DocumentNotFound(NotFound):
    """There is no such document."""

    title = "Document not found"


class DocumentNotReady(Conflict):
    """The document is still being made, or could not be made, or has been destroyed."""

    title = "Document not ready"


class DocumentNotMade(ConvenorError):
    """The PDF could not be made: no builder for its kind, or the page asked for something from outside."""

    title = "Document could not be made"
