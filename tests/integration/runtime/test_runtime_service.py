"""The engine room with a database: releases, steps, messages between instances, timers, deadlines, incidents, races."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from runtime_kit import (
    DEFS,
    boundary,
    call,
    doc,
    el,
    end,
    esp,
    flow,
    io,
    line,
    msg,
    props,
    service,
    sig,
    start,
    sub,
    timer,
    user,
    z,
)
from sqlalchemy import delete, event, func, select, update

from app.errors import Conflict, Invalid
from app.problems import Severity
from app.runtime import releases, timers
from app.runtime import service as runtime
from app.runtime.errors import (
    InstanceEnded,
    InstanceNotFound,
    MessageRepeated,
    NobodyWaiting,
    ReleaseRefused,
    StaleInstance,
    TaskNotOpen,
    VariableRefused,
)
from app.runtime.models import BufferedMessage, Incident, Instance, ProcessDefinition, Subscription, TimerRow
from app.runtime.step import step
from app.runtime.timers import wake_failed
from app.store.clock import business_now, clock
from app.store.database import db
from app.store.jobs import Job

AREA = 77


def publish(*diagrams: bytes, **kw: Any) -> Any:
    files = {f"{i}.bpmn": xml for i, xml in enumerate(diagrams)}
    return runtime.publish_release(files, area_key=AREA, by=1, allow_undeclared=True, **kw)


def begin(variables: Any = None, pid: str = "p", **kw: Any) -> Instance:
    instance = runtime.start(pid, variables or {}, area_key=AREA, by=1, **kw)
    db.session.commit()
    return instance


def fresh(instance: Instance) -> Instance:
    return runtime.instance(instance.key)


def count(model: Any) -> int:
    return db.session.execute(select(func.count()).select_from(model)).scalar() or 0


# ------------------------------------------------------------------------------------------------ releases
def test_a_release_is_all_or_nothing(world: Any) -> None:
    good, bad = doc(user("a") + line("a")), doc(user("b") + line("b") + el("complexGateway", "c"), pid="q")
    with pytest.raises(ReleaseRefused) as refused:
        publish(good, bad)
    assert [(p.file, p.element_id) for p in refused.value.problems if p.severity is Severity.ERROR] == [("1.bpmn", "c")]
    assert count(ProcessDefinition) == 0


def test_the_same_files_again_are_the_same_release(world: Any) -> None:
    first = publish(doc(user("a") + line("a")))
    assert publish(doc(user("a") + line("a"))).number == 2 or first.number == 1
    xml = doc(user("z") + line("z"))
    third = publish(xml)
    assert publish(xml).key == third.key


def test_a_running_instance_keeps_its_release(world: Any) -> None:
    publish(doc(user("a") + user("b") + line("a", "b")))
    old = begin()
    publish(doc(user("x") + line("x")))
    new = begin()
    assert world.tasks() == ["a", "x"]
    world.do("a")
    assert world.tasks() == ["b", "x"]
    assert (releases.definition(old.definition_key).version, releases.definition(new.definition_key).version) == (1, 2)
    assert [d.version for d in releases.latest_definitions(AREA)] == [2]


def test_releases_of_other_areas_are_not_seen(world: Any) -> None:
    release = publish(doc(user("a") + line("a")))
    with pytest.raises(InstanceNotFound):
        runtime.start("p", {}, area_key=AREA + 1, by=1)
    key = releases.latest_definitions(AREA)[0].key
    with pytest.raises(InstanceNotFound):
        runtime.start(None, {}, area_key=AREA + 1, by=1, definition_key=key)
    assert releases.release(release.key).number == 1


# ------------------------------------------------------------------------------------------------ steps
def test_a_step_opens_and_closes_tasks_and_counts_elements(world: Any) -> None:
    publish(doc(user("a") + user("b") + line("a", "b")))
    instance = begin({"n": 1, "when": "2026-01-01"})
    task = world.find("a")
    assert (task.process_id, task.instance_key, task.area_key, task.priority) == ("p", instance.key, AREA, 50)
    world.do("a", m=2)
    assert world.events == [("opened", "a"), ("completed", "a"), ("opened", "b")]
    states = runtime.element_states(instance.key)
    assert {e: (s.active, s.completed) for e, s in states.items()} == {"s": (0, 1), "a": (0, 1), "b": (1, 0)}
    world.do("b")
    assert fresh(instance).status == "COMPLETED"
    assert runtime.plain_variables(instance.key) == {"n": 1, "m": 2, "when": "2026-01-01"}
    with pytest.raises(InstanceEnded):
        runtime.complete_task(instance.key, task.task_id, {}, by=1)


def test_the_second_to_complete_a_task_is_told(world: Any) -> None:
    publish(doc(user("a") + user("b") + line("a", "b")))
    instance = begin()
    task = world.find("a")
    world.do("a")
    with pytest.raises(TaskNotOpen):
        runtime.complete_task(instance.key, task.task_id, {}, by=2)


def test_a_step_on_an_older_revision_is_refused(world: Any) -> None:
    publish(doc(user("a") + user("b") + line("a", "b")))
    instance = begin()
    seen = instance.revision
    world.do("a")
    task = world.find("b")
    with pytest.raises(StaleInstance):
        runtime.complete_task(instance.key, task.task_id, {}, by=1, expected_revision=seen)


def test_two_steps_at_once_one_wins(world: Any) -> None:
    publish(doc(user("a") + line("a")))
    instance = begin()
    task = world.find("a")

    def overtaken() -> None:
        with step(instance.key) as taken:
            db.session.execute(Instance.__table__.update().values(revision=Instance.__table__.c.revision + 1))
            taken.wf.complete_task(task.task_id, {})

    with pytest.raises(StaleInstance):
        overtaken()
    db.session.rollback()
    assert fresh(instance).status == "ACTIVE"


def test_wrong_variables_are_refused_and_nothing_happens(world: Any) -> None:
    ext = props(variable__n="number", variable__starter="id")
    publish(doc(user("a") + line("a"), ext=ext))
    instance = begin({"n": 1, "starter": "5", "starterAgency": None, "caseId": "9"})
    task = world.find("a")
    with pytest.raises(VariableRefused):
        runtime.complete_task(instance.key, task.task_id, {"n": "words"}, by=1)
    assert world.tasks() == ["a"]
    assert runtime.variables(instance.key) == {"n": Decimal(1), "starter": "5"}


# ------------------------------------------------------------------------------------------------ timers
ESCALATED = doc(
    user("a") + boundary("t", "a", timer("Duration", "PT1H"), False) + user("chase") + line("a") + flow("t", "chase")
)


def test_a_timer_fires_once_by_its_job(world: Any, time: Any) -> None:
    publish(ESCALATED)
    instance = begin()
    assert fresh(instance).next_due == business_now() + timedelta(hours=1)
    time.later(minutes=59)
    assert world.tasks() == ["a"]
    time.later(minutes=1)
    assert world.tasks() == ["a", "chase"]
    time.later(days=3)
    assert world.tasks() == ["a", "chase"]
    assert (count(Job), count(TimerRow)) == (0, 0)


def test_a_cycle_sets_its_alarm_again(world: Any, time: Any) -> None:
    publish(
        doc(user("a") + boundary("t", "a", timer("Cycle", "R3/PT1H"), False) + user("n") + line("a") + flow("t", "n"))
    )
    begin()
    for n in (1, 2, 3, 3):
        time.later(hours=1)
        assert world.tasks().count("n") == n
    assert count(Job) == 0


def test_completing_the_task_cancels_its_alarm(world: Any, time: Any) -> None:
    publish(ESCALATED)
    begin()
    world.do("a")
    assert (count(Job), count(TimerRow)) == (0, 0)


# ------------------------------------------------------------------------------------------------ deadlines
BOUND = doc(
    user("a", z("taskSchedule", dueDate='=deadline("researchDue")'))
    + boundary("t", "a", timer("Date", '=deadline("researchDue")'), False)
    + user("chase")
    + line("a")
    + flow("t", "chase")
)


def test_moving_a_deadline_rearms_every_instance_of_the_case(world: Any, time: Any) -> None:
    world.deadlines[(9, "researchDue")] = business_now() + timedelta(days=1)
    world.deadlines[(10, "researchDue")] = business_now() + timedelta(days=1)
    publish(BOUND)
    first, second = begin(case_key=9), begin(case_key=9)
    other = begin(case_key=10)
    moved = business_now() + timedelta(days=3)
    world.deadlines[(9, "researchDue")] = moved
    assert runtime.rearm_deadline(9, "researchDue") == 4
    assert [fresh(i).next_due for i in (first, second)] == [moved, moved]
    assert fresh(other).next_due == moved - timedelta(days=2)
    assert world.events.count(("due", moved)) == 2
    time.later(days=1)
    assert world.tasks() == ["a", "a", "a", "chase"]
    time.later(days=2)
    assert world.tasks().count("chase") == 3


def test_moving_a_deadline_touches_no_other_case(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of its meeting's cases those that are listed; of other instances those with a task about the case."""
    was = business_now() + timedelta(days=1)
    world.deadlines = {(dossier, "researchDue"): was for dossier in (9, 10, 11, 12, 50)}
    about_nine = user("n", z("taskSchedule", dueDate='=deadline("researchDue")') + props(case="9")) + line("n")
    publish(BOUND, doc(about_nine, pid="q"))
    case, _other, listed = (begin(case_key=key) for key in (9, 10, 11))
    meeting, elsewhere = begin(meeting_key=50), begin(pid="q", case_key=12)
    touched: list[int] = []
    rearm = timers._rearm

    def noted(instance_key: int, name: str) -> int:
        touched.append(instance_key)
        return rearm(instance_key, name)

    monkeypatch.setattr(timers, "_rearm", noted)
    world.listed = {50: {11}}
    runtime.rearm_deadline(9, "researchDue")
    assert touched == [case.key, elsewhere.key]
    touched.clear()
    runtime.rearm_deadline(50, "researchDue")
    assert touched == [listed.key, meeting.key]


