"""Inside the server: one process, one thread, each verb with its commit. And the same again with many open instances."""

from __future__ import annotations

from typing import Any

from sqlalchemy import event, func, insert, select

from app.demo.acting import person
from app.runtime import releases
from app.runtime.models import Instance, InstanceStatus
from app.store.database import db, new_key, reading
from app.work import completion, inbox, items, starting
from app.work.models import ItemState, WorkItem
from bench import figures
from tests.support import relay
from tests.support.installation import Installation

ROUNDS = 100
GROWTH = (0, 10_000, 100_000)
FINISHED = (1_000, 10_000, 100_000)


class Bench:
    """One person's work, measured."""

    def __init__(self) -> None:
        self.statements = 0
        event.listen(db.engine, "before_cursor_execute", self._count)

    def _count(self, *_: Any) -> None:
        self.statements += 1

    def round(self, times: dict[str, list[tuple[float, float]]], statements: dict[str, int]) -> None:
        """Start, list, claim, complete."""
        who = person(relay.WHO)
        definition = releases.find_definition(who.area_key or 0, "relay", None)
        db.session.rollback()
        row: list[Instance] = []

        def start() -> None:
            row.append(starting.start_version(definition, who, {}))
            db.session.commit()

        def measure(name: str, work: Any) -> None:
            before = self.statements
            times.setdefault(name, []).append(figures.timed_both(work))
            statements[name] = self.statements - before

        measure("start", start)
        key = int(db.session.execute(select(WorkItem.key).where(WorkItem.instance_key == row[0].key)).scalar_one())
        db.session.commit()
        db.session.remove()

        def listing() -> None:
            with reading():
                assert inbox.search(who, view="team").rows
                db.session.rollback()

        def claim() -> None:
            items.claim(key, who)
            db.session.commit()

        def complete() -> None:
            completion.complete(key, who, {})
            db.session.commit()

        measure("list", listing)
        db.session.remove()
        measure("claim", claim)
        db.session.remove()
        measure("complete", complete)
        db.session.remove()


def grow(to: int, *, finished: bool = False) -> None:
    """Copy rows of instances and their tasks until there are so many (the first ones are real): open ones, offered to other people, or
    finished ones with both tasks done."""
    status = InstanceStatus.COMPLETED if finished else InstanceStatus.ACTIVE
    of_status = Instance.status == status
    have = int(db.session.execute(select(func.count()).select_from(Instance).where(of_status)).scalar_one())
    model = db.session.execute(select(Instance).where(of_status).order_by(Instance.key.desc()).limit(1)).scalar_one()
    query = select(WorkItem).where(WorkItem.instance_key == model.key).order_by(WorkItem.key)
    tasks = list(db.session.execute(query if finished else query.limit(1)).scalars())
    copies = [{column.name: getattr(task, column.key) for column in WorkItem.__table__.columns} for task in tasks]
    if not finished:
        copies[0].update(
            state="open", assignee=None, claimed_at=None, completed_at=None, completed_by=None, closed_at=None
        )
        copies[0].update(roles=["somebody-else"], candidate_users=[])
    values = {column.name: getattr(model, column.key) for column in Instance.__table__.columns}
    for first in range(have, to, 1_000):
        keys = [new_key() for _ in range(min(1_000, to - first))]
        rows = [{**values, "key": key, "next_due": None} for key in keys]
        db.session.execute(insert(Instance.__table__), rows)  # type: ignore[arg-type]
        items_ = [{**copy, "key": new_key(), "instance_key": key} for key in keys for copy in copies]
        db.session.execute(insert(WorkItem.__table__), items_)  # type: ignore[arg-type]
        db.session.commit()


def finish_one() -> None:
    """One real finished instance, to copy."""
    who = person(relay.WHO)
    definition = releases.find_definition(who.area_key or 0, "relay", None)
    row = starting.start_version(definition, who, {})
    query = select(WorkItem.key).where(WorkItem.instance_key == row.key, WorkItem.state == ItemState.OPEN)
    while (key := db.session.execute(query).scalar()) is not None:
        completion.complete(key, who, {})
    db.session.commit()
    db.session.remove()


def run(name: str, installation: Installation) -> list[str]:
    """The tables of one database."""
    told: list[str] = []
    with installation.app():
        bench = Bench()
        bench.round({}, {})  # caches are filled
        rows = []
        for number, finished in [*((number, False) for number in GROWTH), *((number, True) for number in FINISHED)]:
            if finished:
                finish_one()
            if number:
                grow(number, finished=finished)
            times: dict[str, list[tuple[float, float]]] = {}
            statements: dict[str, int] = {}
            for _ in range(ROUNDS):
                bench.round(times, statements)
            rows += [
                figures.row(
                    f"{verb}, {number:,} {'finished besides' if finished else 'open'}" if number else verb,
                    [wall for wall, _ in values],
                    figures.median(cpu for _, cpu in values),
                    str(statements[verb]),
                )
                for verb, values in times.items()
            ]
        told.append(figures.table(f"Inside the server, {name}", (*figures.DURATIONS, "p50 CPU ms", "Statements"), rows))
    return told
