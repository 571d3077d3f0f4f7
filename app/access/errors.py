"""What access answers when it refuses."""

from __future__ import annotations

from app.errors import NotAllowed, NotFound

HIDDEN = "This page or record cannot be found."
REFUSED = "You are not allowed to do this."

__all__ = ["HIDDEN", "REFUSED", "NotAllowed", "NotFound"]
