"""What a diagram reserves, followed to whoever sends it: read from a release, nothing runs."""

from __future__ import annotations

import random
from collections.abc import Mapping

import pytest
from runtime_kit import DEFS, boundary, call, doc, el, end, flow, io, line, mi, msg, props, sig, start, user, z

from app.runtime.mending import Guard, guards_of
from app.runtime.models import FileKind
from app.runtime.parsed import ParsedRelease

DMN = b"""<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" id="t" name="t" namespace="t">
<inputData id="i1" name="score"/>
<decision id="verdict" name="verdict"><variable id="v" name="verdict"/>
<informationRequirement id="r"><requiredInput href="#i1"/></informationRequirement>
<literalExpression id="l"><text>if score &gt; 3 then "HIGH" else "LOW"</text></literalExpression></decision></definitions>"""

RULE = el("businessRuleTask", "d", z("calledDecision", decisionId="verdict", resultVariable="verdict"))
SENT = io([("score", "=amount * 2"), ("note", "=remark"), ("correlationKey", "=number")])


def release(*diagrams: bytes, key: int = 1) -> ParsedRelease:
    files = {f"{i}.bpmn": (FileKind.BPMN.value, [], xml) for i, xml in enumerate(diagrams)}
    return ParsedRelease(key, {**files, "t.dmn": (FileKind.DMN.value, ["verdict"], DMN)}, allow_undeclared=True)


def guards(*diagrams: bytes) -> Mapping[str, Guard]:
    return guards_of(release(*diagrams))


def sends(ext: str = SENT, ref: str = "M") -> bytes:
    return doc(el("intermediateThrowEvent", "t", ext, msg(ref)) + user("a") + line("a", "t"))


def takes(before: str = "", outputs: str = "") -> bytes:
    return doc(before + el("intermediateCatchEvent", "m", outputs, msg()) + RULE + line("m", "d"), pid="q")


def reserved(guard: Guard, *names: str) -> set[str]:
    return {name for name in names if guard.reserves(name)}


WAITS = {
    "a catch event": takes(),
    "a catch event that maps": takes(outputs=io((), [("score", "=score")])),
    "a receive task": doc(el("receiveTask", "m", messageRef="M") + RULE + line("m", "d"), pid="q"),
    "an event behind an event gateway": doc(
        el("eventBasedGateway", "g")
        + el("intermediateCatchEvent", "m", io((), [("score", "=score")]), msg())
        + RULE
        + line("g", "m", "d"),
        pid="q",
    ),
    "a boundary event": doc(
        user("u") + boundary("b", "u", msg(), ext=io((), [("score", "=score")])) + RULE + line("u", "d") + flow("b", "d"), pid="q"
    ),
    "an event sub-process": doc(
        user("u")
        + el(
            "subProcess",
            "es",
            inner=el("startEvent", "es1", inner=msg(), isInterrupting="false") + RULE + end("es2") + flow("es1", "d", "es2"),
            triggeredByEvent="true",
        )
        + line("u"),
        pid="q",
    ),
}  # fmt: skip


@pytest.mark.parametrize("how", WAITS)
def test_what_goes_with_a_message_to_a_decision_is_reserved_with_the_sender(how: str) -> None:
    found = guards(sends(), WAITS[how])
    assert reserved(found["p"], "amount", "remark", "number", "other") == {"amount", "number"}
    assert found["p"].reserves("amount") == (
        "The variable amount goes with the message “stop” to q, where a decision rests on it."
    )
    assert "chooses who gets the message “stop”" in (found["p"].reserves("number") or "")
    assert "chooses which message “stop” comes to" in (found["q"].reserves("k") or "")


@pytest.mark.parametrize(
    "sender",
    [
        doc(el("sendTask", "t", SENT, messageRef="M") + line("t")),
        doc(el("endEvent", "t", SENT, msg()) + start() + flow("s", "t")),
        doc(el("sendTask", "t", SENT, mi("=amounts", "amount"), messageRef="M") + line("t")),
    ],
    ids=("a send task", "a message end event", "one message for each"),
)
def test_every_way_of_sending_is_followed(sender: bytes) -> None:
    found = guards(sender, takes())["p"]
    assert reserved(found, "amount", "remark", "number") == {"amount", "number"}
    assert bool(found.reserves("amounts")) == (b"amounts" in sender)


def test_a_message_that_starts_a_process_has_no_key_to_reserve() -> None:
    starts = doc(el("startEvent", "s", "", msg("M0")) + end() + RULE + flow("s", "d", "e"), pid="q")
    found = guards(sends(ref="M0"), starts)
    assert reserved(found["p"], "amount", "remark", "number") == {"amount"}


def test_it_is_followed_through_mappings_processes_and_back() -> None:
    """p sends to q, q works it out and sends it on to r, where it is mapped to what the table reads."""
    names = '<bpmn:message id="N" name="next"/>'
    defs = names + '<bpmn:message id="M0" name="begin"/>'
    first = doc(el("endEvent", "t", io([("raw", "=amount")]), msg("M0")) + start() + flow("s", "t"), defs)
    work = el("scriptTask", "c", z("script", expression="=raw + bonus", resultVariable="sum"))
    second = doc(
        el("startEvent", "s", "", msg("M0"))
        + work
        + el("endEvent", "t", io([("total", "=sum")]), msg("N"))
        + flow("s", "c", "t"),
        defs,
        pid="q",
    )
    third = doc(
        el("startEvent", "s", io((), [("score", "=total + base")]), msg("N")) + end() + RULE + flow("s", "d", "e"),
        defs,
        pid="r",
    )
    found = guards(first, second, third)
    assert reserved(found["p"], "amount") == {"amount"}
    assert reserved(found["q"], "raw", "bonus", "sum") == {"raw", "bonus", "sum"}
    assert reserved(found["r"], "base", "total") == {"base", "total"}


