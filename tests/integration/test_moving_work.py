"""What a move does to the work list: offered to others, four eyes, drafts; and what is kept of a case that has moved."""

from __future__ import annotations

from itertools import pairwise

import pytest
from flask import Flask
from sqlalchemy import select

from app.access.permissions import Permission
from app.agencies.models import Area
from app.demo import story
from app.demo.acting import person
from app.runtime import releases
from app.runtime import service as runtime
from app.runtime.models import Instance
from app.runtime.moving import ItemState, MovedInstance
from app.store.database import db
from app.work import completion, drafts, items
from app.work.eligibility import allowed, barred
from app.work.models import ItemState as Open
from app.work.models import WorkItem
from app.workshop import moves, planning
from app.workshop.asking import by_versions
from tests.support import releases as redrawn
from tests.support.hours import Time

HEAD = (
    '<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" '
    'xmlns:zeebe="http://camunda.org/schema/zeebe/1.0" id="D" targetNamespace="x">'
    '<bpmn:process id="p" isExecutable="true">'
)


def task(element: str, groups: str, **properties: str) -> str:
    said = "".join(f'<zeebe:property name="{name}" value="{value}"/>' for name, value in properties.items())
    return (
        f'<bpmn:userTask id="{element}" name="{element}"><bpmn:extensionElements><zeebe:userTask/>'
        f'<zeebe:assignmentDefinition candidateGroups="{groups}"/><zeebe:properties>{said}</zeebe:properties>'
        "</bpmn:extensionElements></bpmn:userTask>"
    )


def publish(*tasks: str) -> None:
    ids = ["Start", *(each.split('id="')[1].split('"')[0] for each in tasks), "End"]
    flows = "".join(
        f'<bpmn:sequenceFlow id="f{n}" sourceRef="{a}" targetRef="{b}"/>' for n, (a, b) in enumerate(pairwise(ids))
    )
    xml = f'{HEAD}<bpmn:startEvent id="Start"/>{"".join(tasks)}<bpmn:endEvent id="End"/>{flows}</bpmn:process></bpmn:definitions>'
    releases.publish_release({"p.bpmn": xml.encode()}, area_key=area(), by=person("olive").key, allow_undeclared=True)
    db.session.commit()


def area() -> int:
    return int(db.session.execute(select(Area.key)).scalar_one())


def begin() -> Instance:
    made = runtime.start("p", {}, area_key=area(), by=person("olive").key)
    db.session.commit()
    return made


def item(element: str) -> WorkItem:
    query = select(WorkItem).where(WorkItem.element_id == element, WorkItem.process_id == "p")
    return db.session.execute(query.execution_options(populate_existing=True)).scalar_one()


def move(hours: Time, process_id: str = "p", **more: object) -> int:
    """Move everything to the newest version; the move's key."""
    row = moves.start(person("olive"), by_versions(area(), process_id, None, None, **more))  # type: ignore[arg-type]
    db.session.commit()
    settle(hours)
    return row.key


def undo(hours: Time, key: int) -> moves.Progress:
    moves.undo(person("olive"), key)
    db.session.commit()
    settle(hours)
    return moves.progress(person("olive"), key)


def settle(hours: Time) -> None:
    hours.settle()
    db.session.rollback()
    db.session.expire_all()


@pytest.fixture
def inside(borough: Flask) -> object:
    with borough.app_context():
        yield borough


@pytest.mark.usefixtures("inside")
def test_a_task_whose_role_changes_is_offered_to_the_new_role_and_back(hours: Time) -> None:
    publish(task("Ask", "idva"))
    begin()
    items.claim(item("Ask").key, person("ida"))
    db.session.commit()
    publish(task("Ask", "marac-coordinator"))
    told = planning.plan(person("olive"), by_versions(area(), "p", None, None)).cases[0].plan
    assert (told.tasks[0].reoffered, told.tasks[0].changed) == (True, ("assignment",))
    key = move(hours)
    assert (item("Ask").assignee, item("Ask").roles) == (None, ["marac-coordinator"])
    assert allowed(person("cora"), Permission.WORK_ITEM_CLAIM, item("Ask"))
    assert not allowed(person("ida"), Permission.WORK_ITEM_SEE, item("Ask"))
    assert undo(hours, key).undone == 1
    assert (item("Ask").assignee, item("Ask").roles) == (person("ida").key, ["idva"])
    assert allowed(person("ida"), Permission.WORK_ITEM_COMPLETE, item("Ask"))
    assert not allowed(person("cora"), Permission.WORK_ITEM_CLAIM, item("Ask"))


