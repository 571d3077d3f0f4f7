"""What mending refuses."""

from __future__ import annotations

from app.errors import Conflict


class MendingRefused(Conflict):
    """An incident cannot be mended that way: it would take, skip or slant a decision, or the diagram would not go on rightly."""

    title = "Cannot be mended that way"
