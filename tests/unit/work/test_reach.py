"""What a person's lists reach, on both databases: exactly what the rule says of each task, whoever asks."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import event, select

from app.access import decide
from app.access.facts import ItemFacts
from app.access.items import AGENCY_LEADS, AREA_LEADS, is_candidate, still_holds
from app.access.permissions import Permission
from app.cases.models import Case, ConflictOfInterest, Dossier, DossierKind
from app.identity.models import RoleGrant, User
from app.identity.person import Person
from app.store.clock import business_now
from app.store.database import db
from app.work import inbox, reach
from app.work.eligibility import item_facts
from app.work.models import ItemState, WorkItem
from app.work.overview import overview

AREAS = (1, 2)
AGENCIES = (11, 12)
PEOPLE = (101, 102)
CASES = (201, 202)
MEETINGS = {201: 301}  # of the cases that are listed for one
GIVEN_UP = datetime(2026, 1, 9, tzinfo=UTC)  # when roles that people held once ended
ROLES = ("agency-spoc", "authorising-manager", "marac-coordinator", "deputy-chair", "idva", "a stranger’s role")

agencies = st.none() | st.sampled_from(AGENCIES)
people = st.builds(
    Person,
    key=st.sampled_from(PEOPLE),
    username=st.just("somebody"),
    name=st.just("Somebody"),
    agency_key=agencies,
    area_key=st.none() | st.sampled_from(AREAS),
    roles=st.frozensets(st.tuples(st.sampled_from(ROLES), agencies), max_size=4),
)
tasks = st.fixed_dictionaries(
    {
        "area_key": st.sampled_from(AREAS),
        "agency_key": agencies,
        "case_key": st.none() | st.sampled_from(CASES),
        "roles": st.lists(st.sampled_from(ROLES), max_size=2, unique=True),
        "candidate_users": st.lists(st.sampled_from(PEOPLE), max_size=1),
        "assignee": st.none() | st.sampled_from(PEOPLE),
        "claimed_at": st.sampled_from([None, GIVEN_UP - timedelta(days=1), GIVEN_UP + timedelta(days=1)]),
        "taken_by": st.none() | st.sampled_from(PEOPLE),
        "completed_by": st.none() | st.sampled_from(PEOPLE),
        "properties": st.sampled_from([{}, {"sheet": "research"}, {"sheet": "another", "research": "sheet"}]),
        "state": st.sampled_from([ItemState.OPEN, ItemState.OPEN, ItemState.OPEN, ItemState.COMPLETED]),
    }
)
conflicts = st.lists(
    st.tuples(st.sampled_from(CASES), st.none() | st.sampled_from(PEOPLE), agencies, st.booleans()), max_size=3
)


grants = st.lists(st.tuples(st.sampled_from(PEOPLE), st.sampled_from(ROLES), agencies), max_size=3)  # held once


@pytest.fixture(scope="module")
def world(on_each: Flask) -> Flask:
    """Two cases, and two people."""
    for key in PEOPLE:
        db.session.add(User(key=key, username=f"u{key}", name="Somebody", created_at=business_now()))
    for number, key in enumerate(CASES):
        db.session.add(Dossier(key=key, kind=DossierKind.CASE, area_key=1, created_at=business_now()))
        db.session.flush()
        named = {"reference": f"C{number}", "procedure": "p", "created_by": 1, "created_at": business_now()}
        db.session.add(Case(key=key, area_key=1, meeting_key=MEETINGS.get(key), **named))
    db.session.commit()
    return on_each


def _written(
    asked: list[dict[str, object]],
    ruled: list[tuple[int, int | None, int | None, bool]],
    held: list[tuple[int, str, int | None]],
) -> list[WorkItem]:
    rows = []
    for user_key, role, agency_key in held:
        first = GIVEN_UP - timedelta(days=9)
        db.session.add(RoleGrant(user_key=user_key, role=role, agency_key=agency_key, from_at=first, to_at=GIVEN_UP))
    for number, values in enumerate(asked):
        item = WorkItem(
            instance_key=1,
            task_id=number,
            process_id="p",
            element_id="e",
            name="Task",
            release_key=1,
            created_at=business_now(),
            **values,
        )
        db.session.add(item)
        rows.append(item)
    for case_key, user_key, agency_key, lifted in ruled:
        db.session.add(
            ConflictOfInterest(
                case_key=case_key,
                user_key=user_key,
                agency_key=agency_key,
                reason=b"",
                ruled_by=1,
                ruled_at=business_now(),
                lifted_at=business_now() if lifted else None,
            )
        )
    db.session.flush()
    return rows


def _offered(person: Person, facts: ItemFacts) -> bool:
    return facts.area_key == person.area_key and is_candidate(person, facts)


def _in_conflict(person: Person, facts: ItemFacts) -> bool:
    return facts.case is not None and decide.in_conflict(person, facts.case)


def _of_view(person: Person, view: str, item: WorkItem) -> bool:
    facts = item_facts(item)
    if item.state != ItemState.OPEN or _in_conflict(person, facts):
        return False
    mine = item.area_key == person.area_key and still_holds(person, facts)
    if view == "mine":
        return mine
    return item.area_key == person.area_key if view == "all" else mine or _offered(person, facts)


def _closed(facts: ItemFacts) -> ItemFacts:
    """A task that has ended is offered to nobody any more."""
    return replace(facts, roles=frozenset(), users=frozenset())


def _known(person: Person, item: WorkItem) -> bool:
    facts = item_facts(item)
    if item.area_key != person.area_key or _in_conflict(person, facts):
        return False
    led = {at for role, at in person.roles if role in AGENCY_LEADS and at is not None}
    return (
        (item.state == ItemState.OPEN and _offered(person, facts))
        or item.completed_by == person.key
        or still_holds(person, facts if item.state == ItemState.OPEN else _closed(facts))
        or item.agency_key in led
        or any(person.has_role(role) for role in AREA_LEADS)
    )


_OFFERED = {
    "area_key": 1,
    "agency_key": None,
    "case_key": None,
    "roles": ["agency-spoc"],
    "candidate_users": [],
    "assignee": None,
    "claimed_at": None,
    "taken_by": None,
    "completed_by": None,
    "properties": {},
    "state": ItemState.OPEN,
}
_BY_NAME = {
    **_OFFERED,
    "roles": ["authorising-manager"],
    "assignee": 101,
    "claimed_at": GIVEN_UP - timedelta(days=1),
}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(people, st.lists(tasks, min_size=1, max_size=6), conflicts, grants)
@example(  # the role that was lost is one that another task is offered to
    person=Person(101, "somebody", "Somebody", area_key=1, roles=frozenset({("agency-spoc", None)})),
    asked=[_OFFERED, _BY_NAME],
    ruled=[],
    held=[(101, "agency-spoc", None)],
)
def test_lists_reach_what_the_rule_says(
    world: Flask,
    person: Person,
    asked: list[dict[str, object]],
    ruled: list[tuple[int, int | None, int | None, bool]],
    held: list[tuple[int, str, int | None]],
) -> None:
    try:
        rows = _written(asked, ruled, held)
        _compare(person, rows)
        if all(user != person.key for user, _, _ in held):
            _compare(replace(person, constant=True), rows)
        for item in rows:
            taken = decide.allowed(person, Permission.WORK_ITEM_CLAIM, item_facts(item))
            assert not taken or item.state != ItemState.OPEN or _of_view(person, "team", item)
    finally:
        db.session.rollback()


def _compare(person: Person, rows: list[WorkItem]) -> None:
    waiting = overview(person)
    counted = waiting.counts
    assert set(counted) == set(reach.views_of(person))
    for view in counted:
        expected = {item.key for item in rows if _of_view(person, view, item)}
        listed = [row.item.key for row in inbox.search(person, view=view, total=counted[view]).rows]
        assert (set(listed), len(listed)) == (expected, counted[view]), view
        narrowed = inbox.search(person, view=view, process="p")
        assert ([row.item.key for row in narrowed.rows], narrowed.total) == (listed, counted[view]), view
    listed_for = [
        MEETINGS.get(item.case_key or 0)
        for item in rows
        if _of_view(person, "team", item) and item.properties.get("sheet") == "research"
    ]
    assert waiting.sheets == {key: listed_for.count(key) for key in MEETINGS.values() if key in listed_for}
    known_to = select(WorkItem.key).where(reach.known_to(person))
    known = set(db.session.execute(known_to, reach.asker(person)).scalars())
    assert known == {item.key for item in rows if _known(person, item)}
    everything = inbox.search(person, view="all").rows if "all" not in counted else ()
    assert {row.item.key for row in everything} <= {i.key for i in rows if _of_view(person, "team", i)}


def test_what_somebody_did_is_listed_however_much_others_have_done_in_the_case(world: Flask) -> None:
    done: dict[str, object] = {"area_key": 1, "case_key": 201, "roles": [], "candidate_users": [], "properties": {}}
    done |= {"state": ItemState.COMPLETED, "due_at": business_now()}
    others = [{**done, "completed_by": 102} for _ in range(230)]
    mine = {**done, "completed_by": 101, "due_at": None}
    *_, last = _written([*others, mine], [], [])
    spoc = Person(101, "spoc", "Spoc", 11, 1, frozenset({("agency-spoc", 11)}))
    try:
        assert [row.item.key for row in inbox.of_subject(spoc, case_key=201)] == [last.key]
    finally:
        db.session.rollback()


@pytest.mark.parametrize("constant", [False, True])
def test_a_persons_list_is_not_looked_for_among_all_that_is_open_in_the_area(app: Flask, constant: bool) -> None:
    roles = frozenset({("agency-spoc", 11)})
    who = Person(101, "somebody", "Somebody", agency_key=11, area_key=1, roles=roles, constant=constant)
    asked: list[tuple[str, tuple[object, ...]]] = []

    def note(_connection: object, _cursor: object, text: str, values: tuple[object, ...], *_: object) -> None:
        asked.append((text, values))

    with app.app_context():
        event.listen(db.engine, "before_cursor_execute", note)
        overview(who)
        for view in ("mine", "team"):
            inbox.search(who, view=view, total=1)
        event.remove(db.engine, "before_cursor_execute", note)
        plans = [
            " / ".join(
                str(row[3]) for row in db.session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", values)
            )
            for text, values in asked
            if text != "BEGIN"
        ]
    assert len(plans) == 3
    for plan in plans:
        assert "ix_work_item_assignee" in plan
        assert "ix_work_item_open" not in plan
        assert "SCAN work_item" not in plan
