"""How long the reason for a decision may be, wherever it is given: on a page, through the API, for mending or for a move."""

from __future__ import annotations

LONGEST_REASON = 1_000
TOO_LONG = f"The reason must be {LONGEST_REASON:,} characters or fewer."
