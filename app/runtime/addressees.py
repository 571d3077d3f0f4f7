"""Whom a message goes to: those who wait for it, and what it starts. Several messages of a turn are asked about in one question."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, NamedTuple

from sqlalchemy import bindparam, literal, null, select, union_all

from app.runtime.models import Instance, StartKind, StartSubscription, Subscription
from app.runtime.ports import ports
from app.runtime.turn import Turn, hold_after_waiting, locked, turn
from app.store.database import db
from app.store.flushing import untouched, waiting_rows

AT_ONCE = 2_000  # messages in one question: a database takes only so many parameters


@dataclass(frozen=True, slots=True)
class Addressee:
    """Somebody that a message may go to: a task of an instance, or a start event of a definition."""

    key: int
    task_id: int
    element_id: str
    process_id: str


# Built once: it is asked at every message. Several are asked about in one question.
_NAMED: Any = bindparam("messages", expanding=True)
_ADDRESSEES: Any = union_all(
    select(
        literal(0).label("starts"),
        Subscription.message,
        Subscription.correlation_key,
        Subscription.instance_key.label("key"),
        Subscription.task_id,
        Subscription.event_id.label("element_id"),
        Subscription.process_id,
        Subscription.opened_at,
    ).where(
        Subscription.area_key == bindparam("area"),
        Subscription.message.in_(_NAMED),
        Subscription.correlation_key.in_(bindparam("correlations", expanding=True)),
        Subscription.kind == StartKind.MESSAGE,
    ),
    select(
        literal(1),
        StartSubscription.name,
        null(),
        StartSubscription.definition_key,
        literal(0),
        StartSubscription.element_id,
        StartSubscription.process_id,
        null(),
    ).where(
        StartSubscription.area_key == bindparam("area"),
        StartSubscription.kind == StartKind.MESSAGE,
        StartSubscription.name.in_(_NAMED),
    ),
)


Waiting = tuple[list[Addressee], list[Addressee]]


def expect(running: Turn, area_key: int, name: str, key: str) -> None:
    """A message is about to be delivered: whom it goes to is asked for together with the others of the turn."""
    running.expected.setdefault(area_key, {})[(name, key)] = None


def ask_anew(area_key: int, name: str, key: str) -> None:
    """What was asked before a lock was waited for is not relied on."""
    with turn() as running:
        running.expected.get(area_key, {}).pop((name, key), None)


def of(area_key: int, name: str, key: str) -> Waiting:
    """Who waits for a message, longest first, and what it starts; asked anew each time, or in one question with what is expected next."""
    with turn() as running:
        expected = running.expected.setdefault(area_key, {})
        found: Waiting | None = expected.pop((name, key), None)
        if found is not None:
            return found
        next_ = (each for each, known in expected.items() if known is None)
        together = [(name, key), *islice(next_, AT_ONCE - 1)]
        answers = _ask(area_key, together)
        expected.update(answers)
        del expected[(name, key)]
        if len(together) > 1:
            lock({found.key for waiting, _ in answers.values() for found in waiting} - running.active)
        return answers[(name, key)]


class _Fresh(NamedTuple):
    """A subscription that waits to be written, as the question would find it."""

    starts: int
    message: str
    correlation_key: str
    key: int
    task_id: int
    element_id: str
    process_id: str
    opened_at: datetime

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> _Fresh:
        about = row["message"], row["correlation_key"], row["instance_key"], row["task_id"], row["event_id"]
        return cls(0, *about, row["process_id"], row["opened_at"])


def _ask(area_key: int, wanted: list[tuple[str, str]]) -> dict[tuple[str, str], Waiting]:
    names, keys = {name for name, _ in wanted}, {key for _, key in wanted}
    asked = {"area": area_key, "messages": sorted(names), "correlations": sorted(keys)}
    fresh, gone = waiting_rows(Subscription)
    left = {(match["instance_key"], match["task_id"], match["event_id"]) for match in gone}
    with untouched():  # what waits to be written is laid over the answer
        found_rows: list[Any] = list(db.session.execute(_ADDRESSEES, asked))
    rows: list[Any] = [row for row in found_rows if row.starts or (row.key, row.task_id, row.element_id) not in left]
    rows += [_Fresh.of(row) for row in fresh if row["area_key"] == area_key and row["kind"] == StartKind.MESSAGE]
    starts: dict[str, list[Any]] = {}
    waiting: dict[tuple[str, str], list[Any]] = {}
    for row in rows:
        if row.starts:
            starts.setdefault(row.message, []).append(row)
        else:
            waiting.setdefault((row.message, row.correlation_key), []).append(row)
    found: dict[tuple[str, str], Waiting] = {}
    for name, key in wanted:
        tasks = sorted(waiting.get((name, key), ()), key=lambda row: (row.opened_at, row.key, row.task_id))
        found[(name, key)] = (
            [Addressee(row.key, row.task_id, row.element_id, row.process_id) for row in tasks],
            [Addressee(row.key, 0, row.element_id, row.process_id) for row in starts.get(name, ())],
        )
    return found


def lock(instance_keys: Iterable[int]) -> None:
    """Lock and load the instances that several messages go to, and what their steps ask for in any case."""
    wanted = sorted(key for key in instance_keys if locked(key) is None)
    if not wanted:
        return
    query = select(Instance).where(Instance.key.in_(wanted)).order_by(Instance.key)
    with db.session.no_autoflush:  # none of them has been touched
        rows = list(db.session.execute(query.with_for_update().execution_options(populate_existing=True)).scalars())
    hold_after_waiting(rows)
    ports.deadlines.expect([(row.case_key, row.meeting_key) for row in rows])
    ports.user_tasks.expect(wanted)
