"""Messages whose time to live is over. None lapses in silence for an instance that could not take it in time.

A worker looks, once a minute. A message that nobody was kept from taking is given up. For an instance that had stopped with an incident
while the message lived, or waits behind a try of its own, it is kept for as long as that lasts and a while longer; if it has not been taken
then, an incident of the kind MESSAGE says so. Why: decision 11.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, and_, delete, func, null, or_, select, update

from app.runtime import late, releases, rendezvous
from app.runtime.ahead import catching
from app.runtime.heldup import HeldUp, TooMany
from app.runtime.kept import deliver_buffered
from app.runtime.late import Stand
from app.runtime.mending.elsewhere import let_go, raise_elsewhere, resolve, retries
from app.runtime.messages import DEFAULT_TTL
from app.runtime.models import BufferedMessage, Incident, IncidentState, Instance, InstanceStatus
from app.runtime.ports import HistoryEvent, ports
from app.runtime.turn import turn
from app.store.clock import business_now, wall_now
from app.store.database import db, new_key, reading, short_write
from app.store.outage import said

log = logging.getLogger("convenor.runtime")

MESSAGE = "MESSAGE"  # the kind of incident
EVERY = timedelta(minutes=1)
A_WHILE = DEFAULT_TTL
"""How long an instance that has been mended may still take it, at least."""
SETTLED = timedelta(minutes=1)
"""How long after its time a message is looked at: by then what was done before has been committed."""
AT_ONCE = 200
MOST_UNSURE = 10_000  # messages that are kept, beyond which none is for a key that cannot be told yet
SIMPLE = 2_000  # how many are given up in one transaction when nothing has stopped that waits for one of their name


# ------------------------------------------------------------------------------------------------ looking
def look() -> int:
    """The workers' chore: look at messages whose time is over, some at a time; how many were given up or kept on.

    Nothing is written when there are none.
    """
    before = business_now() - SETTLED
    with reading():
        found = _over(before, SIMPLE)
        held_up = _held_up(found)
        closer = {one.key for one in found if one.close or held_up.waits_for(one.area_key, one.name)}
        for area_key, name in {(one.area_key, one.name) for one in found if one.key in closer}:
            held_up.read(area_key, name)
        db.session.rollback()
    simple = [one.key for one in found if one.key not in closer]
    count = _give_up_all(simple, before) if simple else 0
    return count + sum(_settled(one.key, before, held_up) for one in [o for o in found if o.key in closer][:AT_ONCE])


def before_a_try(instance_key: int) -> None:
    """An instance that waits behind a try of its own is about to be tried again: what has run out meanwhile is kept for it, in the
    caller's transaction. The worker's look might come when it has gone on already."""
    now = business_now()
    area = select(Instance.area_key).where(Instance.key == instance_key)
    found = _over(
        now, AT_ONCE, BufferedMessage.area_key == area.scalar_subquery(), BufferedMessage.late_for.is_(null())
    )
    if not found:
        return
    held_up = _held_up(found, instance_key)
    for one in found:
        if held_up.waits_for(one.area_key, one.name):
            with suppress(TooMany):
                settle(one.key, now, held_up)


class _Over(NamedTuple):
    """A message whose time is over.

    :ivar close: it is kept for somebody already, or waits to start a process.
    """

    key: int
    area_key: int
    name: str
    published_at: datetime
    close: bool


def _over(before: datetime, limit: int, *more: ColumnElement[bool]) -> list[_Over]:
    """Messages whose time was over before an instant, those first that have waited longest."""
    columns = (BufferedMessage.key, BufferedMessage.area_key, BufferedMessage.name, BufferedMessage.published_at)
    queued = and_(BufferedMessage.held_for.is_not(null()), BufferedMessage.expires_at <= before)
    query = select(*columns, or_(BufferedMessage.late_for.is_not(null()), queued)).where(_is_over(before), *more)
    return [_Over(*row) for row in db.session.execute(query.order_by(BufferedMessage.expires_at).limit(limit))]


def _held_up(found: Collection[_Over], tried: int | None = None) -> HeldUp:
    since = min((one.published_at for one in found), default=business_now())
    return HeldUp({one.area_key for one in found}, since, tried)


def _is_over(before: datetime) -> ColumnElement[bool]:
    queued = and_(
        BufferedMessage.held_for.is_not(null()),
        BufferedMessage.patient.is_(True),
        BufferedMessage.late_for.is_(null()),
        BufferedMessage.published_at <= before - DEFAULT_TTL,
    )
    return or_(BufferedMessage.expires_at <= before, queued)


def _give_up_all(keys: Collection[int], before: datetime) -> int:
    """Nobody who has stopped could take one of these."""
    these = and_(BufferedMessage.key.in_(keys), BufferedMessage.late_for.is_(null()), _is_over(before))
    with short_write():
        db.session.execute(
            update(BufferedMessage)
            .where(these, BufferedMessage.expires_at > before)
            .values(late_for={})
            .execution_options(synchronize_session=False)
        )
        db.session.execute(delete(BufferedMessage).where(these).execution_options(synchronize_session=False))
    return len(keys)


def _settled(key: int, before: datetime, held_up: HeldUp) -> bool:
    try:
        with short_write():
            settle(key, before, held_up)
    except TooMany:
        return False  # the next look goes on with the other instances
    except Exception as error:  # the others are not kept waiting for this one
        db.session.rollback()
        log.exception(said(error) or "a message that has run out could not be looked at", extra={"buffered": str(key)})
        return False
    return True


def settle(key: int, before: datetime, held_up: HeldUp) -> None:
    """Look at one message: give it up, or keep it on for those who could not take it. Who has come to wait for it since gets it."""
    found = db.session.get(BufferedMessage, key)
    if found is None:
        return
    rendezvous.to_keep(found.area_key, found.name, found.correlation_key)
    query = select(BufferedMessage).where(BufferedMessage.key == key, _is_over(before)).with_for_update()
    kept = db.session.execute(query.execution_options(populate_existing=True)).scalars().one_or_none()
    if kept is None:
        return
    entries = _first(kept, held_up) if kept.late_for is None else _again(kept, held_up)
    if kept.held_for is not None and (kept.expires_at > before or _stops_the_next(kept, held_up)):
        kept.late_for = {}  # what it starts may have it for longer
        kept.expires_at = max(kept.expires_at, business_now() + A_WHILE)
        if not entries:
            return
        kept = _copy(kept)
    if not entries:
        if kept.held_for:
            log.warning("a message has lapsed before it could start its process", extra={"area": kept.area_key})
        db.session.delete(kept)
        return
    kept.late_for, kept.held_for, kept.expires_at = entries, None, business_now() + A_WHILE
    db.session.flush()
    with turn():
        deliver_buffered(kept.area_key, {(kept.name, kept.correlation_key): business_now()})


def _copy(kept: BufferedMessage) -> BufferedMessage:
    """The same for those who wait for it, apart from what waits to start a process."""
    same = ("area_key", "name", "correlation_key", "payload", "case_key", "meeting_key", "taken_by", "published_at")
    made = BufferedMessage(key=new_key(), **{name: getattr(kept, name) for name in same})
    db.session.add(made)
    return made


def _stops_the_next(kept: BufferedMessage, held_up: HeldUp) -> bool:
    """Whether an instance has stopped for whose end a message waits to start the next one, or had until a while ago."""
    query = select(Instance.key).where(
        Instance.area_key == kept.area_key,
        Instance.process_id.in_(kept.held_for or ()),
        Instance.correlation_key == kept.correlation_key,
        Instance.status == InstanceStatus.ACTIVE,
    )
    return any(held_up.has_stopped(key, business_now() - A_WHILE) for key in db.session.execute(query).scalars())


# ------------------------------------------------------------------------------------------------ for whom
def _first(kept: BufferedMessage, held_up: HeldUp) -> dict[str, Any]:
    """Its time has just run out: who could not take it."""
    entries = {
        str(one.key): late.entry(stand, sure)
        for one, stand in held_up.when(kept.area_key, kept.published_at, late.time_over(kept))
        if (sure := held_up.awaits(one, kept)) is not None
    }
    if entries and not any(one["sure"] for one in entries.values()) and late_count() >= MOST_UNSURE:
        log.warning("too many messages are kept for keys that cannot be told", extra={"area": kept.area_key})
        return {}
    return entries


def _again(kept: BufferedMessage, held_up: HeldUp) -> dict[str, Any]:
    """Another while has passed: how those stand now for whom it was kept."""
    query = select(Instance).where(Instance.key.in_([int(key) for key in kept.late_for or {}]))
    rows = {row.key: row for row in db.session.execute(query).scalars()}
    entries: dict[str, Any] = {}
    for text, was in (kept.late_for or {}).items():
        row = rows.get(int(text))
        if row is None or row.status != InstanceStatus.ACTIVE:
            _ended(kept, row, was["sure"] and not was["quiet"] and was["stand"] != Stand.LATE)
        elif (stand := _stand(kept, row, was, held_up)) is not None:
            sure = was["sure"] or held_up.awaits(row, kept)
            if sure is not None:
                entries[text] = late.entry(stand, sure, quiet=was["quiet"])
    return entries


def _stand(kept: BufferedMessage, row: Instance, was: dict[str, Any], held_up: HeldUp) -> Stand | None:
    """How an instance that goes on living stands now; None when it is not kept for it any more."""
    if was["stand"] == Stand.TOLD:
        return Stand.TOLD if _incident(kept.key, row.key) is not None else None
    if not _wanted(kept, row):
        return None
    now = held_up.now(row.key)
    if now is Stand.STOPPED:
        return now
    if was["stand"] == Stand.STOPPED:
        return Stand.GOES_ON
    if was["stand"] == Stand.LATE:
        return now
    if was["quiet"] or not (was["sure"] or held_up.awaits(row, kept)):
        return None
    _tell(kept, row)
    return Stand.TOLD


# ------------------------------------------------------------------------------------------------ telling
def _wanted(kept: BufferedMessage, row: Instance) -> dict[str, str]:
    """The processes of an instance's release that have not had it, each with an element that waits for it."""
    found = catching(releases.parsed(row.release_key)).get(kept.name, {})
    return {process_id: element_id for process_id, element_id in found.items() if process_id not in kept.taken_by}