def test_a_moved_deadline_and_the_timers_bound_to_it_are_one_transaction(world: Any, time: Any) -> None:
    was = business_now() + timedelta(days=1)
    world.deadlines[(9, "researchDue")] = was
    publish(BOUND)
    both = [begin(case_key=9), begin(case_key=9)]

    def alarms() -> set[Any]:
        db.session.expire_all()
        return {
            *(fresh(instance).next_due for instance in both),
            *db.session.execute(select(Job.due_at)).scalars(),
            *db.session.execute(select(TimerRow.due_at).where(TimerRow.due_at.is_not(None))).scalars(),
        }

    world.deadlines[(9, "researchDue")] = moved = was + timedelta(days=3)
    runtime.rearm_deadline(9, "researchDue")
    db.session.rollback()  # whoever moves it fails, or is killed
    assert alarms() == {was}
    runtime.rearm_deadline(9, "researchDue")
    db.session.commit()
    assert alarms() == {moved}


def test_two_deadlines_at_one_event_gateway_are_moved_apart(world: Any, time: Any) -> None:
    now = business_now()
    world.deadlines |= {(9, "first"): now + timedelta(days=2), (9, "second"): now + timedelta(days=3)}
    catches = "".join(
        el("intermediateCatchEvent", f"on-{name}", inner=timer("Date", f'=deadline("{name}")')) + user(f"after-{name}")
        for name in ("first", "second")
    )
    ways = "".join(flow("g", f"on-{name}", f"after-{name}", "e") for name in ("first", "second"))
    publish(doc(start() + el("eventBasedGateway", "g") + catches + end() + flow("s", "g") + ways))
    instance = begin(case_key=9)
    world.deadlines[(9, "second")] = now + timedelta(days=1)
    assert runtime.rearm_deadline(9, "second") == 1
    assert fresh(instance).next_due == now + timedelta(days=1)
    world.deadlines[(9, "second")] = now + timedelta(days=9)
    assert runtime.rearm_deadline(9, "second") == 1
    assert fresh(instance).next_due == now + timedelta(days=2)
    db.session.commit()
    time.later(days=2)
    assert world.tasks() == ["after-first"]
    assert count(TimerRow) == 0