@pytest.mark.usefixtures("inside")
def test_whoever_may_still_have_the_task_keeps_it(hours: Time) -> None:
    publish(task("Ask", "idva"))
    begin()
    items.claim(item("Ask").key, person("ida"))
    db.session.commit()
    publish(task("Ask", "marac-coordinator,idva"))
    move(hours)
    assert (item("Ask").assignee, item("Ask").roles) == (person("ida").key, ["marac-coordinator", "idva"])


@pytest.mark.usefixtures("inside")
def test_a_move_is_not_undone_under_the_hands_of_whoever_has_taken_the_task_since(hours: Time) -> None:
    publish(task("Ask", "idva"))
    begin()
    publish(task("Ask", "marac-coordinator"))
    key = move(hours)
    items.claim(item("Ask").key, person("cora"))
    db.session.commit()
    told = undo(hours, key)
    assert (told.undone, told.moved, told.can_go_back) == (0, 1, 0)
    assert told.refusals[0].why == "Somebody has taken one of its tasks since, or given it back."
    assert item("Ask").assignee == person("cora").key


@pytest.mark.usefixtures("inside")
def test_four_eyes_hold_across_a_move_that_renames_both_tasks(hours: Time) -> None:
    publish(task("Draft", "idva"), task("Check", "idva", separateFrom="Draft", basis="here"))
    begin()
    completion.complete(item("Draft").key, person("ida"), {})
    db.session.commit()
    assert person("ida").key in barred(item("Check"))
    publish(task("Write", "idva"), task("Read", "idva", separateFrom="Write", basis="there"))
    key = move(hours, mapping={"Draft": "Write", "Check": "Read"})
    assert barred(item("Read")) == {person("ida").key}
    assert item("Read").basis == "there"
    assert item("Write").state == Open.COMPLETED
    assert [item("Write").stood_at(name) for name in ("Write", "Draft", "Check")] == [True, True, False]
    undo(hours, key)
    assert barred(item("Check")) == {person("ida").key}
    assert item("Check").basis == "here"
    assert "formerElements" not in item("Draft").properties


@pytest.mark.usefixtures("inside")
def test_a_plan_says_when_four_eyes_would_be_lost(hours: Time) -> None:
    publish(task("Draft", "idva"), task("Check", "idva", separateFrom="Draft"))
    begin()
    completion.complete(item("Draft").key, person("ida"), {})
    db.session.commit()
    publish(task("Draft", "idva"), task("Check", "idva"))
    told = planning.plan(person("olive"), by_versions(area(), "p", None, None)).cases[0].plan
    assert told.notes == ["“Check” (Check) is kept separate from Draft now, and would be from no other task."]


@pytest.mark.usefixtures("inside")
def test_a_case_that_cannot_move_stays_and_says_why_and_the_others_move(hours: Time) -> None:
    publish(task("First", "idva"), task("Second", "idva"))
    stays, goes = begin(), begin()
    publish(task("Second", "idva"), task("Third", "idva"))
    for row in list(db.session.execute(select(WorkItem).where(WorkItem.instance_key == goes.key)).scalars()):
        completion.complete(row.key, person("ida"), {})
    db.session.commit()
    key = move(hours)
    told = moves.progress(person("olive"), key)
    assert (told.moved, told.failed, told.waiting) == (1, 1, 0)
    assert told.refusals[0].instance_key == stays.key
    assert told.refusals[0].why.startswith("“First” (First) is open, and is not in the other release.")
    assert releases.definition(runtime.instance(stays.key).definition_key).version == 1
    assert releases.definition(runtime.instance(goes.key).definition_key).version == 2


