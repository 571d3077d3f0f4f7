"""A date, a time, or both (`datetime`). What is typed but is not a real date is kept as typed."""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any

from marshmallow import ValidationError, fields

from app.forms import messages
from app.forms.context import LONDON
from app.forms.expressions import date_in_words, moment_in_words, time_in_words
from app.forms.kinds.common import error_of, hint_of, input_params, label_of, needed
from app.forms.model import Question
from app.forms.posted import FileRef, Posted, tidy
from app.forms.state import Place

PARTS = ("day", "month", "year")
EARLIEST_YEAR = 1900
# Of a date to come, on which something rests: 2206 for 2026 would put it off for good, and nobody would know.
FURTHEST_YEARS = 10
_MONTHS = [name.lower() for name in calendar.month_name if name]
_CLOCK = re.compile(r"(\d{1,2})(?:[:.]?(\d{2}))?\s*(am|pm)?")


def parse_time(text: str) -> time | None:
    """The time in a typed text ("14:30", "2.30pm", "9am", "midday"), or None."""
    text = text.strip().lower()
    if text in ("midday", "noon"):
        return time(12)
    if text == "midnight":
        return time(0)
    found = _CLOCK.fullmatch(text.replace("a.m.", "am").replace("p.m.", "pm"))
    if not found or not (found[2] or found[3]):
        return None
    hour, minute, half = int(found[1]), int(found[2] or 0), found[3]
    if half:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half == "pm" else 0)
    return time(hour, minute) if hour < 24 and minute < 60 else None


def parse_date(typed: dict[str, str]) -> date | None:
    """The date in its three typed parts, or None. A month may be a name."""
    month = typed.get("month", "").lower().rstrip(".")
    if len(month) >= 3 and month.isalpha():
        month = next((str(number) for number, name in enumerate(_MONTHS, 1) if name.startswith(month)), "")
    parts = (typed.get("year", ""), month, typed.get("day", ""))
    if not all(re.fullmatch(r"\d{1,4}", part, re.ASCII) for part in parts) or len(parts[0]) != 4:
        return None
    try:
        return date(int(parts[0]), int(parts[1]), int(parts[2]))
    except ValueError:
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class MomentQuestion(Question):
    """A date, a time of day, or a date and time in London.

    :param subtype: `date`, `time` or `datetime`.
    :param not_after_today, not_before_today: bounds, on London's calendar.
    """

    subtype: str = "date"
    not_after_today: bool = False
    not_before_today: bool = False
    autocomplete: str = ""

    # ------------------------------------------------------------------------------------------- keeping
    def posted(self, name: str, posted: Posted, files: list[FileRef], old: Any) -> Any:
        if self.subtype == "time":
            return self._kept({"time": _short(posted.get(name))})
        typed = {part: _short(posted.get(f"{name}-{part}")) for part in PARTS}
        if self.subtype == "datetime":
            typed["time"] = _short(posted.get(f"{name}-time"))
        return self._kept(typed)

    def _kept(self, typed: dict[str, str]) -> Any:
        """The ISO text of what was typed; what gives none is kept as typed."""
        if not any(typed.values()):
            return None
        clock = parse_time(typed.get("time", ""))
        if self.subtype == "time":
            return clock.isoformat(timespec="seconds") if clock else {"typed": typed}
        day = parse_date(typed)
        if day is None:
            return {"typed": typed}
        if self.subtype == "date":
            return day.isoformat()
        moment = _in_london(day, clock) if clock else None
        return moment.isoformat(timespec="seconds") if moment else {"typed": typed}

    def known(self, raw: Any) -> Any:
        if isinstance(raw, str) and self._parsed(raw) is not None:
            return raw
        if isinstance(raw, dict) and isinstance(raw.get("typed"), dict):
            typed = {str(key): value for key, value in raw["typed"].items() if isinstance(value, str)}
            return {"typed": typed} if any(typed.values()) else None
        return None

    def _parsed(self, text: str) -> date | time | datetime | None:
        try:
            if self.subtype == "time":
                return time.fromisoformat(text)
            if self.subtype == "date":
                return date.fromisoformat(text)
        except ValueError:
            return None
        return self._moment(text)

    def _moment(self, text: str) -> datetime | None:
        try:
            moment = datetime.fromisoformat(text)
            return moment.astimezone(LONDON) if moment.tzinfo else _in_london(moment.date(), moment.time())
        except (ValueError, OverflowError):
            return None

    def from_outside(self, value: Any) -> Any:
        if value is None or value == "":
            return None
        if not isinstance(value, str):
            raise ValueError(
                {"date": "a date like 2026-03-27", "time": "a time like 14:30"}.get(self.subtype, "a date and time")
            )
        found = self._parsed(tidy(value))
        if found is None and self.subtype == "date" and "T" in value:
            # A moment stands for its day in London: `=now()` may fill a date.
            moment = self._moment(tidy(value))
            found = moment.date() if moment else None
        if found is None:
            key = "time" if self.subtype == "time" else "day"
            return {"typed": {key: tidy(value)[:40]}}
        return found.isoformat() if self.subtype == "date" else found.isoformat(timespec="seconds")  # type: ignore[call-arg]

    def offered(self, raw: Any) -> Any:
        known = self.known(raw)
        # FEEL reads a time only with its seconds (XML Schema's lexical form).
        return self.clean(self._parsed(known)) if isinstance(known, str) else None

    # ------------------------------------------------------------------------------------------- checking
    def rule(self, place: Place) -> fields.Field[Any]:
        name = messages.subject(place.label)
        return _Moment(self, name, place.context.now, **needed(place, messages.enter(place.label)))

    def clean(self, value: Any) -> Any:
        if value is None:
            return None
        return value.isoformat() if self.subtype == "date" else value.isoformat(timespec="seconds")

    # ------------------------------------------------------------------------------------------- drawing
    def anchor(self, name: str) -> str:
        return name if self.subtype == "time" else f"{name}-day"

    def _typed(self, raw: Any) -> dict[str, str]:
        known = self.known(raw)
        if known is None:
            return {}
        if isinstance(known, dict):
            typed: dict[str, str] = known["typed"]
            return typed
        found = self._parsed(known)
        typed = {}
        if isinstance(found, date):
            typed = {"day": str(found.day), "month": str(found.month), "year": str(found.year)}
        if isinstance(found, datetime | time):
            typed["time"] = f"{found.hour}:{found.minute:02d}"
        return typed

    def draw(self, place: Place, error: str | None) -> tuple[str, dict[str, Any]]:
        typed = self._typed(place.raw)
        if self.subtype == "time":
            params = input_params(place, error, "" if self.description else "For example, 9:30am or 14:30")
            params |= {"value": typed.get("time", ""), "classes": "govuk-input--width-5", "spellcheck": False}
            return "govukInput", params
        example = place.context.today
        hint = "" if self.description else f"For example, {example.day} {example.month} {example.year}"
        if self.subtype == "datetime" and not self.description:
            hint += " at 14:30"
        red = " govuk-input--error" if error else ""
        names = [*PARTS, "time"] if self.subtype == "datetime" else list(PARTS)
        birthday = self.autocomplete == "bday"
        return "govukDateInput", {
            "id": f"{place.name}-date",
            "namePrefix": place.name,
            "fieldset": {"legend": {"text": label_of(place), "classes": "govuk-fieldset__legend--s"}},
            "hint": hint_of(place, hint),
            "errorMessage": error_of(error),
            "items": [
                {
                    "id": f"{place.name}-{part}",
                    "name": part,
                    "value": typed.get(part, ""),
                    "classes": f"govuk-input--width-{ {'year': 4, 'time': 5}.get(part, 2) }" + red,
                    "inputmode": "text" if part == "time" else "numeric",
                    "autocomplete": f"bday-{part}" if birthday and part in PARTS else None,
                }
                for part in names
            ],
        }

    def words(self, place: Place, raw: Any) -> list[str]:
        known = self.known(raw)
        if known is None:
            return []
        if isinstance(known, dict):
            return [" ".join(value for value in known["typed"].values() if value)]
        found = self._parsed(known)
        if isinstance(found, datetime):
            return [moment_in_words(found)]
        if isinstance(found, date):
            return [date_in_words(found)]
        return [time_in_words(found)] if found else []