def test_moving_a_meetings_deadline_reaches_the_cases(world: Any) -> None:
    world.deadlines[(50, "researchDue")] = business_now() + timedelta(days=1)
    publish(BOUND)
    case = begin(case_key=9, meeting_key=50)
    moved = business_now() + timedelta(days=3)
    world.deadlines[(50, "researchDue")] = moved
    runtime.rearm_deadline(50, "researchDue")
    assert fresh(case).next_due == moved


def test_a_missing_deadline_is_an_incident_until_it_is_set(world: Any) -> None:
    publish(BOUND)
    instance = begin(case_key=9)
    assert [i.message for i in runtime.incidents(instance.key)] == [
        "The timer t waits for the deadline researchDue, which does not exist yet."
    ]
    assert fresh(instance).has_incident
    world.deadlines[(9, "researchDue")] = business_now() + timedelta(days=1)
    runtime.rearm_deadline(9, "researchDue")
    assert runtime.incidents(instance.key) == []
    assert not fresh(instance).has_incident
    assert fresh(instance).next_due == business_now() + timedelta(days=1)


def test_a_task_records_its_deadline_with_rule_parameter_and_source(world: Any) -> None:
    world.params = {"agendaLeadTime": "P8D", "other": 1}
    due = "=now() + duration(params.agendaLeadTime)"
    ext = z("taskSchedule", dueDate=due) + props(deadline="research", basis="SafeLives, step 3")
    body = (
        user("a", ext)
        + boundary("t", "a", timer("Date", '=deadline("research") - duration("P1D")'), False)
        + user("chase")
    )
    publish(doc(body + line("a") + flow("t", "chase")))
    instance = begin(case_key=9)
    at = business_now() + timedelta(days=8)
    assert world.recorded == [
        {
            "name": "research",
            "at": at,
            "rule": due,
            "parameter": "agendaLeadTime = P8D",
            "source": "SafeLives, step 3",
            "instance_key": instance.key,
            "task_id": world.find("a").task_id,
        }
    ]
    assert fresh(instance).next_due == at - timedelta(days=1)
    assert world.find("a").due == at
    world.do("a")
    assert world.met_names == ["research"]


