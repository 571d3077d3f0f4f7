"""Dates, times and yes/no in words, in London time and GOV.UK style."""

from __future__ import annotations

from datetime import date, datetime, time

from app.store.clock import LONDON

NOT_RECORDED = "Not recorded"


def london_date(value: datetime) -> date:
    """The day in London."""
    return value.astimezone(LONDON).date()


def day(value: date | datetime | None) -> str:
    """``5 March 2026``; of an instant, its day in London."""
    if value is None:
        return NOT_RECORDED
    local = value.astimezone(LONDON) if isinstance(value, datetime) else value
    return f"{local.day} {local:%B %Y}"


def weekday(value: date | datetime | None) -> str:
    """``Thursday 5 March 2026``."""
    if value is None:
        return NOT_RECORDED
    local = value.astimezone(LONDON) if isinstance(value, datetime) else value
    return f"{local:%A} {day(value)}"


def clock_time(value: datetime | time | None) -> str:
    """``9am``, ``9:05am``, ``midday``, ``midnight``."""
    if value is None:
        return NOT_RECORDED
    local = value.astimezone(LONDON).time() if isinstance(value, datetime) else value
    if (local.hour, local.minute) in {(0, 0), (12, 0)}:
        return "midday" if local.hour else "midnight"
    minutes = f":{local.minute:02}" if local.minute else ""
    return f"{local.hour % 12 or 12}{minutes}{'am' if local.hour < 12 else 'pm'}"


def moment(value: datetime | None) -> str:
    """``5 March 2026 at 9:05am``."""
    return NOT_RECORDED if value is None else f"{day(value)} at {clock_time(value)}"


def yes_no(value: bool | None) -> str:
    return NOT_RECORDED if value is None else ("Yes" if value else "No")


def paragraphs(text: str) -> list[str]:
    """The paragraphs of typed text: parted by empty lines; single line breaks stay inside."""
    return [part.strip() for part in text.replace("\r\n", "\n").split("\n\n") if part.strip()]