def test_the_outcome_of_a_decision_stays_one_where_a_message_or_a_call_takes_it() -> None:
    sent = el("intermediateThrowEvent", "t", io([("risk", "=verdict")]), msg())
    sender = doc(RULE + sent + call("c", "w", io([("level", "=verdict")])) + line("d", "t", "c"))
    receiver = doc(el("intermediateCatchEvent", "m", "", msg()) + line("m"), pid="q")
    called = doc(user("u") + line("u"), pid="w")
    found = guards(sender, receiver, called)
    assert "outcome of a decision" in (found["q"].reserves("risk") or "")
    assert "outcome of a decision" in (found["w"].reserves("level") or "")


def test_a_message_is_followed_to_another_release_and_back() -> None:
    """p of one release sends to q of another, which sends on to r of the first: a decision there rests on what p sent."""
    defs = DEFS + '<bpmn:message id="N" name="next"/>'
    on = el("endEvent", "t", io([("score", "=score + bonus")]), msg("N"))
    catch = el("intermediateCatchEvent", "m", io((), [("score", "=score")]), msg())
    middle = doc(catch + on + start() + flow("s", "m", "t"), defs, pid="q")
    last = doc(el("startEvent", "s", "", msg("N")) + end() + RULE + flow("s", "d", "e"), defs, pid="r")
    own, other = release(sends(), last), release(middle, key=2)
    assert reserved(guards_of(own)["p"], "amount", "remark", "number") == set()
    assert reserved(guards_of(own, [other])["p"], "amount", "remark", "number") == {"amount", "number"}
    assert reserved(guards_of(other, [own])["q"], "bonus", "k", "free") == {"bonus", "k"}
    third = release(doc(user("u") + line("u"), pid="w"), key=3)
    assert reserved(guards_of(own, [third])["p"], "amount") == set()


def test_the_outcome_of_a_decision_of_another_release_stays_one() -> None:
    sent = el("intermediateThrowEvent", "t", io([("risk", "=verdict")]), msg())
    sender = release(doc(RULE + sent + line("d", "t")))
    receiver = release(doc(el("intermediateCatchEvent", "m", "", msg()) + line("m"), pid="q"), key=2)
    assert guards_of(receiver)["q"].reserves("risk") is None
    assert "outcome of a decision" in (guards_of(receiver, [sender])["q"].reserves("risk") or "")


def test_a_message_that_no_decision_rests_on_reserves_nothing() -> None:
    receiver = doc(el("intermediateCatchEvent", "m", "", msg()) + user("u") + line("m", "u"), pid="q")
    found = guards(sends(), receiver)
    assert reserved(found["p"], "amount", "remark", "number") == set()
    assert reserved(found["q"], "k", "score") == set()
    mapped = guards(sends(), takes(outputs=io((), [("text", "=note")])))
    assert reserved(mapped["p"], "amount", "remark", "number") == set()
    assert reserved(mapped["q"], "k") == set(), "only what is mapped comes in"


def test_another_message_of_the_release_and_a_signal_carry_nothing_to_it() -> None:
    found = guards(sends(ref="M0"), takes())["p"]
    assert reserved(found, "amount", "number") == set()
    thrower = doc(el("intermediateThrowEvent", "t", "", sig()) + user("a") + line("a", "t"))
    waiter = doc(el("intermediateCatchEvent", "m", "", sig()) + RULE + line("m", "d"), pid="q")
    assert reserved(guards(thrower, waiter)["p"], "amount") == set()


def test_a_signal_carries_what_a_decision_rests_on_as_a_message_does() -> None:
    thrower = doc(el("endEvent", "t", io([("score", "=amount")]), sig()) + start() + flow("s", "t"))
    waiter = doc(el("intermediateCatchEvent", "m", "", sig()) + RULE + line("m", "d"), pid="q")
    assert reserved(guards(thrower, waiter)["p"], "amount", "remark") == {"amount"}
    assert "goes with the signal “alarm” to q" in (guards(thrower, waiter)["p"].reserves("amount") or "")


def test_what_an_event_works_out_for_a_decision_is_followed() -> None:
    """The output mapping of an event may read what the instance has already."""
    found = guards(takes(outputs=io((), [("score", "=got + bonus")])))["q"]
    assert reserved(found, "bonus", "k", "free") == {"bonus", "k"}


def test_who_decides_by_what_a_message_brings() -> None:
    signed = user("d", z("assignmentDefinition", candidateGroups="=score") + props(freshAuthentication="true"))
    receiver = doc(el("intermediateCatchEvent", "m", "", msg()) + signed + line("m", "d"), pid="q")
    assert reserved(guards(sends(), receiver)["p"], "amount", "number") == {"amount", "number"}


@pytest.mark.parametrize("seed", range(3))
def test_a_long_way_is_followed_in_whatever_order_it_is_drawn(seed: int) -> None:
    steps = [
        el("scriptTask", f"c{n}", z("script", expression=f"=v{n} + 1", resultVariable=f"v{n + 1}")) for n in range(60)
    ]
    drawn = list(steps)
    random.Random(seed).shuffle(drawn)
    signed = user("d", z("assignmentDefinition", candidateGroups="=v60") + props(freshAuthentication="true"))
    found = guards(doc("".join(drawn) + signed + line(*(f"c{n}" for n in range(60)), "d")))["p"]
    assert set(found.inputs) == {f"v{n}" for n in range(61)}