# ------------------------------------------------------------------------------------------------ messages
CATCH = doc(el("intermediateCatchEvent", "m", io((), [("got", "=text")]), msg()) + user("after") + line("m", "after"))


def test_a_message_reaches_who_waits_with_the_key_in_its_area(world: Any) -> None:
    publish(CATCH)
    one, _two = begin({"k": "A"}), begin({"k": "B"})
    assert runtime.publish_message("stop", "A", {"text": "x"}, area_key=AREA + 1) == []
    reached = runtime.publish_message("stop", "A", {"text": "x"}, area_key=AREA)
    assert [(r.instance_key, r.started) for r in reached] == [(one.key, False)]
    assert runtime.plain_variables(one.key)["got"] == "x"
    assert world.tasks() == ["after"]
    assert runtime.publish_message("stop", "A", {"text": "y"}, area_key=AREA) == []


def test_a_message_is_kept_for_its_time_to_live(world: Any, time: Any) -> None:
    publish(CATCH)
    runtime.publish_message("stop", "A", {"text": "kept"}, area_key=AREA, ttl=timedelta(hours=1))
    runtime.publish_message("stop", "B", {"text": "old"}, area_key=AREA, ttl=timedelta(minutes=1))
    time.later(minutes=5)
    one, two = begin({"k": "A"}), begin({"k": "B"})
    assert runtime.plain_variables(one.key)["got"] == "kept"
    assert "got" not in runtime.plain_variables(two.key)
    assert begin({"k": "A"}).status == "ACTIVE"
    assert world.tasks() == ["after"]


def test_a_message_id_is_taken_once(world: Any) -> None:
    publish(CATCH)
    runtime.publish_message("stop", "A", {}, area_key=AREA, ttl=timedelta(hours=1), message_id="m1")
    with pytest.raises(MessageRepeated):
        runtime.publish_message("stop", "A", {}, area_key=AREA, ttl=timedelta(hours=1), message_id="m1")
    assert count(BufferedMessage) == 1


def test_correlating_needs_somebody_who_waits(world: Any) -> None:
    publish(CATCH)
    with pytest.raises(NobodyWaiting):
        runtime.correlate_message("stop", "A", {}, area_key=AREA)
    assert count(BufferedMessage) == 0
    begin({"k": "A"})
    assert len(runtime.correlate_message("stop", "A", {}, area_key=AREA)) == 1


STARTED = doc(
    el("startEvent", "s", io((), [("given", "=text")]), msg("M0")) + user("after") + end() + flow("s", "after", "e"),
    pid="q",
)


def test_a_message_starts_an_instance_of_the_senders_case(world: Any) -> None:
    send = el("intermediateThrowEvent", "t", io([("text", '="hello"')]), msg("M0"))
    publish(doc(user("a") + send + line("a", "t")), STARTED)
    begin(case_key=9, meeting_key=50)
    world.do("a")
    task = world.find("after")
    assert (task.process_id, task.case_key, task.meeting_key) == ("q", 9, 50)
    assert runtime.plain_variables(task.instance_key) == {"given": "hello"}
    with pytest.raises(Invalid):
        runtime.start("q", {}, area_key=AREA, by=1)


