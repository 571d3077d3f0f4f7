"""One step that opens or closes many tasks costs each of them what it costs among few, and sends as many statements."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select

from app.cases import deadlines
from app.cases.dossiers import open_case
from app.identity import register
from app.runtime import service as runtime
from app.runtime.models import TimerRow
from app.store.clock import business_now
from app.store.database import db
from app.work.models import ItemState, WorkItem
from tests.support.linear import Done, counted
from tests.unit.runtime.runtime_kit import boundary, doc, end, flow, line, mi, start, sub, timer, user, z

AREA = 77
FEW, MANY = 60, 240
OFFERED = z("assignmentDefinition", candidateGroups="marac-chair")
EACH = doc(line("u") + user("u", OFFERED, mi("=items", "i")))
# The same with a timer around each: a sub-process for each item.
INSIDE = start("s1") + end("e1") + flow("s1", "u", "e1") + user("u", OFFERED)
INSIDE += boundary("late", "u", timer("Duration", "P1D")) + end("e2") + flow("late", "e2")
TIMED = doc(line("each") + sub("each", mi("=items", "i") + INSIDE))


@pytest.fixture
def chair(app: Flask) -> Iterator[int]:
    with app.app_context():
        found = register.register_person("chair", "The Chair", area_key=AREA, roles=[("marac-chair", None)]).key
        db.session.commit()
        yield found


def published(by: int, xml: bytes) -> None:
    runtime.publish_release({"p.bpmn": xml}, area_key=AREA, by=by, allow_undeclared=True)
    db.session.commit()


def begun(number: int, by: int) -> int:
    key = runtime.start("p", {"items": list(range(number))}, area_key=AREA, by=by).key
    db.session.commit()
    db.session.remove()
    return key


def open_items(key: int) -> int:
    mine = WorkItem.instance_key == key, WorkItem.state == ItemState.OPEN
    return db.session.execute(select(func.count()).select_from(WorkItem).where(*mine)).scalar_one()


def alike(act: Callable[[int], Done]) -> None:
    """Many cost for each no more than few do."""
    few, many = act(FEW), act(MANY)
    assert many.statements == few.statements
    assert many.calls / MANY <= few.calls / FEW


@pytest.mark.parametrize("xml", [EACH, TIMED], ids=["each", "timed"])
def test_a_step_that_opens_or_cancels_many_tasks_costs_each_what_it_costs_among_few(chair: int, xml: bytes) -> None:
    published(chair, xml)
    begun(3, chair)  # whatever is read once
    instances: dict[int, int] = {}

    def opened(number: int) -> Done:
        def work() -> None:
            instances[number] = begun(number, chair)

        done = counted(work)
        assert open_items(instances[number]) == number
        return done

    def cancelled(number: int) -> Done:
        def work() -> None:
            runtime.cancel_instance(instances[number], by=chair)
            db.session.commit()

        done = counted(work)
        assert open_items(instances[number]) == 0
        return done

    alike(opened)
    alike(cancelled)
    mine = TimerRow.instance_key.in_(instances.values())
    assert not db.session.execute(select(TimerRow.task_id).where(mine)).all()


def test_a_deadline_that_many_tasks_are_due_by_is_moved_for_all_of_them_together(chair: int) -> None:
    published(
        chair, doc(line("u") + user("u", OFFERED + z("taskSchedule", dueDate='=deadline("x")'), mi("=items", "i")))
    )
    at = business_now() + timedelta(days=1)

    def moved(number: int) -> Done:
        case = open_case(AREA, "marac-case", by=chair, agency_key=None).key
        deadlines.record(case, "x", at, rule="r")
        key = runtime.start("p", {"items": list(range(number))}, area_key=AREA, by=chair, case_key=case).key
        db.session.commit()
        db.session.remove()
        later = at + timedelta(days=number)

        def work() -> None:
            deadlines.move(case, "x", later, by=chair, reason="so", rearm=runtime.rearm_deadline)
            db.session.commit()

        done = counted(work)
        mine = select(WorkItem.due_at).where(WorkItem.instance_key == key)
        assert set(db.session.execute(mine).scalars()) == {later}
        return done

    moved(3)
    alike(moved)
