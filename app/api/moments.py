"""Moments as the contract has them: in UTC, and said so with `Z`. Some clients read no other offset."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from marshmallow import fields


def told(moment: datetime) -> str:
    """A moment as text."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


class Moment(fields.AwareDateTime):
    """A moment of an answer."""

    def _serialize(self, value: datetime | None, attr: str | None, obj: Any, **more: Any) -> str | None:
        return None if value is None else told(value)


def moment(*, nullable: bool = False) -> Moment:
    return Moment(required=True, allow_none=nullable, format="iso")