def test_every_message_without_a_key_starts_an_instance_unless_its_id_is_known(world: Any) -> None:
    publish(STARTED)
    assert len(runtime.publish_message("begin", "", {"text": "1"}, area_key=AREA)) == 1
    hour = timedelta(hours=1)
    assert len(runtime.publish_message("begin", "", {"text": "2"}, area_key=AREA, message_id="2", ttl=hour)) == 1
    with pytest.raises(MessageRepeated):
        runtime.publish_message("begin", "", {"text": "2"}, area_key=AREA, message_id="2", ttl=hour)
    assert world.tasks() == ["after", "after"]


def test_a_kept_message_starts_a_process_that_is_published_later(world: Any, time: Any) -> None:
    hour = timedelta(hours=1)
    for n, ttl in enumerate([timedelta(minutes=1), hour, hour]):
        assert runtime.publish_message("begin", "", {"text": str(n)}, area_key=AREA, ttl=ttl) == []
    runtime.publish_message("begin", "", {"text": "3"}, area_key=AREA, ttl=hour, message_id="3")
    runtime.publish_message("begin", "", {"text": "elsewhere"}, area_key=AREA + 1, ttl=hour)
    time.later(minutes=5)
    publish(STARTED)
    begun = sorted(world.open.values(), key=lambda task: task.instance_key)
    assert [runtime.plain_variables(task.instance_key)["given"] for task in begun] == ["1", "2", "3"]
    publish(STARTED.replace(b"after", b"later"))
    assert world.tasks() == ["after"] * 3, "the next version is given nothing that was taken"
    with pytest.raises(MessageRepeated):
        runtime.publish_message("begin", "", {"text": "3"}, area_key=AREA, ttl=hour, message_id="3")


def test_two_instances_stay_in_step_in_one_transaction(world: Any) -> None:
    """A case that waits for its meeting, and a meeting that tells it and waits for the answer."""
    key = io([("correlationKey", "=k"), ("text", '="go"')])
    meeting = doc(
        user("close") + el("intermediateThrowEvent", "tell", key, msg()) + user("done") + line("close", "tell", "done")
    )
    case = doc(el("receiveTask", "m", messageRef="M") + user("after") + line("m", "after"), pid="q")
    publish(meeting, case)
    begin({"k": "7"})
    begin({"k": "7"}, pid="q")
    world.do("close")
    assert world.tasks() == ["after", "done"]
    db.session.rollback()
    assert count(Subscription) == 1


def test_a_message_published_while_a_task_closes_reaches_the_same_instance(world: Any) -> None:
    """The work list publishes task-closed when an item closes; the escalation of the same instance waits for it."""
    inner = (
        start("ss")
        + el("intermediateCatchEvent", "w", inner=timer("Duration", "P1D"))
        + end("se")
        + flow("ss", "w", "se")
    )
    child = doc(sub("Tiers", inner) + boundary("b", "Tiers", msg()) + line("Tiers") + flow("b", "e"), pid="esc")
    body = (
        user("a") + boundary("t", "a", timer("Duration", "PT0S"), False) + call("c", "esc") + line("a") + flow("t", "c")
    )
    publish(doc(body), child)
    instance = begin({"k": "item"})
    world.on_closed = lambda gone: runtime.publish_message("stop", "item", {}, area_key=AREA)
    world.do("a")
    assert fresh(instance).status == "COMPLETED"


def test_messages_without_end_are_refused(world: Any) -> None:
    key = io([("correlationKey", "=k")])
    body = (
        el("exclusiveGateway", "g")
        + el("receiveTask", "m", messageRef="M")
        + el("intermediateThrowEvent", "t", key, msg())
    )
    publish(doc(body + start() + flow("s", "g", "m", "t", "g")))
    begin({"k": "1"})
    with pytest.raises(Conflict):
        runtime.publish_message("stop", "1", {}, area_key=AREA)


def test_a_signal_reaches_every_instance_and_starts_processes(world: Any) -> None:
    started = doc(
        el("startEvent", "s", inner=sig()) + user("fromSignal") + end() + flow("s", "fromSignal", "e"), pid="q"
    )
    waiting = doc(el("intermediateCatchEvent", "w", inner=sig()) + user("woken") + line("w", "woken"))
    publish(waiting, started)
    begin()
    begin()
    runtime.broadcast_signal("alarm", {}, area_key=AREA)
    assert world.tasks() == ["fromSignal", "woken", "woken"]


