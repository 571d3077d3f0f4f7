"""Mending by the engine room: correct, skip, move, try again; and what nobody may mend."""

from __future__ import annotations

from typing import Any

import pytest
from runtime_kit import (
    boundary,
    call,
    doc,
    el,
    end,
    flow,
    io,
    line,
    mi,
    msg,
    props,
    script,
    service,
    start,
    sub,
    timer,
    user,
    z,
)
from sqlalchemy import select

from app.errors import Conflict, Invalid
from app.runtime import mending
from app.runtime import service as runtime
from app.runtime.errors import StaleInstance, VariableRefused
from app.runtime.mending import MendingRefused
from app.runtime.models import Incident, Instance
from app.runtime.timers import wake_failed
from app.store.database import db
from app.store.jobs import Job

ON = "sqlite"
AREA = 77
SIGNED = props(freshAuthentication="true")
DMN = b"""<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" id="t" name="t" namespace="t">
<inputData id="i1" name="score"/>
<decision id="verdict" name="verdict"><variable id="v" name="verdict"/>
<informationRequirement id="r"><requiredInput href="#i1"/></informationRequirement>
<literalExpression id="l"><text>if score &gt; 3 then "HIGH" else "LOW"</text></literalExpression></decision></definitions>"""


def publish(*diagrams: bytes, dmn: bytes | None = None) -> None:
    files = {f"{i}.bpmn": xml for i, xml in enumerate(diagrams)}
    runtime.publish_release({**files, **({"t.dmn": dmn} if dmn else {})}, area_key=AREA, by=1, allow_undeclared=True)


def begin(**variables: Any) -> Instance:
    instance = runtime.start("p", variables, area_key=AREA, by=1)
    db.session.commit()
    return instance


def stopped(instance: Instance) -> Incident:
    (found,) = runtime.incidents(instance.key)
    return found


def fails(context: Any, inputs: Any) -> None:
    raise Invalid("The register says no.")


def rule(id: str) -> str:
    return el("businessRuleTask", id, z("calledDecision", decisionId="verdict", resultVariable="verdict"))


def choice(id: str, to: str, otherwise: str, cond: str) -> str:
    return el("exclusiveGateway", id, default=f"{id}d") + flow(id, otherwise, id=f"{id}d") + flow(id, to, cond=cond)


# ------------------------------------------------------------------------------------------------ correcting
def test_a_corrected_variable_lets_the_gateway_choose(world: Any) -> None:
    declared = props(variable__ready="boolean", variable__note="string", startVariables="ready, note")
    body = choice("g", "u", "e", "=ready") + user("u") + start() + end() + flow("s", "g") + flow("u", "e")
    publish(doc(body, ext=declared))
    instance = begin(note="x")
    found = stopped(instance)
    offered = mending.choices(found.key)
    assert {name: kind.name for name, kind in offered.variables.items() if kind} == {
        "note": "string",
        "ready": "boolean",
    }
    assert offered.not_skipped
    with pytest.raises(VariableRefused):
        mending.correct(found.key, "ready", "perhaps", by=4)
    db.session.rollback()
    with pytest.raises(StaleInstance):
        mending.correct(found.key, "ready", True, by=4, expected_revision=offered.revision - 1)
    assert not mending.correct(found.key, "note", "y", by=4), "the gateway still has no answer"
    assert mending.correct(found.key, "ready", True, by=4, expected_revision=offered.revision + 1)
    assert (world.tasks(), runtime.incidents(instance.key)) == (["u"], [])
    row = db.session.get(Incident, found.key)
    assert row is not None
    assert (row.state, row.resolved_by) == ("RESOLVED", 4)
    assert not runtime.instance(instance.key).has_incident
    with pytest.raises(Conflict):
        mending.correct(found.key, "ready", False, by=4)


@pytest.mark.parametrize(
    ("what", "diagram"),
    [
        ("what a table reads", rule("d") + line("g", "d")),
        ("what a script makes of it for a table", script("c", "=amount", "score") + rule("d") + line("g", "c", "d")),
        (
            "what is mapped for a table",
            el(
                "businessRuleTask",
                "d",
                z("calledDecision", decisionId="verdict", resultVariable="verdict") + io([("score", "=amount")]),
            )
            + line("g", "d"),
        ),
        ("who may decide", user("d", z("assignmentDefinition", candidateGroups="=amount") + SIGNED) + line("g", "d")),
        (
            "what the gateway behind a decision reads",
            rule("d")
            + end("x")
            + el("exclusiveGateway", "h", default="hd")
            + flow("h", "e", id="hd")
            + flow("h", "x", cond='=verdict = "HIGH" and amount > 3')
            + start()
            + end()
            + flow("s", "g", "d", "h"),
        ),
        ("what a called process decides on", call("c", "q") + line("g", "c")),
    ],
)
def test_what_a_decision_rests_on_is_not_corrected(world: Any, what: str, diagram: str) -> None:
    world.operation("fails", fails)
    called = doc(script("k", "=amount", "score") + rule("r") + line("k", "r"), pid="q")
    publish(doc(service("g", "fails") + diagram), called, dmn=DMN)
    found = stopped(begin(amount=1, score=2, free=3))
    offered = mending.choices(found.key)
    name = "score" if what == "what a table reads" else "amount"
    assert name in offered.reserved
    assert "free" in offered.variables
    with pytest.raises(MendingRefused, match="rests on"):
        mending.correct(found.key, name, 9, by=4)