class _Moment(fields.Field[Any]):
    def __init__(self, question: MomentQuestion, name: str, now: datetime, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.question = question
        self.name_in_words = name
        self.now = now

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        question, name = self.question, self.name_in_words
        if isinstance(value, dict):
            raise ValidationError(self._what_is_missing(value.get("typed", {})))
        found = question._parsed(value)
        if found is None:
            raise ValidationError(f"{name} must be a real {'time' if question.subtype == 'time' else 'date'}")
        if isinstance(found, time):
            return found
        day = found.date() if isinstance(found, datetime) else found
        if day.year < EARLIEST_YEAR:
            raise ValidationError(f"{name} must be in {EARLIEST_YEAR} or later")
        self._within(day, found)
        return found

    def _within(self, day: date, found: date | datetime) -> None:
        question, name = self.question, self.name_in_words
        today = self.now.astimezone(LONDON).date()
        moment = isinstance(found, datetime)
        if question.not_after_today and (found > self.now if isinstance(found, datetime) else day > today):
            raise ValidationError(f"{name} must be {'in the past' if moment else 'today or in the past'}")
        if question.not_before_today and day < today:
            raise ValidationError(f"{name} must be today or in the future")
        if question.not_before_today and day.timetuple()[:3] > (today.year + FURTHEST_YEARS, today.month, today.day):
            raise ValidationError(f"{name} must be within the next {FURTHEST_YEARS} years")

    def _what_is_missing(self, typed: dict[str, str]) -> str:
        question, name = self.question, self.name_in_words
        if question.subtype == "time":
            return f"{name} must be a time, like 9:30am or 14:30"
        missing = [part for part in PARTS if not typed.get(part)]
        if question.subtype == "datetime" and not typed.get("time"):
            missing.append("time")
        if missing and len(typed) > 1:
            return f"{name} must include a {_listed(missing)}"
        if parse_date(typed) is not None:
            clock = parse_time(typed.get("time", ""))
            return f"{name} must have a {'real time: the clocks go forward then' if clock else 'time like 9:30am or 14:30'}"
        if typed.get("year") and not re.fullmatch(r"\d{4}", typed["year"], re.ASCII):
            return f"{name} must have a year of 4 numbers"
        return f"{name} must be a real date"


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _short(text: str | None) -> str:
    return tidy(text).replace("\n", " ")[:40]


def _in_london(day: date, clock: time) -> datetime | None:
    """The moment of a London day and time; None for the hour that is skipped when the clocks go forward."""
    moment = datetime.combine(day, clock.replace(tzinfo=None), tzinfo=LONDON)
    again = moment.astimezone(UTC).astimezone(LONDON)
    return moment if again.replace(tzinfo=None) == moment.replace(tzinfo=None) else None