def test_a_signal_brings_what_its_sender_gives_it_to_other_instances(world: Any) -> None:
    """To those who wait and to those that it starts, under the names or mappings of each."""
    started = doc(el("startEvent", "s", inner=sig()) + user("new") + end() + flow("s", "new", "e"), pid="q")
    catch = el("intermediateCatchEvent", "w", io((), [("got", "=n + 1")]), sig())
    sender = doc(start() + el("endEvent", "x", io([("n", "=mine")]), sig()) + flow("s", "x"))
    publish(doc(catch + user("t") + line("w", "t"), pid="r"), started, sender)
    waiter = begin(pid="r")
    begin({"mine": 4})
    assert world.tasks() == ["new", "t"]
    begun = db.session.execute(select(Instance).where(Instance.process_id == "q")).scalar_one()
    assert runtime.plain_variables(waiter.key) == {"got": 5}
    assert runtime.plain_variables(begun.key) == {"n": 4}


def test_names_that_no_table_can_hold_are_incidents(world: Any) -> None:
    """A correlation key and a deadline's name that an expression makes too long."""
    long = 'string join(for i in 1..300 return "x")'
    event = boundary("b", "a", timer("Date", f"=deadline({long})")) + user("late") + flow("b", "late")
    defs = DEFS.replace("=k", f"={long}".replace('"', "&quot;"))
    publish(doc(user("a") + event + el("receiveTask", "r", messageRef="M") + line("a", "r"), defs))
    instance = begin()
    assert [found.kind for found in runtime.incidents(instance.key)] == ["TIMER"]
    assert count(TimerRow) == 0
    world.do("a")
    assert [found.kind for found in runtime.incidents(instance.key)] == ["CORRELATION"]
    assert count(Subscription) == 0


def test_an_event_sub_process_receives_again_and_again(world: Any) -> None:
    publish(doc(user("a") + esp("es", msg(), False) + line("a")))
    begin({"k": "m"})
    for n in (1, 2):
        runtime.publish_message("stop", "m", {"who": n}, area_key=AREA)
        assert world.tasks().count("es_u") == n


# ------------------------------------------------------------------------------------------------ operations, incidents
def test_an_operation_binds_publishes_and_returns_typed_values(world: Any) -> None:
    def plan(context: Any, inputs: Any) -> dict[str, Any]:
        assert inputs == {"state": "OPEN"}
        context.bind_meeting(50)
        context.publish_message("begin", "", {"text": "op"})
        return {"at": datetime(2026, 5, 1, 9), "n": 3, "undeclared": 1}

    world.operation("plan", plan, {"state": "string", "extra?": "string"}, {"at": "date and time", "n": "number"})
    publish(doc(service("op", "plan", io([("state", '="OPEN"')])) + user("u") + line("op", "u")), STARTED)
    instance = begin()
    assert world.find("u").meeting_key == 50
    assert runtime.plain_variables(instance.key) == {"at": "2026-05-01T09:00:00", "n": 3}
    assert world.tasks() == ["after", "u"]


def test_a_failed_operation_undoes_what_it_wrote_and_can_be_retried(world: Any) -> None:
    failing = [True]

    def broken(context: Any, inputs: Any) -> None:
        db.session.add(
            BufferedMessage(
                area_key=1,
                name="x",
                correlation_key="",
                payload={},
                taken_by=[],
                published_at=context.now,
                expires_at=context.now,
            )
        )
        db.session.flush()
        if failing[0]:
            raise Invalid("The register says no.")

    world.operation("op", broken)
    publish(doc(user("a") + service("op", "op") + user("u") + line("a", "op", "u")))
    instance = begin()
    world.do("a")
    incident = runtime.incidents(instance.key)[0]
    assert (incident.message, incident.element_id, incident.kind) == (
        "The operation op failed: The register says no.",
        "op",
        "OPERATION",
    )
    assert count(BufferedMessage) == 0
    assert ("completed", "a") in world.events
    assert not runtime.retry_incident(incident.key, by=1)
    failing[0] = False
    assert runtime.retry_incident(incident.key, by=4)
    assert db.session.get(Incident, incident.key).resolved_by == 4
    assert world.tasks() == ["u"]
    with pytest.raises(Conflict):
        runtime.retry_incident(incident.key, by=1)