def test_what_a_called_process_works_out_for_a_decision_is_not_corrected_in_it(world: Any) -> None:
    world.operation("fails", fails)
    caller = doc(call("c", "q", io((), [("score", "=amount + 1")])) + rule("d") + line("c", "d"))
    publish(caller, doc(service("g", "fails") + script("k", "=base * 2", "amount") + line("g", "k"), pid="q"), dmn=DMN)
    found = stopped(begin(base=1, other=2))
    assert set(mending.choices(found.key).reserved) == {"base"}
    with pytest.raises(MendingRefused, match="rests on"):
        mending.correct(found.key, "amount", 3, by=4)


def test_what_is_sent_to_a_decision_of_another_process_is_not_corrected(world: Any) -> None:
    world.operation("fails", fails)
    sent = el("intermediateThrowEvent", "t", io([("score", "=amount"), ("correlationKey", "=k")]), msg())
    waits = doc(el("intermediateCatchEvent", "m", "", msg()) + rule("r") + line("m", "r"), pid="q")
    publish(doc(service("g", "fails") + sent + line("g", "t")), waits, dmn=DMN)
    found = stopped(begin(amount=1, k="a", free=3))
    assert set(mending.choices(found.key).reserved) == {"amount", "k"}
    for name, why in (("amount", "goes with the message “stop” to q"), ("k", "chooses who gets the message “stop”")):
        with pytest.raises(MendingRefused, match=why):
            mending.correct(found.key, name, "9", by=4)
        db.session.rollback()


def test_nor_where_the_other_process_runs_on_another_release(world: Any) -> None:
    world.operation("fails", fails)
    sent = el("intermediateThrowEvent", "t", io([("score", "=amount"), ("correlationKey", "=k")]), msg())
    sender = doc(service("g", "fails") + sent + line("g", "t"))
    takes = el("intermediateCatchEvent", "m", "", msg())
    publish(sender, doc(takes + line("m"), pid="q"))
    found = stopped(begin(amount=1, k="a", free=3))
    assert mending.choices(found.key).reserved == {}
    publish(sender, doc(takes + rule("r") + line("m", "r"), pid="q"), dmn=DMN)
    assert set(mending.choices(found.key).reserved) == {"amount", "k"}
    with pytest.raises(MendingRefused, match="goes with the message “stop” to q"):
        mending.correct(found.key, "amount", 9, by=4)


def test_what_a_decision_has_written_is_not_corrected(world: Any) -> None:
    world.operation("fails", fails)
    publish(doc(rule("d") + service("g", "fails") + line("d", "g")), dmn=DMN)
    found = stopped(begin(score=1))
    with pytest.raises(MendingRefused, match="outcome of a decision"):
        mending.correct(found.key, "verdict", "HIGH", by=4)


# ------------------------------------------------------------------------------------------------ skipping
def test_a_skipped_operation_is_not_run_and_the_path_goes_on(world: Any) -> None:
    runs: list[str] = []

    def broken(context: Any, inputs: Any) -> None:
        runs.append(context.element_id)
        raise Invalid("The register says no.")

    world.operation("op", broken)
    publish(
        doc(
            service("op", "op")
            + boundary("t", "op", timer("Duration", "P1D"))
            + user("u")
            + flow("t", "e")
            + line("op", "u")
        )
    )
    instance = begin()
    found = stopped(instance)
    assert mending.choices(found.key).not_skipped is None
    mending.skip(found.key, by=4)
    assert (world.tasks(), runs) == (["u"], ["op"])
    assert runtime.timers(instance.key) == [], "what was attached to it waits no longer"
    assert not runtime.instance(instance.key).has_incident
    assert "op" not in {k for k, s in runtime.element_states(instance.key).items() if s.completed}
    assert [e.kind for e in world.history if e.element_id == "op"] == ["incident", "skipped"]
    world.do("u")
    assert runtime.instance(instance.key).status == "COMPLETED"


