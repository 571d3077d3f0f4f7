"""Messages that are kept: given to whoever begins to wait for them, to processes that are published meanwhile, and, with a key, to the
process that they start when its active instance of that key has ended."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, func, null, or_, select, tuple_

from app.runtime import addressees, codec, late, rendezvous
from app.runtime.addressees import Addressee
from app.runtime.ahead import may_wait
from app.runtime.messages import DEFAULT_TTL, WITHOUT_END, Origin, busy, give, start_one
from app.runtime.models import BufferedMessage, Instance, InstanceStatus, StartKind, StartSubscription
from app.runtime.turn import Turn, turn
from app.store.clock import as_of, business_now
from app.store.database import db, reading, short_write
from app.store.outage import said

log = logging.getLogger("convenor.runtime")

MOST_FOLLOWERS = 100
"""How many instances one turn starts because others have ended; the workers start the rest."""

EVERY = timedelta(minutes=1)
HELD = BufferedMessage.held_for.is_not(null())


# ------------------------------------------------------------------------------------------------ for who begins to wait
def deliver_wanted(running: Turn) -> None:
    """Give what was kept to all who have begun to wait in the turn."""
    wanted, running.wanted = running.wanted, {}
    for area_key in sorted({area for area, _, _ in wanted}):
        mine = {(name, key): since for (area, name, key), since in wanted.items() if area == area_key}
        deliver_buffered(area_key, mine)


def deliver_buffered(area_key: int, wanted: Mapping[tuple[str, str], datetime]) -> None:
    """Somebody has begun to wait: give what was kept, oldest first.

    :param wanted: since when, by the message's name and key.
    """
    mine = tuple_(BufferedMessage.name, BufferedMessage.correlation_key).in_(sorted(wanted))
    for kept in _kept(area_key, mine, min(wanted.values())):
        taken: list[Addressee] = []
        payload = codec.unpack(kept.payload)
        for found in addressees.of(area_key, kept.name, kept.correlation_key)[0]:
            had = found.process_id in kept.taken_by or any(one.process_id == found.process_id for one in taken)
            if had or not _in_time(kept, found.key, wanted[(kept.name, kept.correlation_key)]):
                continue
            # Not before it came: what was accepted earlier takes its course as of earlier.
            with as_of(max(business_now(), kept.published_at)):
                if give(found, kept.name, kept.correlation_key, payload):
                    taken.append(found)
        if taken:
            _had(kept, taken)


def _in_time(kept: BufferedMessage, instance_key: int, since: datetime) -> bool:
    """Whether an instance that has waited since then may have it: while its time lasts everybody, after that whoever had stopped."""
    if kept.late_for is not None:
        return late.may_have(kept, instance_key)
    return late.time_over(kept) > since


def _had(kept: BufferedMessage, taken: Collection[Addressee]) -> None:
    """Instances that waited have it. It is kept for those of other processes that have stopped before they wait for it."""
    had = [found.process_id for found in taken]
    if kept.late_for is not None:
        left = late.without(kept, [found.key for found in taken]) or {}
        kept.late_for = {
            key: one for key, one in left.items() if may_wait(int(key), kept.name) - {*kept.taken_by, *had}
        }
    elif kept.held_for is None and any(may_wait(one.key, kept.name) - {*kept.taken_by, *had} for one in taken):
        from app.runtime import heldup

        kept.late_for = heldup.stopped_before(kept, {found.key for found in taken}, had) or None
    _note(kept, taken=had, others=bool(kept.late_for))


# ------------------------------------------------------------------------------------------------ for what it starts
def start_buffered(area_key: int, definitions: Mapping[int, Iterable[str]]) -> None:
    """Processes have been published: each message that was kept and that one of their start events names starts one, oldest first.

    :param definitions: the names of the messages that start them, by the key of the definition.
    """
    names = {name for found in definitions.values() for name in found}
    if not names:
        return
    rendezvous.to_start(area_key, names)
    rendezvous.to_follow(area_key, _could_begin(area_key, definitions))
    with turn():
        for kept in _kept(area_key, BufferedMessage.name.in_(names) & BufferedMessage.late_for.is_(null())):
            key = kept.correlation_key
            starts = [
                found
                for found in addressees.of(area_key, kept.name, key)[1]
                if found.key in definitions and _is_new_to(kept.taken_by, kept.held_for, found.process_id)
            ]
            held_up = busy(area_key, key, {found.process_id for found in starts}) if key and starts else set()
            begun = [found for found in starts if found.process_id not in held_up]
            for found in begun:
                _start(kept, found)
            _note(kept, taken=[found.process_id for found in begun], held=sorted(held_up))


def _could_begin(area_key: int, definitions: Collection[int]) -> set[tuple[str, str]]:
    """Processes with the keys of the messages that were kept before there was such a process."""
    told = (
        StartSubscription.process_id,
        BufferedMessage.correlation_key,
        BufferedMessage.taken_by,
        BufferedMessage.held_for,
    )
    query = (
        select(*told)
        .join(
            BufferedMessage,
            (BufferedMessage.area_key == StartSubscription.area_key) & (BufferedMessage.name == StartSubscription.name),
        )
        .where(
            StartSubscription.area_key == area_key,
            StartSubscription.kind == StartKind.MESSAGE,
            StartSubscription.definition_key.in_(sorted(definitions)),
            BufferedMessage.correlation_key != "",
            BufferedMessage.expires_at > business_now(),
        )
    )
    return {
        (process_id, key)
        for process_id, key, taken_by, held_for in db.session.execute(query)
        if _is_new_to(taken_by, held_for, process_id)
    }


def _is_new_to(taken_by: Collection[str], held_for: Collection[str] | None, process_id: str) -> bool:
    """Whether a process has neither had a message nor made it wait for the end of an instance."""
    return not {"*", process_id} & set(taken_by) and process_id not in (held_for or ())


def follow(running: Turn, area_key: int, process_id: str, key: str) -> None:
    """An instance that a message with a key started has ended: what has waited for that starts the next one when the step is over."""
    if running.followers < MOST_FOLLOWERS:
        running.followers += 1
        running.later(lambda: start_next(area_key, process_id, key))


def start_next(area_key: int, process_id: str, key: str) -> bool:
    """The oldest message of a key that waits for the end of an instance starts the next one; False when there is none, or one is active."""
    rendezvous.to_follow(area_key, [(process_id, key)])
    with turn():
        for kept in _kept(area_key, (BufferedMessage.correlation_key == key) & HELD):
            if process_id not in (kept.held_for or ()):
                continue
            starts = addressees.of(area_key, kept.name, key)[1]
            found = next((start for start in starts if start.process_id == process_id), None)
            if found is None:
                _give_up(kept, process_id)
            elif busy(area_key, key, [process_id]):
                return False
            else:
                _start(kept, found)
                _note(kept, taken=[process_id])
                return True
    return False


def follow_ended() -> int:
    """The workers' chore: start what waits though nothing is active any more. Each in a transaction of its own; how many.

    An instance has ended on a server of the version before, or more have followed one another than one turn starts.
    """
    return sum(_started(*one) for one in _free())


def _free() -> list[tuple[int, str, str]]:
    """What messages wait for (area, process, key) though no instance is active."""
    query = (
        select(BufferedMessage.area_key, BufferedMessage.correlation_key, BufferedMessage.held_for, Instance.process_id)
        .outerjoin(
            Instance,
            (Instance.area_key == BufferedMessage.area_key)
            & (Instance.correlation_key == BufferedMessage.correlation_key)
            & (Instance.status == InstanceStatus.ACTIVE),
        )
        .where(HELD, BufferedMessage.expires_at > business_now())
    )
    with reading():
        rows = db.session.execute(query).all()
        db.session.rollback()
    wanted = {(area_key, process_id, key) for area_key, key, held_for, _ in rows for process_id in held_for}
    return sorted(wanted - {(area_key, active, key) for area_key, key, _, active in rows})


def held_count() -> int:
    """How many messages wait for the end of an instance."""
    query = select(func.count()).select_from(BufferedMessage)
    return db.session.execute(query.where(HELD, BufferedMessage.expires_at > business_now())).scalar_one()


def _started(area_key: int, process_id: str, key: str) -> bool:
    try:
        with short_write():
            return start_next(area_key, process_id, key)
    except Exception as error:  # the others are not kept waiting for this one
        db.session.rollback()
        log.exception(said(error) or "what has waited could not be started", extra={"process_id": process_id})
        return False


def _start(kept: BufferedMessage, found: Addressee) -> None:
    origin = Origin(kept.area_key, kept.case_key, kept.meeting_key)
    start_one(origin, found, codec.unpack(kept.payload), kept.correlation_key)


# ------------------------------------------------------------------------------------------------ the rows
def _kept(area_key: int, which: ColumnElement[bool], since: datetime | None = None) -> list[BufferedMessage]:
    """What is kept for others still to come, oldest first; locked, so that no two who wait are given the same.

    :param since: what was kept at that time already, and what is kept past its time; now when None.
    """
    in_time = BufferedMessage.expires_at > (since or business_now())
    query = (
        select(BufferedMessage)
        .where(
            BufferedMessage.area_key == area_key,
            which,
            in_time if since is None else or_(in_time, BufferedMessage.late_for.is_not(null())),
        )
        .order_by(BufferedMessage.key)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return [kept for kept in db.session.execute(query).scalars() if "*" not in kept.taken_by]


def _note(
    kept: BufferedMessage, *, taken: Collection[str] = (), held: Collection[str] = (), others: bool = False
) -> None:
    """Processes have had it, or are to have it when their active instance has ended. One without an id goes when no process is to have
    it.

    :param others: other processes may still wait for it.
    """
    if not taken and not held:
        return
    kept.taken_by = [*kept.taken_by, *taken]
    kept.held_for = sorted({*(kept.held_for or ()), *held} - set(taken)) or None
    if kept.held_for is not None and kept.patient:
        kept.expires_at = WITHOUT_END
    if kept.held_for is None and kept.message_id is None and not others:
        db.session.delete(kept)
        db.session.flush()


def _give_up(kept: BufferedMessage, process_id: str) -> None:
    """The latest version of a process is started by other messages: it is kept as one that nobody has waited for."""
    log.warning(
        "a message does not start its process any more", extra={"process_id": process_id, "area": kept.area_key}
    )
    kept.held_for = [other for other in kept.held_for or () if other != process_id] or None
    if kept.held_for is None and kept.patient:
        kept.expires_at = kept.published_at + DEFAULT_TTL
