"""Messages between instances, and from outside: correlated, starting instances, or kept for their time to live.

What becomes of those that are kept is in :mod:`app.runtime.kept`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import delete, select

from app.feel.temporal_text import parse_duration
from app.runtime import addressees, codec, releases, rendezvous, starting
from app.runtime.addressees import Addressee
from app.runtime.ahead import may_wait
from app.runtime.declarations import Declarations, feel_value
from app.runtime.engine.host import Posted
from app.runtime.errors import InstanceEnded, MessageRepeated, NobodyWaiting, VariableRefused
from app.runtime.language import later as later_by
from app.runtime.models import BufferedMessage, Instance, InstanceStatus
from app.runtime.step import Unsettled, goes_on, step
from app.runtime.turn import is_busy, turn
from app.store.clock import business_now
from app.store.database import db

DEFAULT_TTL = timedelta(hours=1)
WITHOUT_END = datetime(9999, 12, 31, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a message comes from: instances that it starts belong to the same case and meeting.

    :ivar release_key: of the diagram that sends it; None from outside.
    """

    area_key: int
    case_key: int | None = None
    meeting_key: int | None = None
    instance_key: int | None = None
    release_key: int | None = None

    @property
    def waits_its_turn(self) -> bool:
        """Whether a message with a key waits while an instance that such a message started is active."""
        return self.release_key is None or releases.one_per_key(self.release_key)


@dataclass(frozen=True, slots=True)
class Receiver:
    """One instance that a message reached.

    :param started: the message started it.
    """

    instance_key: int
    started: bool


@dataclass(slots=True)
class Handed:
    """Whom a message went to.

    :ivar taken_by: the ids of the processes that waited for it.
    :ivar started: the ids of those that it started.
    :ivar held_for: the ids of those that it starts when their active instance of its key has ended.
    """

    reached: list[Receiver] = field(default_factory=list)
    taken_by: list[str] = field(default_factory=list)
    started: list[str] = field(default_factory=list)
    held_for: list[str] = field(default_factory=list)


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
    payload = payload_of(variables)
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
        reached = _deliver(Origin(area_key), name, correlation_key, payload_of(variables), timedelta(0), None)
    if not reached:
        raise NobodyWaiting("Nobody waits for this message.", resource_id=name)
    return reached


# ------------------------------------------------------------------------------------------------ delivery
def send(origin: Origin, posted: Posted) -> list[Receiver]:
    """A message that an instance or an operation sent."""
    ttl = _time_to_live(posted.ttl)
    return _deliver(
        origin,
        posted.name,
        posted.key,
        dict(posted.payload),
        DEFAULT_TTL if ttl is None else ttl,
        None,
        patient=ttl is None,
    )


def _deliver(
    origin: Origin,
    name: str,
    key: str,
    payload: dict[str, Any],
    ttl: timedelta,
    message_id: str | None,
    *,
    patient: bool = False,
) -> list[Receiver]:
    now = business_now()
    if message_id is not None:
        _lock_first(origin, name, key)
        rendezvous.to_keep(origin.area_key, name, key)
        addressees.ask_anew(origin.area_key, name, key)
        _refuse_repeated(origin.area_key, name, key, message_id, now)
    handed = _hand_out(origin, name, key, payload)
    kept = ttl > timedelta(0)
    if kept and not handed.reached and message_id is None and rendezvous.to_keep(origin.area_key, name, key):
        addressees.ask_anew(origin.area_key, name, key)
        handed = _hand_out(origin, name, key, payload)  # somebody has begun to wait meanwhile
    if not kept:
        return handed.reached
    had = handed.taken_by + handed.started
    row = BufferedMessage(
        area_key=origin.area_key,
        name=name,
        correlation_key=key,
        message_id=message_id,
        payload=codec.pack(payload),
        case_key=origin.case_key,
        meeting_key=origin.meeting_key,
        taken_by=had,
        published_at=now,
        expires_at=WITHOUT_END if patient and handed.held_for else now + ttl,
        held_for=handed.held_for or None,
        patient=patient or None,
    )
    if handed.reached and not handed.held_for:
        row.late_for = _stopped(row, handed)
        if row.late_for is None and message_id is None:
            return handed.reached
        if row.late_for is None and not handed.taken_by:
            row.taken_by = ["*"]
    db.session.add(row)
    return handed.reached


