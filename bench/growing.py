"""What grows: a completion late in a long life costs what one early costs; the work list's page costs the same however much is open."""

from __future__ import annotations

from sqlalchemy import select

from app.demo.acting import person
from app.factory import create_app
from app.runtime import releases
from app.store.database import db
from app.work import completion, starting
from app.work.models import WorkItem
from bench import figures, inside
from tests.support import relay
from tests.support.browser import BASE, Browser
from tests.support.installation import Installation
from tests.unit.runtime.runtime_kit import doc, el, end, flow, start, user

LIVES = (10, 10_000)
MEASURED = 100
OPEN = (0, 100_000)
LOOP = doc(
    el("exclusiveGateway", "again")
    + user("ask")
    + el("exclusiveGateway", "more", default="back")
    + start()
    + end()
    + flow("s", "again", "ask", "more")
    + flow("more", "again", id="back")
    + flow("more", "e", cond="=false"),
    pid="loop",
).decode()


def run(name: str, installation: Installation) -> list[str]:
    """The tables of one database."""
    with installation.app():
        lives = _lives()
    pages = []
    for number in OPEN:
        if number:
            with installation.app():
                inside.grow(number)
        pages.append(_page(installation, number))
    heads = (*figures.DURATIONS, "p50 CPU ms")
    return [
        figures.table(f"A completion in a long life, {name}", heads, lives),
        figures.table(f"The work list's page, from request to answer, {name}", heads, pages),
    ]


def _lives() -> list[tuple[str, ...]]:
    """One instance that asks the same again and again."""
    relay.publish(LOOP)
    who = person(relay.WHO)
    definition = releases.find_definition(who.area_key or 0, "loop", None)
    instance = starting.start_version(definition, who, {}).key
    db.session.commit()
    rows, done = [], 0
    for life in LIVES:
        while done < life:
            _complete_one(instance)
            done += 1
        times = [_complete_one(instance) for _ in range(MEASURED)]
        done += MEASURED
        rows.append(
            figures.row(
                f"complete, after {life:,} completions",
                [wall for wall, _ in times],
                figures.median(cpu for _, cpu in times),
            )
        )
    return rows


def _complete_one(instance: int) -> tuple[float, float]:
    # Found among what is open: going through all that the instance has done leaves nothing else in the processor's memory.
    who = person(relay.WHO)
    here = WorkItem.is_open(), WorkItem.area_key == who.area_key, WorkItem.instance_key == instance
    key = int(db.session.execute(select(WorkItem.key).where(*here)).scalar_one())
    db.session.rollback()
    db.session.remove()

    def complete() -> None:
        completion.complete(key, who, {})
        db.session.commit()

    times = figures.timed_both(complete)
    db.session.remove()
    return times


def _page(installation: Installation, number: int) -> tuple[str, ...]:
    """The team's list of somebody who has a few tasks, signed in; the whole request without the network."""
    app = create_app(installation.settings(base_url=BASE))
    client = Browser(app, relay.WHO).sign_in().client

    def look() -> None:
        assert b"<h1" in client.get("/work?view=team", base_url=BASE).data

    for _ in range(5):
        look()
    times = [figures.timed_both(look) for _ in range(MEASURED)]
    with app.app_context():
        db.session.remove()
        db.engine.dispose()
    return figures.row(
        f"{number:,} open besides" if number else "nothing else open",
        [wall for wall, _ in times],
        figures.median(cpu for _, cpu in times),
    )