@pytest.mark.parametrize("fails", [True, False])
def test_what_an_operation_sends_past_its_context_goes_out_once_or_not_at_all(world: Any, fails: bool) -> None:
    """It is run a second time when it writes while something waits to be written."""
    runs = []

    def tells(context: Any, inputs: Any) -> None:
        runs.append(context)
        runtime.publish_message("stop", "A", {}, area_key=AREA)
        db.session.execute(delete(BufferedMessage))
        if fails:
            raise Invalid("no")

    world.operation("tell", tells)
    heard = esp("es", msg(), False)
    publish(
        doc(user("a") + service("op", "tell") + user("u") + line("a", "op", "u")),
        doc(user("w") + heard + line("w"), pid="q"),
    )
    begin()
    runtime.start("q", {"k": "A"}, area_key=AREA, by=1)
    db.session.commit()
    kept = {"payload": {}, "taken_by": [], "published_at": business_now(), "expires_at": business_now()}
    db.session.add(BufferedMessage(area_key=AREA, name="waits", correlation_key="", **kept))
    world.do("a")
    assert len(runs) == 2
    assert world.tasks() == (["w"] if fails else ["es_u", "u", "w"])


def test_an_operation_that_comes_too_late_for_a_row_has_the_step_tried_again(world: Any) -> None:
    def late(context: Any, inputs: Any) -> None:
        row = db.session.get(Instance, context.instance_key)
        table = Instance.__table__
        moved_on = update(table).where(table.c.key == row.key).values(revision=row.revision + 1)
        db.session.connection().execute(moved_on)
        row.has_incident = not row.has_incident
        db.session.flush()

    world.operation("late", late)
    publish(doc(user("a") + service("op", "late") + user("u") + line("a", "op", "u")))
    begin()
    with pytest.raises(StaleInstance):
        world.do("a")
    db.session.rollback()
    assert world.tasks() == ["a"]


def test_an_unexpected_error_says_nothing_of_the_data(world: Any) -> None:
    def broken(context: Any, inputs: Any) -> None:
        raise KeyError("Jane Example")

    world.operation("op", broken)
    publish(doc(service("op", "op") + line("op")))
    instance = begin()
    found = runtime.incidents(instance.key)[0]
    assert found.message == "The operation op failed (KeyError)."
    assert "Jane" not in str(found.details)


def test_an_incident_names_types_and_never_values(world: Any) -> None:
    publish(doc(el("exclusiveGateway", "g") + end("x") + start() + flow("s", "g") + flow("g", "x", cond="=answer")))
    instance = begin({"answer": "Jane Example"})
    found = runtime.incidents(instance.key)[0]
    assert found.details["types"] == {"answer": "string"}
    assert "Jane" not in f"{found.message}{found.details}"
    runtime.set_variables(instance.key, {"answer": True}, by=1)
    assert runtime.retry_incident(found.key, by=1)
    assert fresh(instance).status == "COMPLETED"


# ------------------------------------------------------------------------------------------------ ending
def test_cancelling_closes_tasks_alarms_and_subscriptions(world: Any) -> None:
    child = doc(user("u") + boundary("t", "u", timer("Duration", "P1D")) + line("u") + flow("t", "e"), pid="child")
    publish(doc(call("c", "child") + esp("es", msg()) + line("c")), child)
    instance = begin({"k": "1"})
    runtime.cancel_instance(instance.key, by=1)
    assert fresh(instance).status == "TERMINATED"
    assert (world.tasks(), count(Job), count(TimerRow), count(Subscription)) == ([], 0, 0, 0)


def test_what_interrupts_a_call_ends_everything_in_the_called_process(world: Any, time: Any) -> None:
    inner = doc(
        user("u") + boundary("t", "u", timer("Duration", "P9D")) + esp("es", msg()) + line("u") + flow("t", "e"),
        pid="q",
    )
    outer = call("c", "q") + boundary("late", "c", timer("Duration", "P1D")) + user("instead")
    publish(doc(outer + line("c") + flow("late", "instead")), inner)
    instance = begin({"k": "1"})
    assert (world.tasks(), count(TimerRow), count(Subscription)) == (["u"], 2, 1)
    time.later(days=1)
    assert world.tasks() == ["instead"]
    assert (count(Job), count(TimerRow), count(Subscription)) == (0, 0, 0)
    assert runtime.publish_message("stop", "1", {}, area_key=AREA) == []
    world.do("instead")
    assert fresh(instance).status == "COMPLETED"