def _tell(kept: BufferedMessage, row: Instance) -> None:
    wanted = _wanted(kept, row)
    process_id = row.process_id if row.process_id in wanted else min(wanted)
    log.warning("a message was not taken", extra={"instance": row.key, "sent": kept.name})
    raise_elsewhere(
        MESSAGE,
        f"The message {kept.name} came while this procedure had stopped, and it has not taken it since.",
        area_key=kept.area_key,
        instance_key=row.key,
        process_id=process_id,
        element_id=wanted[process_id],
        subject_key=kept.key,
        details={"message": kept.name},
    )


def _ended(kept: BufferedMessage, row: Instance | None, told: bool) -> None:
    """An instance has ended without it: its history says so."""
    if (incident := _incident(kept.key, row.key if row is not None else 0)) is not None:
        resolve(incident, None)
    if row is None or not row.state or not told:
        return
    title = f"The message {kept.name} came while this procedure had stopped; it ended without having taken it."
    at = (row.key, row.area_key, row.case_key, row.meeting_key, row.process_id)
    ports.history.note(HistoryEvent("incident", business_now(), *at, "", 0, title, {}))
    log.warning("a message was not taken by an instance that has ended", extra={"instance": row.key, "sent": kept.name})


def _incident(message_key: int, instance_key: int) -> Incident | None:
    query = select(Incident).where(
        Incident.subject_key == message_key,
        Incident.instance_key == instance_key,
        Incident.kind == MESSAGE,
        Incident.state == IncidentState.ACTIVE,
    )
    return db.session.execute(query).scalars().first()


