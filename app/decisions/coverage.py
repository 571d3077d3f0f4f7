"""Gaps and overlaps of decision tables, told in words."""

from __future__ import annotations

from app.decisions.building import Builder
from app.decisions.xml import Element


def check_coverage(builder: Builder, table: Element) -> None:
    """Reports inputs that no rule, or several rules of a UNIQUE table, match."""
