"""Very many things in one step: tasks opened, completed and cancelled by the thousand in one instance; a signal that many wait for."""

from __future__ import annotations

import gc
from collections.abc import Callable

from sqlalchemy import select

from app.demo.acting import person
from app.runtime import releases
from app.runtime import service as runtime
from app.store.database import db
from app.work import completion, starting
from app.work.models import ItemState, WorkItem
from bench import figures
from tests.support import relay
from tests.support.installation import Installation
from tests.unit.runtime.runtime_kit import doc, el, end, flow, line, mi, sig, start, sub, user

TASKS = (100, 1_000, 10_000)
AT_MOST = 2_000  # instances of one activity: more are drawn as several times as many
WAITING = (100, 1_000)
ROUNDS = 5
EACH = doc(
    sub(
        "groups",
        start("gs")
        + user("u", inner=mi("=group", "item"))
        + end("ge")
        + flow("gs", "u", "ge")
        + mi("=groups", "group"),
    )
    + line("groups"),
    pid="each",
).decode()
BELL = doc(el("intermediateCatchEvent", "w", inner=sig()) + user("woken") + line("w", "woken"), pid="bell").decode()


def run(name: str, installation: Installation) -> list[str]:
    """The table of one database."""
    rows = []
    with installation.app():
        relay.publish(EACH)
        relay.publish(BELL)
        _tasks(10)  # caches are filled
        for number in TASKS:
            rows += _tasks(number)
        for number in WAITING:
            rows.append(_signal(number))
    return [figures.table(f"Very many at once, {name}", ("What", "ms", "CPU ms"), rows)]


def _started(process_id: str, variables: dict[str, object]) -> int:
    who = person(relay.WHO)
    row = starting.start_version(releases.find_definition(who.area_key or 0, process_id, None), who, variables)
    db.session.commit()
    return row.key


def _tasks(number: int) -> list[tuple[str, ...]]:
    groups = [list(range(min(AT_MOST, number - first))) for first in range(0, number, AT_MOST)]
    made: list[int] = []
    opened = _row(f"open {number:,} tasks", lambda: made.append(_started("each", {"groups": groups})))
    completed = min((_completed(made[0]) for _ in range(ROUNDS)), key=lambda times: times[1])
    cancelled = _row(f"cancel an instance of {number:,} open tasks", lambda: _cancel(made[0]))
    return [opened, _told(f"complete one of {number:,} open tasks", completed), cancelled]


def _completed(instance: int) -> tuple[float, float]:
    open_ = select(WorkItem.key).where(WorkItem.instance_key == instance, WorkItem.state == ItemState.OPEN)
    key = int(db.session.execute(open_.limit(1)).scalar_one())
    who = person(relay.WHO)
    _forget()

    def complete() -> None:
        completion.complete(key, who, {})
        db.session.commit()

    return figures.timed_both(complete)


def _cancel(instance: int) -> None:
    runtime.cancel_instance(instance, by=None)
    db.session.commit()


def _signal(number: int) -> tuple[str, ...]:
    for _ in range(number):
        _started("bell", {})
        _forget()
    area = person(relay.WHO).area_key or 0

    def ring() -> None:
        runtime.broadcast_signal("alarm", {}, area_key=area)
        db.session.commit()

    return _row(f"a signal that {number:,} instances wait for, for its sender", ring)


def _row(what: str, work: Callable[[], object]) -> tuple[str, ...]:
    _forget()
    return _told(what, figures.timed_both(work))


def _told(what: str, times: tuple[float, float]) -> tuple[str, ...]:
    return what, f"{times[0]:,.0f}", f"{times[1]:,.0f}"


def _forget() -> None:
    """What came before is not to be tidied up in the time of what comes next."""
    db.session.rollback()
    db.session.remove()
    gc.collect()
    gc.freeze()