@pytest.mark.usefixtures("inside")
def test_a_mapping_that_fits_one_version_only_is_told_case_by_case(hours: Time) -> None:
    publish(task("First", "idva"))
    old = begin()
    publish(task("Second", "idva"))
    newer = begin()
    publish(task("Third", "idva"))
    asked = by_versions(area(), "p", None, None, mapping={"First": "Third"})
    told = {each.plan.instance_key: each.plan for each in planning.plan(person("olive"), asked).cases}
    assert told[old.key].can_move
    assert told[newer.key].why.startswith("There is no element First in the release that the cases run on.")
    key = move(hours, mapping={"First": "Third"})
    progress = moves.progress(person("olive"), key)
    assert (progress.moved, progress.failed) == (1, 1)


@pytest.mark.usefixtures("inside")
def test_undoing_a_move_that_has_not_begun_leaves_every_case_where_it_is(hours: Time) -> None:
    publish(task("Ask", "idva"))
    instance = begin()
    publish(task("Ask", "marac-coordinator"))
    row = moves.start(person("olive"), by_versions(area(), "p", None, None))
    moves.undo(person("olive"), row.key)
    db.session.commit()
    settle(hours)
    told = moves.progress(person("olive"), row.key)
    assert (told.moved, told.undone, told.state) == (0, 1, "undone")
    assert releases.definition(runtime.instance(instance.key).definition_key).version == 1


@pytest.mark.usefixtures("inside")
def test_typed_answers_are_never_left_without_a_form(borough: Flask, hours: Time) -> None:
    story.begin(borough, 0)
    contact = db.session.execute(select(WorkItem).where(WorkItem.element_id == "ContactVictim")).scalar_one()
    items.claim(contact.key, person("ida"))
    drafts.save(contact, person("ida"), {"contactOutcome": "REACHED"})
    form = '<zeebe:formDefinition formId="marac-idva-contact" />'
    redrawn.redraw(redrawn.changed(redrawn.shipped(), redrawn.CASE, (form, "")))
    db.session.commit()
    told = planning.plan(person("olive"), by_versions(area(), "marac-case", None, None)).cases[0].plan
    assert [each.message for each in told.obstacles] == [
        "Somebody has typed answers for Contact the victim safely, which has no form in the other release."
    ]
    key = move(hours, "marac-case")
    told_ = moves.progress(person("olive"), key)
    assert told_.failed == 1
    assert "Somebody has typed answers for a task that would have no form" in told_.refusals[0].why
    assert drafts.load(contact, person("ida")) is not None


@pytest.mark.usefixtures("inside")
def test_what_a_case_was_before_is_not_kept_longer_than_it_can_go_back(hours: Time) -> None:
    publish(task("Ask", "idva"), task("Then", "idva"))
    gone_on, waits = begin(), begin()
    publish(task("Ask", "idva"), task("Then", "idva"), task("Last", "idva"))
    key = move(hours)
    first = db.session.execute(select(WorkItem).where(WorkItem.instance_key == gone_on.key)).scalar_one()
    completion.complete(first.key, person("ida"), {})
    db.session.commit()

    def kept() -> dict[int, bool]:
        rows = db.session.execute(select(MovedInstance).execution_options(populate_existing=True)).scalars()
        return {row.instance_key: row.before_state is not None for row in rows}

    assert kept() == {gone_on.key: True, waits.key: True}
    db.session.rollback()
    hours.advance(days=1, minutes=1)
    db.session.rollback()
    assert kept() == {gone_on.key: False, waits.key: True}
    db.session.rollback()
    hours.advance(days=31)
    db.session.rollback()
    assert kept() == {gone_on.key: False, waits.key: False}
    assert {each.state for each in moves.items(person("olive"), key)} == {ItemState.MOVED}
