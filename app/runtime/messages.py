"""Messages and signals between instances, and from outside: correlated, starting instances, or kept for their time to
live."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, delete, select, tuple_

from app.feel.temporal_text import parse_duration
from app.runtime import addressees, codec, releases, rendezvous, starting
from app.runtime.addressees import Addressee
from app.runtime.declarations import Declarations, feel_value
from app.runtime.engine.host import Posted
from app.runtime.errors import MessageRepeated, NobodyWaiting, VariableRefused
from app.runtime.language import later as later_by
from app.runtime.models import BufferedMessage, StartKind, StartSubscription, Subscription
from app.runtime.step import step
from app.runtime.turn import Turn, is_busy, turn
from app.store.clock import business_now
from app.store.database import db

DEFAULT_TTL = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a message comes from: instances that it starts belong to the same case and meeting."""

    area_key: int
    case_key: int | None = None
    meeting_key: int | None = None
    instance_key: int | None = None


@dataclass(frozen=True, slots=True)
class Receiver:
    """One instance that a message reached.

    :param started: the message started it.
    """

    instance_key: int
    started: bool


def publish_message(
    name: str,
    correlation_key: str,
    variables: Mapping[str, Any] | None = None,
    *,
    area_key: int,
    ttl: timedelta | None = None,
    message_id: str | None = None,
    case_key: int | None = None,
    meeting_key: int | None = None,
) -> list[Receiver]:
    """Publish a message: to each process that waits for it once, to the process it starts, or kept for its time to
    live.

    While an instance is in the middle of a step it is delivered after that step, and the answer is empty.

    :param case_key, meeting_key: the case and the meeting that an instance which it starts belongs to.
    :raises MessageRepeated: a message of this id is still remembered.
    :raises VariableRefused: a value cannot be taken.
    """
    payload = _payload(variables)
    origin = Origin(area_key, case_key, meeting_key)
    if is_busy():
        with turn() as running:
            addressees.expect(running, area_key, name, correlation_key)
            running.later(lambda: _deliver(origin, name, correlation_key, payload, ttl or timedelta(0), message_id))
        return []
    with turn():
        return _deliver(origin, name, correlation_key, payload, ttl or timedelta(0), message_id)


def correlate_message(
    name: str, correlation_key: str, variables: Mapping[str, Any] | None = None, *, area_key: int
) -> list[Receiver]:
    """Give a message to somebody who waits for it now.

    :raises NobodyWaiting: nobody does, and it starts nothing.
    """
    with turn():
        reached = _deliver(Origin(area_key), name, correlation_key, _payload(variables), timedelta(0), None)
    if not reached:
        raise NobodyWaiting("Nobody waits for this message.", resource_id=name)
    return reached


def broadcast_signal(name: str, variables: Mapping[str, Any] | None = None, *, area_key: int) -> list[Receiver]:
    """Send a signal to every instance of the area that waits for it, and start what it starts."""
    payload = _payload(variables)
    if is_busy():
        with turn() as running:
            running.later(lambda: send_signal(Origin(area_key), name, payload))
        return []
    with turn():
        return send_signal(Origin(area_key), name, payload)


# ------------------------------------------------------------------------------------------------ delivery
def send(origin: Origin, posted: Posted) -> list[Receiver]:
    """A message that an instance or an operation sent."""
    return _deliver(origin, posted.name, posted.key, dict(posted.payload), _time_to_live(posted.ttl), None)


def send_signal(origin: Origin, name: str, payload: dict[str, Any]) -> list[Receiver]:
    waiting = db.session.execute(
        select(Subscription.instance_key)
        .where(
            Subscription.area_key == origin.area_key,
            Subscription.message == name,
            Subscription.kind == StartKind.SIGNAL,
        )
        .order_by(Subscription.instance_key)
        .distinct()
    ).scalars()
    reached = []
    for instance_key in list(waiting):
        if instance_key != origin.instance_key:
            with step(instance_key) as taken:
                taken.wf.signal(name, payload)
            reached.append(Receiver(instance_key, False))
    starts = db.session.execute(
        select(StartSubscription).where(
            StartSubscription.area_key == origin.area_key,
            StartSubscription.kind == StartKind.SIGNAL,
            StartSubscription.name == name,
        )
    ).scalars()
    found = [Addressee(row.definition_key, 0, row.element_id, row.process_id) for row in starts]
    return reached + [_start_one(origin, addressee, payload) for addressee in found]


def _deliver(
    origin: Origin, name: str, key: str, payload: dict[str, Any], ttl: timedelta, message_id: str | None
) -> list[Receiver]:
    now = business_now()
    if message_id is not None:
        rendezvous.to_keep(origin.area_key, name, key)
        addressees.ask_anew(origin.area_key, name, key)
        _refuse_repeated(origin.area_key, name, key, message_id, now)
    reached, taken_by = _hand_out(origin, name, key, payload)
    kept = ttl > timedelta(0)
    if kept and not reached and message_id is None and rendezvous.to_keep(origin.area_key, name, key):
        addressees.ask_anew(origin.area_key, name, key)
        reached, taken_by = _hand_out(origin, name, key, payload)  # somebody has begun to wait meanwhile
    if kept and (not reached or message_id is not None):
        db.session.add(
            BufferedMessage(
                area_key=origin.area_key,
                name=name,
                correlation_key=key,
                message_id=message_id,
                payload=codec.pack(payload),
                case_key=origin.case_key,
                meeting_key=origin.meeting_key,
                taken_by=taken_by or (["*"] if reached else []),
                published_at=now,
                expires_at=now + ttl,
            )
        )
        db.session.execute(delete(BufferedMessage).where(BufferedMessage.expires_at <= now))
    return reached