@pytest.mark.parametrize(
    ("element", "diagram"),
    [
        ("r", rule("r") + line("r")),
        ("d", user("d", SIGNED + z("taskSchedule", dueDate="=1")) + line("d")),
        ("d", user("d", props(irreversible="true") + z("taskSchedule", dueDate="=1")) + line("d")),
        ("d", user("d", z("taskSchedule", dueDate="=1")) + user("second", props(separateFrom="d")) + line("d", "second")),
        ("d", user("d", props(separateFrom="first") + z("taskSchedule", dueDate="=1")) + user("first") + line("d", "first")),
        ("g", choice("g", "x", "e", "=missing") + end("x") + start() + end() + flow("s", "g")),
        ("c", script("c", "=1/0", "score", ) + service("d", "fails") + rule("r") + line("d", "r")),
    ],
)  # fmt: skip
def test_decisions_and_what_they_rest_on_are_not_skipped(world: Any, element: str, diagram: str) -> None:
    if element == "c":
        diagram = service("c", "score") + rule("r") + line("c", "r")
        world.operation("score", lambda c, i: (_ for _ in ()).throw(Invalid("No.")), {}, {"score": "number"})
    numbers = props(variable__verdict="number", variable__score="number", startVariables="score")
    publish(doc(diagram, ext=numbers if element == "r" else ""), dmn=DMN)
    found = stopped(begin())
    assert found.element_id == element
    assert mending.choices(found.key).not_skipped
    with pytest.raises(MendingRefused):
        mending.skip(found.key, by=4)


def test_a_sub_process_is_skipped_whole_unless_somebody_decides_inside(world: Any) -> None:
    inside = start("is") + end("ie") + user("iu", z("taskSchedule", dueDate="=1")) + flow("is", "iu", "ie")
    publish(doc(sub("sp", inside) + user("u") + line("sp", "u")))
    instance = begin()
    mending.skip(stopped(instance).key, by=4)
    assert world.tasks() == ["u"], "the task inside is skipped, the sub-process ends, the path goes on"


def test_one_of_several_instances_is_skipped(world: Any) -> None:
    world.operation("op", lambda c, i: (_ for _ in ()).throw(Invalid("No.")) if i["n"] == 2 else {}, {"n": "number"})
    publish(doc(service("op", "op", "", mi("=[1,2,3]", "n")) + user("u") + line("op", "u")))
    instance = begin()
    found = stopped(instance)
    assert "several instances" in mending.choices(found.key).not_moved
    mending.skip(found.key, by=4)
    assert world.tasks() == ["u"]


def test_an_attached_event_that_cannot_be_armed_is_left_out(world: Any) -> None:
    publish(doc(user("u") + boundary("t", "u", timer("Date", "=when")) + line("u") + flow("t", "e")))
    instance = begin()
    found = stopped(instance)
    assert found.element_id == "t"
    mending.skip(found.key, by=4)
    assert (world.tasks(), runtime.incidents(instance.key)) == (["u"], [])


def test_a_message_that_does_not_come_is_skipped(world: Any) -> None:
    publish(doc(el("intermediateCatchEvent", "m", io((), [("got", "=text")]), msg()) + user("u") + line("m", "u")))
    instance = begin(k=True)
    found = stopped(instance)
    assert found.kind == "CORRELATION"
    mending.skip(found.key, by=4)
    assert (world.tasks(), runtime.waiting_messages(instance.key)) == (["u"], [])


# ------------------------------------------------------------------------------------------------ moving
def test_a_token_is_moved_forwards_and_its_timer_goes(world: Any) -> None:
    body = user("a", z("taskSchedule", dueDate="=1")) + boundary("t", "a", timer("Duration", "P1D")) + user("b")
    publish(
        doc(
            body
            + user("c")
            + boundary("t2", "c", timer("Duration", "P2D"))
            + flow("t", "e")
            + flow("t2", "e")
            + line("a", "b", "c")
        )
    )
    instance = begin()
    found = stopped(instance)
    assert [t.element_id for t in mending.choices(found.key).targets] == ["b", "c", "e"]
    mending.move(found.key, "c", by=4)
    assert (world.tasks(), [t.event_id for t in runtime.timers(instance.key)]) == (["c"], ["t2"])
    world.do("c")
    assert runtime.instance(instance.key).status == "COMPLETED"


def test_a_token_goes_back_to_the_gateway_that_chose_wrongly(world: Any) -> None:
    body = choice("g", "yes", "no", "=right") + user("yes") + user("no", z("taskSchedule", dueDate="=1"))
    publish(doc(body + start() + end() + flow("s", "g") + flow("yes", "e") + flow("no", "e")))
    instance = begin(right=False)
    found = stopped(instance)
    offered = mending.choices(found.key)
    assert [t.element_id for t in offered.targets] == ["e", "g"]
    with pytest.raises(MendingRefused, match="back to the gateway"):
        mending.move(found.key, "yes", by=4)
    db.session.rollback()
    assert not mending.correct(found.key, "right", True, by=4)
    mending.move(found.key, "g", by=4)
    assert world.tasks() == ["yes"]


