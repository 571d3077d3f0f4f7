"""What the API itself refuses."""

from __future__ import annotations

from app.errors import Invalid


class SearchRefused(Invalid):
    """A filter, an order or a page that is not supported or not understood."""

    title = "Invalid request"