def _hand_out(origin: Origin, name: str, key: str, payload: dict[str, Any]) -> tuple[list[Receiver], list[str]]:
    """To each process that waits once, and to what it starts; also the ids of the processes that waited."""
    reached = []
    taken_by: list[str] = []
    waiting, starts = addressees.of(origin.area_key, name, key)
    for found in waiting:
        if found.process_id not in taken_by and _give(found, name, key, payload):
            taken_by.append(found.process_id)
            reached.append(Receiver(found.key, False))
    return reached + [_start_one(origin, found, payload) for found in starts], taken_by


def _give(found: Addressee, name: str, key: str, payload: dict[str, Any]) -> bool:
    """Deliver to one waiting task, or to the one that took its place while we waited for the instance.

    False: nobody waits there now.
    """
    with step(found.key) as taken:
        typed = _typed(taken.world.release.diagrams.processes[found.process_id].declarations, payload)
        given = taken.wf.deliver(found.task_id, name, typed) or taken.wf.event_manager.deliver_message(name, key, typed)
        if given:
            taken.wf.advance()
        else:
            taken.unchanged = True
    return given


def deliver_wanted(running: Turn) -> None:
    """Give what was kept to all who have begun to wait in the turn."""
    wanted, running.wanted = running.wanted, set()
    for area_key in sorted({area for area, _, _ in wanted}):
        deliver_buffered(area_key, {(name, key) for area, name, key in wanted if area == area_key})


def deliver_buffered(area_key: int, wanted: Iterable[tuple[str, str]]) -> None:
    """Somebody has begun to wait: give what was kept, oldest first."""
    mine = tuple_(BufferedMessage.name, BufferedMessage.correlation_key).in_(sorted(set(wanted)))
    for kept in _kept(area_key, mine):
        taken_by = list(kept.taken_by)
        payload = codec.unpack(kept.payload)
        for found in addressees.of(area_key, kept.name, kept.correlation_key)[0]:
            if found.process_id not in taken_by and _give(found, kept.name, kept.correlation_key, payload):
                taken_by.append(found.process_id)
        _note_taken(kept, taken_by)


def start_buffered(area_key: int, definitions: Mapping[int, Iterable[str]]) -> None:
    """Processes have been published: each message that was kept and that one of their start events names starts one, oldest first.

    :param definitions: the names of the messages that start them, by the key of the definition.
    """
    names = {name for found in definitions.values() for name in found}
    if not names:
        return
    rendezvous.to_start(area_key, names)
    with turn():
        for kept in _kept(area_key, BufferedMessage.name.in_(names)):
            origin = Origin(area_key, kept.case_key, kept.meeting_key)
            taken_by = list(kept.taken_by)
            for found in addressees.of(area_key, kept.name, kept.correlation_key)[1]:
                if found.key in definitions and found.process_id not in taken_by:
                    _start_one(origin, found, codec.unpack(kept.payload))
                    taken_by.append(found.process_id)
            _note_taken(kept, taken_by)


def _kept(area_key: int, which: ColumnElement[bool]) -> list[BufferedMessage]:
    """What is kept for others still to come, oldest first; locked, so that no two who wait are given the same."""
    query = (
        select(BufferedMessage)
        .where(
            BufferedMessage.area_key == area_key,
            which,
            BufferedMessage.expires_at > business_now(),
        )
        .order_by(BufferedMessage.key)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return [kept for kept in db.session.execute(query).scalars() if "*" not in kept.taken_by]


def _note_taken(kept: BufferedMessage, taken_by: list[str]) -> None:
    if taken_by == kept.taken_by:
        return
    if kept.message_id is None:
        db.session.delete(kept)
        db.session.flush()
    else:
        kept.taken_by = taken_by


def _start_one(origin: Origin, found: Addressee, payload: dict[str, Any]) -> Receiver:
    """Every message or signal that names a start event starts an instance: a second report about one case is a second piece of work.

    A caller that may repeat itself gives the message an id.
    """
    definition = releases.definition(found.key)
    process = releases.parsed(definition.release_key).diagrams.processes[found.process_id]
    made = starting.begin_instance(
        definition,
        _typed(process.declarations, payload),
        case_key=origin.case_key,
        meeting_key=origin.meeting_key,
        by=None,
        start_at=found.element_id,
    )
    return Receiver(made.key, True)


def _refuse_repeated(area_key: int, name: str, key: str, message_id: str, now: datetime) -> None:
    same = (
        BufferedMessage.area_key == area_key,
        BufferedMessage.name == name,
        BufferedMessage.correlation_key == key,
        BufferedMessage.message_id == message_id,
    )
    known = db.session.execute(select(BufferedMessage.expires_at).where(*same)).scalar()
    if known is None:
        return
    if known > now:
        raise MessageRepeated("A message with this id has been published already.", resource_id=message_id)
    db.session.execute(delete(BufferedMessage).where(*same))


def _typed(declarations: Declarations, payload: Mapping[str, Any]) -> dict[str, Any]:
    """Values for declared names as the declared types, where they can be; a mapping may take the others."""
    typed = {}
    for name, value in payload.items():
        try:
            typed[name] = declarations.admit(name, value) if name in declarations.types else value
        except VariableRefused:
            typed[name] = value
    return typed


def _payload(variables: Mapping[str, Any] | None) -> dict[str, Any]:
    return {name: feel_value(name, value) for name, value in (variables or {}).items()}


def _time_to_live(text: Any) -> timedelta:
    duration = parse_duration(text) if isinstance(text, str) else text
    if duration is None:
        return DEFAULT_TTL
    now = business_now()
    return max(later_by(now, duration) - now, timedelta(0))