@pytest.mark.parametrize(
    ("diagram", "allowed"),
    [
        (user("d", SIGNED) + user("b") + line("a", "d", "b"), ["d"]),
        (rule("d") + user("b") + line("a", "d", "b"), ["d"]),
        # What works out what a table reads is not stepped past either.
        (script("c", "=1", "score") + rule("d") + line("a", "c", "d"), ["c"]),
        # A decision inside a sub-process.
        (
            sub("d", start("is") + end("ie") + user("iu", SIGNED) + flow("is", "iu", "ie"))
            + user("b")
            + line("a", "d", "b"),
            ["d"],
        ),
        # One of two ways leads past a decision: the place where they meet is out of reach, the other way is not.
        (
            user("d", SIGNED)
            + user("free")
            + user("b")
            + choice("g", "d", "free", "=x")
            + start()
            + end()
            + flow("s", "a", "g")
            + flow("d", "b", "e")
            + flow("free", "b"),
            ["d", "free", "g"],
        ),
        # The join would wait for this branch for ever.
        (
            el("parallelGateway", "f")
            + user("l")
            + user("r")
            + el("parallelGateway", "j")
            + user("b")
            + start()
            + end()
            + flow("s", "f", "a", "l", "j", "b", "e")
            + flow("f", "r", "j"),
            ["l"],
        ),
    ],
)
def test_a_token_steps_past_no_decision_and_out_of_no_branch(world: Any, diagram: str, allowed: list[str]) -> None:
    publish(doc(user("a", z("taskSchedule", dueDate="=1")) + diagram), dmn=DMN)
    found = stopped(begin(score=1))
    assert [t.element_id for t in mending.choices(found.key).targets] == allowed
    for name in {"b", "e"} - set(allowed):
        with pytest.raises(MendingRefused):
            mending.move(found.key, name, by=4)
        db.session.rollback()


def test_a_token_goes_back_only_behind_decisions_that_were_taken(world: Any) -> None:
    body = (
        choice("g", "d", "q", "=x")
        + user("d", SIGNED)
        + user("b")
        + user("q")
        + user("z", z("taskSchedule", dueDate="=1"))
    )
    body += start() + end() + flow("s", "g") + flow("d", "b", "z") + flow("q", "z", "e")
    publish(doc(body))
    past = begin(x=False)
    world.do("q")
    assert [t.element_id for t in mending.choices(stopped(past).key).targets] == ["d", "e", "g", "q"]
    taken = begin(x=True)
    world.do("d")
    world.do("b")
    assert [t.element_id for t in mending.choices(stopped(taken).key).targets] == ["b", "d", "e", "g", "q"]


def test_inside_a_sub_process_nothing_counts_as_taken(world: Any) -> None:
    """How often an element was done is counted for the whole process, and may be another round's or another instance's."""
    inside = start("is") + end("ie") + user("d", SIGNED) + user("b") + user("z", z("taskSchedule", dueDate="=1"))
    publish(doc(sub("sp", inside + flow("is", "d", "b", "z", "ie")) + line("sp")))
    instance = begin()
    world.do("d")
    world.do("b")
    assert [t.element_id for t in mending.choices(stopped(instance).key).targets] == ["d", "ie"]


# ------------------------------------------------------------------------------------------------ trying again
def test_a_mended_alarm_clears_the_flag_and_a_broken_one_stays(world: Any, time: Any, monkeypatch: Any) -> None:
    publish(
        doc(
            user("a")
            + boundary("t", "a", timer("Duration", "PT1H"), False)
            + user("chase")
            + line("a")
            + flow("t", "chase", "e")
        )
    )
    instance = begin()
    job = db.session.execute(select(Job)).scalar_one()
    wake_failed(job, RuntimeError("x"))
    wake_failed(job, RuntimeError("x"))
    db.session.commit()
    assert runtime.instance(instance.key).has_incident
    first, second = runtime.incidents(instance.key)
    with monkeypatch.context() as patched:
        patched.setattr("app.runtime.mending.retrying.wake", lambda key: 1 / 0)
        assert not runtime.retry_incident(first.key, by=1)
    assert len(runtime.incidents(instance.key)) == 2
    assert runtime.retry_incident(first.key, by=1)
    assert runtime.incidents(instance.key) == [], "the second told of the same"
    assert not runtime.instance(instance.key).has_incident
    assert mending.find_incident(second.key, active=False).resolved_by == 1
