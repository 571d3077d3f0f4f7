"""What happens if a task is late, as its page tells it: who is reminded, who is asked to decide, and when.

Read from the running release: the timers that are drawn on the task, and the tiers of the escalation that they call
(01-marac §8). A process owner who redraws either changes what is told here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import select

from app.agencies import service as agencies
from app.cases.dossiers import find_case
from app.identity.roles import role_title
from app.runtime import service as runtime
from app.runtime.errors import InstanceEnded
from app.runtime.forecast import Chased, Forecast, TimerAhead, Turn
from app.store.clock import business_now
from app.store.database import db
from app.work.models import ItemState, WorkItem

DECISION_FORM = "escalation-decision"


class Kind(StrEnum):
    """What happens: people are reminded, somebody is asked to decide (or has been), or the procedure goes another way."""

    REMIND = "remind"
    DECIDE = "decide"
    ASKED = "asked"
    LEADS = "leads"


@dataclass(frozen=True, slots=True)
class Consequence:
    """One thing that happens.

    :param who: the roles that are told or asked, each with its agency.
    :param holder: whether whoever has the task is told too.
    :param leads_to: for a timer that leads elsewhere, the name of what comes next.
    :param closes: for the same, whether the task is taken away.
    """

    at: datetime | None
    kind: Kind
    who: tuple[str, ...] = ()
    holder: bool = False
    leads_to: str = ""
    closes: bool = False


def consequences(item: WorkItem) -> list[Consequence]:
    """What happens if an open task is not completed, soonest first; nothing for a task that nothing is drawn on."""
    if item.state != ItemState.OPEN:
        return []
    try:
        forecast = Forecast(item.instance_key)
        timers = forecast.timers(item.task_id)
    except InstanceEnded:
        return []
    found = _asked(item)
    found += [_tier(turn, item.agency_key) for turn in forecast.under_way({"subjectItem": str(item.key)})]
    for timer in timers:
        found += _drawn(forecast, timer, item)
    if not found and (meeting_key := _meeting_of(item)) is not None:
        found = _chased_by_meeting(item, meeting_key)
    return _until_closed(
        sorted(found, key=lambda one: (one.at or datetime.max.replace(tzinfo=UTC), one.kind != Kind.REMIND))
    )


def _until_closed(found: list[Consequence]) -> list[Consequence]:
    """Once the task is taken away nobody is chased any more."""
    last = next((number for number, one in enumerate(found) if one.closes), len(found))
    return found[: last + 1]


def _meeting_of(item: WorkItem) -> int | None:
    """The meeting of a task, or the one that its case is listed for."""
    if item.meeting_key is not None or item.case_key is None:
        return item.meeting_key
    return find_case(item.case_key).meeting_key


def _chased_by_meeting(item: WorkItem, meeting_key: int) -> list[Consequence]:
    """A task that its meeting chases, for all the cases of an agency at once."""
    for instance in runtime.of_meeting(meeting_key):
        if instance.key == item.instance_key:
            continue
        try:
            forecast = Forecast(instance.key)
        except InstanceEnded:
            continue
        marks = {"subjectElement": item.element_id, "agency": str(item.agency_key)}
        begun = [_tier(turn, item.agency_key) for turn in forecast.under_way(marks)]
        ahead = [step for step in forecast.chases(item.element_id, str(item.agency_key)) if step.at > business_now()]
        found = begun + [one for step in ahead for one in _chasing(forecast, step, item)]
        if found:
            return found
    return []


def _chasing(forecast: Forecast, step: Chased, item: WorkItem) -> list[Consequence]:
    if step.calls is None:
        return [
            _tier(Turn({"roles": list(step.roles), "scope": "AGENCY", "tellHolder": True}, step.at), item.agency_key)
        ]
    given = {"holderRole": next(iter(item.roles), None), **step.given, "subjectItem": str(item.key)}
    supposed = {str(given.get("dueName")): item.due_at} if item.due_at is not None else {}
    return [_tier(turn, item.agency_key) for turn in forecast.turns(step.calls, given, step.at, supposed)]


def _drawn(forecast: Forecast, timer: TimerAhead, item: WorkItem) -> list[Consequence]:
    turns = []
    if timer.calls is not None:
        given = {"holderRole": next(iter(item.roles), None), **timer.given, "subjectItem": str(item.key)}
        turns = forecast.turns(timer.calls, given, timer.at)
    tiers = [_tier(turn, _key(timer.given.get("agency"))) for turn in turns if isinstance(turn.value, dict)]
    return tiers or [Consequence(timer.at, Kind.LEADS, leads_to=timer.leads_to, closes=timer.interrupting)]


def _tier(turn: Turn, agency_key: int | None) -> Consequence:
    tier: Mapping[str, Any] = turn.value if isinstance(turn.value, dict) else {}
    of_agency = agency_key if tier.get("scope") == "AGENCY" else None
    name = agencies.agency(of_agency).name if of_agency is not None else ""
    titles = [role_title(str(role)) for role in tier.get("roles") or ()]
    return Consequence(
        at=turn.at,
        kind=Kind.DECIDE if tier.get("kind") == "DECIDE" else Kind.REMIND,
        who=tuple(f"{title} of {name}" if name else title for title in titles),
        holder=tier.get("tellHolder") is True,
    )


def _asked(item: WorkItem) -> list[Consequence]:
    """The tiers that have been asked and have not decided."""
    rows = db.session.execute(
        select(WorkItem).where(
            WorkItem.instance_key == item.instance_key,
            WorkItem.form_id == DECISION_FORM,
            WorkItem.state == ItemState.OPEN,
        )
    ).scalars()
    return [
        Consequence(row.created_at, Kind.ASKED, who=tuple(role_title(str(role)) for role in row.roles))
        for row in rows
        if (row.deadline or "").endswith(f"-{item.key}")
    ]


def _key(value: object) -> int | None:
    text = str(value or "")
    return int(text) if text.isdigit() else None