def _stopped(row: BufferedMessage, handed: Handed) -> dict[str, Any] | None:
    """Somebody has it. Each process may have it once: which instances of others have stopped before they wait for it."""
    if not any(may_wait(one.instance_key, row.name) - {*row.taken_by} for one in handed.reached):
        return None
    from app.runtime import heldup

    return heldup.stopped_before(row, {one.instance_key for one in handed.reached}) or None


def _lock_first(origin: Origin, name: str, key: str) -> None:
    """What a message with an id may start is locked before it is kept, as it is for one without: two never wait for one another. Who waits
    for the message takes it, and is locked by then when it ends."""
    waiting, starts = addressees.of(origin.area_key, name, key)
    if key and starts and not waiting and origin.waits_its_turn:
        rendezvous.to_begin(origin.area_key, name, key, {found.process_id for found in starts})


def _hand_out(origin: Origin, name: str, key: str, payload: dict[str, Any]) -> Handed:
    """To each process that waits once, and to what it starts. With a key a process takes it once, and is started when none of its instances
    is active that such a message started (Camunda 8: message cardinality)."""
    handed = Handed()
    waiting, starts = addressees.of(origin.area_key, name, key)
    for found in waiting:
        if found.process_id not in handed.taken_by and give(found, name, key, payload):
            handed.taken_by.append(found.process_id)
            handed.reached.append(Receiver(found.key, False))
    one_by_one = bool(key and starts) and origin.waits_its_turn
    if one_by_one:
        starts = [found for found in starts if found.process_id not in handed.taken_by]
        rendezvous.to_begin(origin.area_key, name, key, {found.process_id for found in starts})
    held_up = busy(origin.area_key, key, {found.process_id for found in starts}) if one_by_one else ()
    for found in starts:
        if found.process_id in held_up:
            handed.held_for.append(found.process_id)
        else:
            handed.reached.append(start_one(origin, found, payload, key if one_by_one else ""))
            handed.started.append(found.process_id)
    return handed


def busy(area_key: int, key: str, process_ids: Collection[str]) -> set[str]:
    """Of which processes an instance is active that a message of this key started. A lock on process and key comes before."""
    query = select(Instance.process_id).where(
        Instance.area_key == area_key,
        Instance.process_id.in_(sorted(process_ids)),
        Instance.correlation_key == key,
        Instance.status == InstanceStatus.ACTIVE,
    )
    return set(db.session.execute(query).scalars())


def give(found: Addressee, name: str, key: str, payload: dict[str, Any]) -> bool:
    """Deliver to one waiting task, or to the one that took its place while we waited for the instance.

    False: nobody waits there now.
    """
    if not goes_on(found.key):
        return False
    with suppress(InstanceEnded), step(found.key, unsettled=Unsettled.STANDS) as taken:  # ended by what it had accepted
        typed = _typed(taken.world.release.diagrams.processes[found.process_id].declarations, payload)
        given = taken.wf.deliver(found.task_id, name, typed) or taken.wf.event_manager.deliver_message(name, key, typed)
        if given:
            taken.wf.advance()
        else:
            taken.unchanged = True
        return given
    return False


def start_one(origin: Origin, found: Addressee, payload: dict[str, Any], key: str = "") -> Receiver:
    """A message or signal starts an instance.

    :param key: of a message that no other of its key may follow before the instance has ended.
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
        correlation_key=key or None,
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


def payload_of(variables: Mapping[str, Any] | None) -> dict[str, Any]:
    return {name: feel_value(name, value) for name, value in (variables or {}).items()}


def _time_to_live(text: Any) -> timedelta | None:
    duration = parse_duration(text) if isinstance(text, str) else text
    if duration is None:
        return None
    now = business_now()
    return max(later_by(now, duration) - now, timedelta(0))
