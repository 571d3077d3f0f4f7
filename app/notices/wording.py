"""When something is due, in words and in London time."""

from __future__ import annotations

from datetime import datetime, time

from app.store.clock import END_OF_DAY, LONDON


def day_in_words(at: datetime) -> str:
    """``Thursday 5 March 2026``."""
    local = at.astimezone(LONDON)
    return f"{local:%A} {local.day} {local:%B %Y}"


def due_in_words(at: datetime) -> str:
    """``midday on Thursday 5 March 2026``; something due on a day without a time: ``the end of Thursday 5 March 2026``."""
    local = at.astimezone(LONDON)
    moment = local.time().replace(microsecond=0)
    if moment == END_OF_DAY:
        return f"the end of {day_in_words(at)}"
    return f"{time_in_words(moment)} on {day_in_words(at)}"


def start_in_words(at: datetime) -> str:
    """``Thursday 5 March 2026 at 9:30am``, for something that begins."""
    return f"{day_in_words(at)} at {time_in_words(at.astimezone(LONDON).time())}"


def time_in_words(at: time) -> str:
    """``9am``, ``9:05am``, ``midday``, ``midnight``."""
    if at.minute == 0 and at.hour in {0, 12}:
        return "midday" if at.hour else "midnight"
    minutes = f":{at.minute:02}" if at.minute else ""
    return f"{at.hour % 12 or 12}{minutes}{'am' if at.hour < 12 else 'pm'}"
