"""For whom a message is kept past its time to live, as its row says it: the instances that had stopped, or were late themselves, by key."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from enum import StrEnum
from typing import Any

from app.runtime.messages import DEFAULT_TTL
from app.runtime.models import BufferedMessage


class Stand(StrEnum):
    """How an instance stands with a message whose time is over.

    STOPPED: an incident is open in it, or it waits behind a try of its own. LATE: nothing is amiss, but it has not been woken in time.
    GOES_ON: it has been mended, and has a while to take it. TOLD: it has not taken it, and somebody has been told.
    """

    STOPPED = "STOPPED"
    LATE = "LATE"
    GOES_ON = "GOES_ON"
    TOLD = "TOLD"


def entry(stand: Stand, sure: bool, *, quiet: bool = False) -> dict[str, Any]:
    """What is written for an instance.

    :param sure: the message has its correlation key; else that could not be told yet.
    :param quiet: nobody is told if it is not taken: a process of the instance has had it, and another of them may still want it.
    """
    return {"stand": stand, "sure": sure, "quiet": quiet}


def time_over(kept: BufferedMessage) -> datetime:
    """When it is over for those who wait for it; what it starts may have it for longer."""
    if kept.patient and kept.held_for is not None:
        return kept.published_at + DEFAULT_TTL
    return kept.expires_at


def may_have(kept: BufferedMessage, instance_key: int) -> bool:
    """Whether an instance may have it though its time is over. Once somebody has been told, that is for them to say."""
    found = (kept.late_for or {}).get(str(instance_key))
    return found is not None and found["stand"] != Stand.TOLD


def without(kept: BufferedMessage, instance_keys: Collection[int]) -> dict[str, Any] | None:
    """Those for whom it is kept, without these."""
    if kept.late_for is None:
        return None
    gone = {str(key) for key in instance_keys}
    return {key: one for key, one in kept.late_for.items() if key not in gone}