def test_forgetting_a_case_from_inside_its_own_instance(world: Any) -> None:
    world.operation("destroy-case", lambda context, inputs: runtime.forget_case(context.case_key))
    publish(doc(user("a") + service("op", "destroy-case") + user("never") + line("a", "op", "never")))
    instance, other = begin({"secret": "x"}, case_key=9), begin({"secret": "y"}, case_key=9)
    kept = begin({"secret": "z"}, case_key=10)
    world.do("a")
    assert [fresh(i).state for i in (instance, other)] == [b"", b""]
    assert (fresh(instance).status, runtime.variables(instance.key)) == ("TERMINATED", {})
    assert runtime.plain_variables(kept.key) == {"secret": "z"}
    assert world.tasks() == ["a"]


def test_a_strangers_diagram_runs(world: Any, time: Any) -> None:
    """Form-less user task, FEEL gateway, zeebe:script, boundary timer, undeclared variables."""
    body = (
        user("fill")
        + el("exclusiveGateway", "g", default="d")
        + user("approve")
        + boundary("late", "approve", timer("Duration", "P1D"))
    )
    body += el("scriptTask", "calc", z("script", expression="=amount * 1.19", resultVariable="total")) + start() + end()
    body += (
        flow("s", "fill", "g")
        + flow("g", "calc", id="d")
        + flow("g", "approve", cond="=amount > 1000")
        + flow("approve", "calc", "e")
    )
    body += flow("late", "calc")
    publish(doc(body))
    instance = begin()
    world.do("fill", amount=2000)
    assert world.tasks() == ["approve"]
    time.later(days=1)
    assert (world.tasks(), fresh(instance).status) == ([], "COMPLETED")
    assert runtime.plain_variables(instance.key) == {"amount": 2000, "total": 2380}


def test_a_completion_takes_few_statements(world: Any) -> None:
    """Load, save, one timer dropped and one set, one alarm moved: what is not needed is not asked for."""
    bodies = "".join(user(i) + boundary(f"t{i}", i, timer("Duration", "P1D"), False) + flow(f"t{i}", "e") for i in "ab")
    publish(doc(bodies + user("c") + line("a", "b", "c")))
    instance = begin()
    statements: list[str] = []
    event.listen(db.engine, "before_cursor_execute", lambda *a: statements.append(a[2]))
    task = world.find("a")
    runtime.complete_task(instance.key, task.task_id, {}, by=1)
    assert len(statements) <= 6, statements
    statements.clear()
    task = world.find("b")
    runtime.complete_task(instance.key, task.task_id, {}, by=1)
    assert len(statements) <= 5, statements
    statements.clear()
    task = world.find("c")
    runtime.complete_task(instance.key, task.task_id, {}, by=1)
    assert len(statements) <= 2, statements


def test_an_alarm_that_cannot_be_run_becomes_an_incident(world: Any, time: Any) -> None:
    """The engine itself breaks: the last attempt leaves an incident, and retrying it runs the timers."""
    publish(ESCALATED)
    instance = begin()
    job = db.session.execute(select(Job)).scalar_one()
    wake_failed(job, RuntimeError("x"))
    db.session.commit()
    found = runtime.incidents(instance.key)[0]
    assert (found.task_id, found.message) == (0, "The timers of this instance could not be run (RuntimeError).")
    clock.advance(timedelta(hours=2))
    assert runtime.retry_incident(found.key, by=1)
    assert world.tasks() == ["a", "chase"]
    assert runtime.incidents(instance.key) == []


def test_whatever_runs_what_is_overdue_makes_up_for_a_broken_alarm(world: Any, time: Any) -> None:
    publish(ESCALATED)
    instance = begin()
    job = db.session.execute(select(Job)).scalar_one()
    clock.advance(timedelta(hours=2))
    wake_failed(job, RuntimeError("x"))
    db.session.commit()
    runtime.set_variables(instance.key, {}, by=1)  # a step that runs no timer
    db.session.commit()
    assert runtime.instance(instance.key).has_incident
    assert len(runtime.incidents(instance.key)) == 1
    runtime.wake(instance.key)
    db.session.commit()
    assert not runtime.instance(instance.key).has_incident
    assert runtime.incidents(instance.key) == []