def _try_again(row: Incident, by: int | None) -> bool:
    """The instance is given it, now or if it comes to wait for it within a while. After that somebody is told once more."""
    kept = _of(row)
    if kept is not None:
        kept.late_for = {**(kept.late_for or {}), str(row.instance_key): late.entry(Stand.GOES_ON, True)}
        kept.expires_at = business_now() + A_WHILE
        db.session.flush()
        with turn():
            deliver_buffered(kept.area_key, {(kept.name, kept.correlation_key): business_now()})
    return True


def _let_go(row: Incident, by: int | None) -> None:
    """The instance is not to have it."""
    kept = _of(row)
    if kept is not None and row.instance_key is not None:
        kept.late_for = late.without(kept, [row.instance_key])
        if not kept.late_for:
            db.session.delete(kept)
            db.session.flush()


def _of(row: Incident) -> BufferedMessage | None:
    query = select(BufferedMessage).where(BufferedMessage.key == row.subject_key).with_for_update()
    return db.session.execute(query.execution_options(populate_existing=True)).scalars().one_or_none()


def register() -> None:
    """Say how such an incident is mended; call once at start-up."""
    retries[MESSAGE], let_go[MESSAGE] = _try_again, _let_go


def late_count() -> int:
    """How many messages are kept for instances that could not take them in time."""
    query = select(func.count()).select_from(BufferedMessage).where(BufferedMessage.late_for.is_not(null()))
    return db.session.execute(query.where(BufferedMessage.held_for.is_(null()))).scalar_one()


# ------------------------------------------------------------------------------------------------ after an outage
def renew(since: datetime) -> int:
    """No worker was alive since then (wall time): what has run out meanwhile is kept for a while more. How many."""
    now = business_now()
    began = since + (now - wall_now())
    count = 0
    while keys := _ran_out(began, now):
        with short_write():
            db.session.execute(
                update(BufferedMessage)
                .where(BufferedMessage.key.in_(keys), BufferedMessage.expires_at <= now)
                .values(expires_at=now + A_WHILE)
                .execution_options(synchronize_session=False)
            )
        count += len(keys)
    return count


def _ran_out(began: datetime, now: datetime) -> list[int]:
    query = select(BufferedMessage.key).where(
        BufferedMessage.expires_at > began, BufferedMessage.expires_at <= now, BufferedMessage.late_for.is_(null())
    )
    with reading():
        found: Iterable[int] = db.session.execute(query.limit(SIMPLE)).scalars()
        keys = list(found)
        db.session.rollback()
    return keys
