"""A message whose time to live is over while an instance that would take it cannot: kept for that one, given when it is mended, and told
when it is not taken. Nobody else gets it, and what nobody is kept from taking is given up."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from runtime_kit import boundary, doc, el, end, esp, flow, io, line, msg, script, service, start, sub, timer, user, z
from sqlalchemy import select
from test_runtime_statements import sent

from app.errors import Invalid
from app.runtime import lapsing, mending
from app.runtime import service as runtime
from app.runtime.errors import MessageRepeated
from app.runtime.models import BufferedMessage, Incident, IncidentState, Instance
from app.store.clock import clock, wall_now
from app.store.database import db
from app.store.worker import Worker, WorkerBeat

ON = "sqlite"  # what two do at once is in test_runtime_lapsing_databases.py
AREA = 77
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
CATCH = el("intermediateCatchEvent", "m", io((), [("got", "=text")]), msg())
CASE = doc(service("g", "op") + CATCH + user("after") + line("g", "m", "after"))
SENDER = doc(
    user("say") + el("intermediateThrowEvent", "t", io([("correlationKey", "=k"), ("text", "=text")]), msg()) + line("say", "t"),
    pid="q",
)  # fmt: skip


class Register:
    """What the operation asks, which is down for a while."""

    def __init__(self, world: Any) -> None:
        self.down = True
        world.operation("op", self)

    def __call__(self, context: Any, inputs: Any) -> None:
        if self.down:
            raise Invalid("The register is down.")


@pytest.fixture
def register(world: Any) -> Register:
    return Register(world)


def publish(*diagrams: bytes) -> None:
    files = {f"{n}.bpmn": xml for n, xml in enumerate(diagrams)}
    runtime.publish_release(files, area_key=AREA, by=1, allow_undeclared=True)
    db.session.commit()


def begin(process: str = "p", **variables: Any) -> int:
    key = runtime.start(process, {"k": "A", **variables}, area_key=AREA, by=1).key
    db.session.commit()
    return key


def tell(text: str, key: str = "A", ttl: timedelta = HOUR, **more: Any) -> None:
    runtime.publish_message("stop", key, {"text": text}, area_key=AREA, ttl=ttl, **more)
    db.session.commit()


def pass_time(by: timedelta) -> None:
    """Time passes and a worker looks at messages, every ten minutes."""
    while by > timedelta(0):
        step = min(by, timedelta(minutes=10))
        clock.advance(step)
        lapsing.look()
        by -= step
    db.session.rollback()
    db.session.expire_all()


def got(key: int) -> Any:
    return runtime.plain_variables(key).get("got")


def kept() -> list[str]:
    """How those stand for whom messages are kept, in the order of the messages."""
    db.session.expire_all()
    rows = db.session.execute(select(BufferedMessage).order_by(BufferedMessage.key)).scalars()
    return ["/".join(one["stand"] for one in (row.late_for or {}).values()) for row in rows]


def told(kind: str = "MESSAGE") -> list[Incident]:
    query = select(Incident).where(Incident.kind == kind, Incident.state == IncidentState.ACTIVE).order_by(Incident.key)
    return list(db.session.execute(query).scalars())


def stopped() -> int:
    return told("OPERATION")[0].key


def again(incident: int | None = None) -> None:
    runtime.retry_incident(incident or stopped(), by=1)
    db.session.commit()


# ------------------------------------------------------------------------------------------------ stopped with an incident
def test_a_message_waits_for_an_instance_that_has_stopped_and_is_mended_a_day_later(
    world: Any, register: Register
) -> None:
    publish(CASE)
    one = begin()
    tell("while it had stopped")
    pass_time(DAY)
    assert kept() == ["STOPPED"]
    register.down = False
    again()
    assert (got(one), world.tasks(), kept(), told()) == ("while it had stopped", ["after"], [], [])


def test_so_does_one_that_a_diagram_sends_and_they_come_in_their_order(world: Any, register: Register) -> None:
    second = el("intermediateCatchEvent", "m2", io((), [("got2", "=text")]), msg())
    publish(doc(service("g", "op") + CATCH + second + user("after") + line("g", "m", "m2", "after")), SENDER)
    one = begin()
    for text in ("first", "second"):
        begin("q", text=text)
        world.do("say")
        db.session.commit()
        pass_time(timedelta(hours=5))
    register.down = False
    again()
    assert (got(one), runtime.plain_variables(one)["got2"], kept()) == ("first", "second", [])


def test_one_that_was_mended_before_the_time_was_over_has_a_while_after_it(world: Any, register: Register) -> None:
    publish(doc(service("g", "op") + user("before") + CATCH + user("after") + line("g", "before", "m", "after")))
    one = begin()
    tell("told")
    pass_time(timedelta(minutes=50))
    register.down = False
    again()
    pass_time(timedelta(minutes=50))
    assert kept() == ["GOES_ON"]
    world.do("before")
    db.session.commit()
    assert (got(one), kept()) == ("told", [])


def test_between_the_end_of_its_time_and_the_look_nothing_is_lost(world: Any, register: Register) -> None:
    """The instance waits already when the worker looks: then it is given it."""
    publish(CASE)
    one = begin()
    tell("told")
    clock.advance(HOUR)
    register.down = False
    again()
    assert (got(one), kept()) == (None, [""])
    pass_time(timedelta(minutes=2))
    assert (got(one), kept()) == ("told", [])


def test_a_stale_message_reaches_neither_a_later_instance_nor_one_that_had_not_stopped(
    world: Any, register: Register
) -> None:
    publish(CASE)
    one = begin()
    tell("for the first alone")
    pass_time(DAY)
    register.down = False
    later = begin()
    assert (got(later), kept()) == (None, ["STOPPED"])
    again()
    assert (got(one), got(later)) == ("for the first alone", None)
    assert kept() == []


def test_an_instance_that_went_on_gets_nothing_late(world: Any, register: Register) -> None:
    publish(doc(user("before") + CATCH + user("after") + line("before", "m", "after")))
    one = begin()
    tell("too early")
    pass_time(HOUR + timedelta(minutes=1))
    assert (kept(), told()) == ([], [])
    world.do("before")
    db.session.commit()
    assert got(one) is None


@pytest.mark.parametrize(("key", "name"), [("B", "stop"), ("A", "begin")])
def test_what_nobody_who_has_stopped_could_take_is_given_up_without_a_word(
    world: Any, register: Register, key: str, name: str
) -> None:
    publish(CASE)
    begin()
    runtime.publish_message(name, key, {}, area_key=AREA, ttl=HOUR)
    runtime.publish_message("stop", "A", {}, area_key=AREA + 1, ttl=HOUR)
    db.session.commit()
    pass_time(DAY)
    assert (kept(), told()) == ([], [])


def test_an_event_that_lies_behind_is_not_kept_for(world: Any, register: Register) -> None:
    """Optional: its turn is over when the instance stops, and nothing leads back."""
    publish(
        doc(
            user("a")
            + boundary("b", "a", msg())
            + service("g", "op")
            + user("after")
            + line("a", "g", "after")
            + flow("b", "after")
        )
    )
    begin()
    world.do("a")
    db.session.commit()
    tell("not wanted")
    pass_time(DAY)
    assert (len(told("OPERATION")), kept(), told()) == (1, [], [])


# ------------------------------------------------------------------------------------------------ told
SKIPPED = doc(
    service("g", "op") + el("exclusiveGateway", "x", default="d") + CATCH + user("past") + start() + end()
    + flow("s", "g", "x") + flow("x", "m", cond="=want") + flow("x", "past", id="d") + flow("m", "e") + flow("past", "e")
)  # fmt: skip


def test_one_that_is_mended_by_skipping_and_does_not_take_it_is_told(world: Any, register: Register) -> None:
    publish(SKIPPED)
    one = begin(want=False)
    tell("nobody took it")
    pass_time(DAY)
    mending.skip(stopped(), by=1)
    db.session.commit()
    assert world.tasks() == ["past"]
    pass_time(timedelta(minutes=30))
    assert told() == []
    pass_time(3 * HOUR)
    incident = told()[0]
    assert (incident.instance_key, incident.process_id, incident.element_id) == (one, "p", "m")
    assert incident.details == {"message": "stop"}
    assert "The message stop came while this procedure had stopped" in incident.message
    assert kept() == ["TOLD"]
    pass_time(DAY)
    assert len(told()) == 1, "once"
    assert db.session.get(Instance, one).has_incident is False, "it has not stopped"


def test_skipping_past_what_failed_it_still_takes_the_message(world: Any, register: Register) -> None:
    publish(CASE)
    one = begin()
    tell("told")
    pass_time(DAY)
    mending.skip(stopped(), by=1)
    db.session.commit()
    assert (got(one), kept()) == ("told", [])


LATER = doc(service("g", "op") + user("before") + CATCH + user("after") + line("g", "before", "m", "after"))


def not_taken(register: Register) -> int:
    """An instance that was mended and then took longer than a while."""
    publish(LATER)
    one = begin()
    tell("told")
    pass_time(DAY)
    register.down = False
    again()
    pass_time(3 * HOUR)
    assert kept() == ["TOLD"]
    return one


def test_once_it_is_told_a_person_says_whether_it_is_given(world: Any, register: Register) -> None:
    one = not_taken(register)
    world.do("before")
    db.session.commit()
    assert (got(one), len(told())) == (None, 1), "not by itself: it may be of an earlier turn"
    again(told()[0].key)
    assert (got(one), world.tasks(), kept(), told()) == ("told", ["after"], [], [])


def test_tried_again_it_has_another_while_and_then_it_is_told_once_more(world: Any, register: Register) -> None:
    one = not_taken(register)
    again(told()[0].key)
    assert (kept(), told()) == (["GOES_ON"], [])
    pass_time(timedelta(minutes=30))
    world.do("before")
    assert got(one) == "told"
    db.session.rollback()
    pass_time(2 * HOUR)
    assert (kept(), len(told())) == (["TOLD"], 1)


def test_it_can_be_let_go(world: Any, register: Register) -> None:
    one = not_taken(register)
    incident = told()[0].key
    offered = mending.choices(incident)
    assert (offered.not_skipped, offered.targets, dict(offered.variables)) == (None, (), {})
    mending.skip(incident, by=1)
    db.session.commit()
    assert (kept(), told()) == ([], [])
    world.do("before")
    db.session.commit()
    assert got(one) is None


@pytest.mark.parametrize("before", ["stopped", "told"])
def test_the_history_of_an_instance_that_ends_without_it_says_so(world: Any, register: Register, before: str) -> None:
    one = not_taken(register) if before == "told" else begin_stopped()
    runtime.cancel_instance(one, by=1)
    db.session.commit()
    pass_time(2 * HOUR)
    assert (kept(), told()) == ([], [])
    said = [event for event in world.history if event.instance_key == one and event.kind == "incident"][-1]
    assert said.title == "The message stop came while this procedure had stopped; it ended without having taken it."


def begin_stopped() -> int:
    publish(CASE)
    one = begin()
    tell("told")
    pass_time(2 * HOUR)
    assert kept() == ["STOPPED"]
    return one


# ------------------------------------------------------------------------------------------------ what else holds an instance up
def tries(retries: str) -> str:
    return el("serviceTask", "g", z("taskDefinition", type="op", retries=retries))


def test_one_that_waits_behind_its_own_tries(world: Any, time: Any, register: Register) -> None:
    publish(doc(tries("PT3H,PT3H") + CATCH + user("after") + line("g", "m", "after")))
    one = begin()
    tell("told")
    pass_time(timedelta(hours=2))
    assert (kept(), told("OPERATION")) == (["STOPPED"], [])
    register.down = False
    time.later(hours=2)
    assert (got(one), kept()) == ("told", [])


def test_a_try_that_succeeds_before_a_worker_has_looked(world: Any, time: Any, register: Register) -> None:
    publish(doc(tries("PT1H") + CATCH + user("after") + line("g", "m", "after")))
    time.later(seconds=0)  # the look of its beginning is over
    one = begin()
    runtime.publish_message("stop", "A", {"text": "told"}, area_key=AREA, ttl=timedelta(minutes=59, seconds=59))
    db.session.commit()
    register.down = False
    time.later(hours=1)
    assert (got(one), kept()) == ("told", [])


def test_one_that_is_woken_late_goes_the_way_it_would_have_gone_in_time(world: Any, time: Any) -> None:
    """Nobody looked and nobody woke it for a night."""
    wait = el("intermediateCatchEvent", "w", inner=timer("Duration", "PT30M"))
    publish(doc(wait + CATCH + user("after") + line("w", "m", "after")))
    one, other = begin(), begin(k="B")
    tell("in time")
    tell("short", "B", timedelta(minutes=10))
    time.later(hours=12)
    assert (got(one), got(other)) == ("in time", None)
    pass_time(2 * HOUR)
    assert (kept(), told()) == ([], [])


def test_the_same_when_the_worker_looks_before_it_wakes_it(world: Any, time: Any) -> None:
    wait = el("intermediateCatchEvent", "w", inner=timer("Duration", "PT30M"))
    publish(doc(wait + user("before") + CATCH + user("after") + line("w", "before", "m", "after")))
    one = begin()
    tell("in time")
    clock.advance(timedelta(hours=12))
    lapsing.look()
    assert kept() == ["LATE"]
    time.later(minutes=1)
    world.do("before")
    db.session.commit()
    assert (got(one), kept()) == ("in time", [])


def test_what_is_only_late_is_not_told(world: Any, time: Any) -> None:
    wait = el("intermediateCatchEvent", "w", inner=timer("Duration", "PT30M"))
    publish(doc(wait + user("before") + CATCH + line("w", "before", "m")))
    begin()
    tell("in time")
    clock.advance(timedelta(hours=12))
    lapsing.look()
    time.later(minutes=1)
    pass_time(3 * HOUR)
    assert (kept(), told()) == ([], [])


def test_what_ran_out_while_no_worker_was_alive_is_kept_for_a_while_more(
    app: Flask, world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(doc(user("before") + CATCH + user("after") + line("before", "m", "after")))
    one = begin()
    tell("over before", ttl=timedelta(minutes=5))
    clock.advance(timedelta(minutes=10))
    last = wall_now() - timedelta(hours=9)
    db.session.add(WorkerBeat(name="of yesterday", at=last))
    tell("over meanwhile")
    clock.advance(timedelta(hours=9))
    Worker(app, lease=timedelta(seconds=10)).run_once()
    db.session.rollback()
    db.session.expire_all()
    world.do("before")
    db.session.commit()
    assert got(one) == "over meanwhile"


# ------------------------------------------------------------------------------------------------ several processes, ids, keys
def test_another_process_that_has_taken_it_does_not_take_it_from_one_that_has_stopped(
    world: Any, register: Register
) -> None:
    catch = el("receiveTask", "r", io((), [("got", "=text")]), messageRef="M")
    publish(CASE, doc(catch + user("heard") + line("r", "heard"), pid="q"))
    one, other = begin(), begin("q")
    tell("for both")
    assert (got(other), kept()) == ("for both", ["STOPPED"])
    third = begin("q")
    pass_time(DAY)
    register.down = False
    again()
    assert (got(one), got(third), kept()) == ("for both", None, [])


def test_nothing_is_kept_when_the_others_have_not_stopped(world: Any) -> None:
    catch = el("receiveTask", "r", messageRef="M")
    publish(doc(user("before") + CATCH + line("before", "m")), doc(catch + line("r"), pid="q"))
    begin()
    begin("q")
    tell("for one")
    assert kept() == []


def test_an_id_is_remembered_for_as_long_as_its_message_is_kept(world: Any, register: Register) -> None:
    publish(CASE)
    one = begin()
    tell("told", message_id="1")
    pass_time(DAY)
    with pytest.raises(MessageRepeated):
        tell("told again", message_id="1")
    db.session.rollback()
    register.down = False
    again()
    assert got(one) == "told"
    pass_time(2 * HOUR)
    assert kept() == []
    tell("anew", message_id="1")


def test_a_key_that_is_still_to_be_set_holds_it_and_is_not_told(world: Any, register: Register) -> None:
    publish(
        doc(service("g", "op") + script("set", "=new", "k") + CATCH + user("after") + line("g", "set", "m", "after"))
    )
    one, other = begin(new="B"), begin(new="C")
    tell("of the new key", "B")
    pass_time(DAY)
    assert kept() == ["STOPPED/STOPPED"]
    register.down = False
    for incident in told("OPERATION"):
        again(incident.key)
    assert (got(one), got(other), kept()) == ("of the new key", None, [])


def test_a_key_that_proves_to_be_another_is_given_up_without_a_word(world: Any, register: Register) -> None:
    publish(
        doc(service("g", "op") + script("set", "=new", "k") + CATCH + user("after") + line("g", "set", "m", "after"))
    )
    begin(new="C")
    tell("of another", "B")
    pass_time(DAY)
    assert kept() == ["STOPPED"]
    register.down = False
    again()
    pass_time(3 * HOUR)
    assert (kept(), told()) == ([], [])


def test_where_it_may_still_come_to_wait(world: Any, register: Register) -> None:
    """On what it cannot enter, inside what it has not entered, beside it, and in a process that it is to call."""
    cannot = el("userTask", "u", '<zeebe:userTask/><zeebe:assignmentDefinition assignee="=[k]"/>') + boundary(
        "b", "u", msg()
    )
    inside = sub("sp", start("is") + CATCH + end("ie") + flow("is", "m", "ie"))
    called = el("callActivity", "c", '<zeebe:calledElement processId="called"/>')
    publish(
        doc(cannot + user("x") + line("u") + flow("b", "x", "e")),
        doc(service("g", "op") + inside + line("g", "sp"), pid="q"),
        doc(
            sub("sp", esp("es", msg(), False) + start("is") + end("ie") + flow("is", "ie"))
            + service("g", "op")
            + line("g", "sp"),
            pid="r",
        ),
        doc(service("g", "op") + called + line("g", "c"), pid="t"),
        doc(CATCH + line("m"), pid="called"),
    )
    for process in "pqrt":
        begin(process)
    tell("for all")
    pass_time(DAY)
    assert kept() == ["STOPPED/STOPPED/STOPPED/STOPPED"]


def test_a_message_that_waits_to_start_a_process_is_kept_for_who_had_stopped_too(
    world: Any, register: Register
) -> None:
    """Sent without a time to live: what it starts may have it for ever, who waits for an hour; who had stopped for longer."""
    sender = doc(
        user("say") + el("intermediateThrowEvent", "t", io([("correlationKey", "=k"), ("text", "=text")]), msg()) + line("say", "t"),
        pid="q",
    )  # fmt: skip
    begun = doc(
        el("startEvent", "s", io((), [("given", "=text"), ("k", '="A"')]), msg())
        + user("work")
        + end()
        + flow("s", "work", "e"),
        pid="r",
    )
    publish(sender, begun)
    for text in ("first", "second"):
        begin("q", text=text)
        world.do("say")
        db.session.commit()
    publish(CASE, sender, begun)
    one = begin()
    pass_time(DAY)
    assert sorted(kept()) == ["", "STOPPED"]
    later = begin()
    register.down = False
    for incident in told("OPERATION"):
        again(incident.key)
    assert (got(one), got(later), kept()) == ("second", None, [""])
    world.do("work")
    db.session.commit()
    assert (world.tasks().count("work"), kept()) == (1, [])


def test_what_waits_for_the_end_of_an_instance_that_has_stopped_starts_the_next_when_that_ends(
    world: Any, register: Register
) -> None:
    """It has a time to live, which is over while nobody could have ended the first."""
    started = el("startEvent", "s", io((), [("given", "=text"), ("k", '="A"')]), msg())
    publish(doc(started + service("g", "op") + user("work") + end() + flow("s", "g", "work", "e")))
    tell("first")
    tell("second")
    pass_time(DAY)
    assert kept() == [""]
    register.down = False
    again()
    pass_time(timedelta(minutes=50))
    world.do("work")
    db.session.commit()
    assert (world.tasks(), kept()) == (["work"], []), "the second"
    tell("third")
    pass_time(2 * HOUR)
    assert kept() == [], "as it was drawn: the second has not stopped"


# ------------------------------------------------------------------------------------------------ how much, and killed in between
def test_a_look_that_finds_nothing_writes_nothing_and_many_are_given_up_together(
    world: Any, register: Register
) -> None:
    publish(CASE)
    with sent() as statements:
        lapsing.look()
    assert len(statements) == 1
    for n in range(30):
        tell(str(n), f"nobody-{n}")
    clock.advance(2 * HOUR)
    with sent() as statements:
        assert lapsing.look() == 30
    assert len(statements) <= 6
    assert kept() == []


def test_more_have_stopped_than_one_look_goes_into(
    world: Any, register: Register, monkeypatch: pytest.MonkeyPatch
) -> None:
    from app.runtime import heldup

    monkeypatch.setattr(heldup, "MOST", 2)
    publish(CASE)
    ones = [begin(k=str(n)) for n in range(5)]
    tell("for the last", "4")
    clock.advance(2 * HOUR)
    assert [lapsing.look() for _ in range(3)] == [0, 0, 1]
    register.down = False
    for incident in told("OPERATION"):
        again(incident.key)
    assert [got(one) for one in ones] == [None] * 4 + ["for the last"]


def test_one_that_is_killed_in_the_middle_of_a_look_leaves_it_to_the_next(
    world: Any, register: Register, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(CASE)
    one = begin()
    tell("first")
    tell("second")
    clock.advance(2 * HOUR)

    class Killed(BaseException):
        pass

    def killed(*_: Any) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(lapsing, "deliver_buffered", killed)
        with pytest.raises(Killed):
            lapsing.look()
    db.session.rollback()
    assert kept() == ["", ""]
    pass_time(timedelta(minutes=10))
    assert kept() == ["STOPPED", "STOPPED"]
    register.down = False
    again()
    assert (got(one), kept()) == ("first", ["STOPPED"])
    pass_time(DAY)
    assert (kept(), len(told())) == (["TOLD"], 1), "the event takes one; that there was another is told"
