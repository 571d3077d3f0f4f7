"""Files that nobody drew in good faith: the check always answers with problems, and what it lets through can be started.

Nothing here may hang, raise, or take more memory than the limits allow.
"""

from __future__ import annotations

import copy
import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree
from reference_diagram import draw
from reference_grow import Grower
from runtime_kit import (
    DEFS,
    HEAD,
    Play,
    boundary,
    call,
    doc,
    el,
    end,
    err,
    flow,
    io,
    line,
    mi,
    msg,
    props,
    script,
    sig,
    start,
    sub,
    timer,
    user,
    z,
)

from app.problems import Severity
from app.runtime.checker import check_bpmn
from app.runtime.checker.release import check_release
from app.runtime.dialect.parser import parse_release
from app.runtime.dialect.xml import MAX_BYTES, MAX_DEPTH


def errors(xml: bytes) -> list[tuple[str, str]]:
    found = check_bpmn(xml, "f.bpmn", allow_undeclared=True)
    assert all(p.what and p.remedy and p.file == "f.bpmn" for p in found)
    return [(p.element_id, p.what) for p in found if p.severity is Severity.ERROR]


def nested(depth: int) -> str:
    body = user("core")
    for n in range(depth):
        inner = "core" if n == 0 else f"n{n - 1}"
        body = sub(f"n{n}", start(f"s{n}") + body + end(f"e{n}") + flow(f"s{n}", inner, f"e{n}"))
    return body


# ------------------------------------------------------------------------------------------------ size and depth
@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>', "DOCTYPE"),
        (b'<!DOCTYPE a [<!ENTITY % x SYSTEM "http://127.0.0.1:9/x"> %x;]><a/>', "DOCTYPE"),
        (
            b'<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;">]><a>&c;</a>',
            "DOCTYPE",
        ),
        (b"<a>&undefined;</a>", "not well-formed"),
        (b"\xff\xfe\x00\x00", "not well-formed"),
        (b"<a/>" * 2, "not well-formed"),
        (b"\x00" * 5000, "not well-formed"),
        (b'<?xml version="1.0" encoding="no-such-thing"?><a/>', "not well-formed"),
        (b"<a " + b" ".join(b'a%d="1"' % n for n in range(100_000)) + b"/>", ""),
        (b"<a b='" + b"x" * (MAX_BYTES - 100) + b"'/>", ""),
        (b"<a>" + b"x" * MAX_BYTES + b"</a>", "larger than 2 MB"),
        (b"<a>" * (MAX_DEPTH + 1) + b"</a>" * (MAX_DEPTH + 1), "nests more than"),
        (b"<a>" * 200_000, "nests more than"),
        (b"<!--" + b"-" * 1_000_000, "not well-formed"),
        (b"<?pi " + b"x" * 1_000_000 + b"?><a/>", "not a BPMN diagram"),
    ],
)
def test_what_is_no_diagram_is_refused_before_it_is_read(data: bytes, what: str) -> None:
    found = check_bpmn(data, "f.bpmn")
    assert len(found) == 1
    assert what in found[0].what


MANY: dict[str, tuple[str, str]] = {
    "attributes": (el("task", "a", z("userTask", **{f"a{n}": "1" for n in range(101)})), "100 attributes"),
    "mappings": (user("a", io([(f"a{n}", f"=a{n - 1}") for n in range(501)])), "500 others"),
    "extension elements": (user("a", "<zeebe:userTask/>" * 2501), "2,500 others"),
    "lane references": (
        f'<bpmn:laneSet id="l"><bpmn:lane id="m">{"<bpmn:flowNodeRef>a</bpmn:flowNodeRef>" * 2501}</bpmn:lane></bpmn:laneSet>',
        "2,500 others",
    ),
    "tasks without ids": ("<bpmn:task/>" * 2000, "2,000 elements"),
    "flows without ids": ('<bpmn:sequenceFlow sourceRef="s" targetRef="a"/>' * 2000, "2,000 elements"),
}


@pytest.mark.parametrize("name", MANY)
def test_there_is_not_more_of_anything_than_every_check_can_bear(name: str) -> None:
    body, what = MANY[name]
    found = check_bpmn(doc(body + user("b") + line("b")), "f.bpmn", allow_undeclared=True)
    assert [what in p.what for p in found] == [True]


def test_more_variables_than_anybody_declares() -> None:
    ext = props(**{f"variable__v{n}": "number" for n in range(501)})
    assert "500 others" in check_bpmn(doc(user("b") + line("b"), ext=ext), "f.bpmn")[0].what


def test_no_more_problems_are_told_than_a_person_can_use() -> None:
    """Of nine hundred, errors come before warnings, and no sentence repeats the file."""
    ids = [f"a{n}" for n in range(300)]
    body = "".join(script(i, f"=1 + {'x' * 3000} +", "n") + user(f"u{i}") for i in ids)
    found = check_bpmn(doc(body + line(*[x for i in ids for x in (i, f"u{i}")])), "f.bpmn", allow_undeclared=True)
    assert len(found) == 501
    assert found[-1].what.endswith("more problems.")
    assert [p.severity for p in found[:300]] == [Severity.ERROR] * 300
    assert max(len(p.what) for p in found) < 600


@pytest.mark.parametrize(
    "expression",
    [
        "1+" * 900_000 + "1",
        "(" * 300_000 + "1" + ")" * 300_000,
        "if true then " * 50_000 + "1" + " else 2" * 50_000,
        "[" * 100_000 + "]" * 100_000,
        "not(" * 100_000 + "true" + ")" * 100_000,
        "a." * 400_000 + "a",
        "-" * 500_000 + "1",
        "for i in 1..9 return " * 30_000 + "1",
        '"' + "\\u0041" * 200_000 + '"',
    ],
)
def test_expressions_of_any_length_and_depth(expression: str) -> None:
    """Refused as too long or too deep; a text that is only long is let through."""
    found = errors(doc(script("x", f"={expression}", "n") + line("x")))
    assert [element for element, _ in found] == ["x"]


@pytest.mark.parametrize(
    "expression",
    [
        "for a in 1..100000, b in 1..100000 return a",
        "some a in 1..1000000000 satisfies a < 0",
        'matches("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!", "(a+)+$")',
        "{f: function(n) f(n), r: f(1)}.r",
        'string join(for i in 1..1000000 return "0123456789", "")',
        "10 ** 10 ** 10",
        "9" * 5000,
        "substring(string(10 ** 1000), 1, 100000000)",
    ],
)
def test_expressions_that_would_never_end_or_grow_are_incidents(expression: str) -> None:
    """Or null, or a value within the limits: the step ends either way."""
    xml = doc(script("x", f"={expression}", "n") + user("a") + line("x", "a"))
    if errors(xml):
        return
    play = Play(xml)
    play.reload()
    assert play.names() == ["a"] or len(play.incidents) == 1


def test_sub_processes_nest_as_deep_as_is_let_through_and_run() -> None:
    xml = doc(nested(25) + line("n24"))
    assert errors(xml) == []
    play = Play(xml)
    play.reload()
    play.do("core")
    assert play.clean


@pytest.mark.parametrize(
    ("depth", "said"),
    [(26, ("n0", "Sub-processes nest more than 25 deep.")), (120, ("", "The file nests more than 100 deep."))],
)
def test_nested_too_deep(depth: int, said: tuple[str, str]) -> None:
    assert errors(doc(nested(depth) + line(f"n{depth - 1}"))) == [said]


def test_two_thousand_elements_that_all_lead_to_each_other() -> None:
    """As many flows as the limit allows: the checks that follow paths must not try all paths."""
    ids = [f"g{n}" for n in range(40)]
    body = "".join(el("inclusiveGateway", i) for i in ids) + start() + end() + flow("s", ids[0]) + flow(ids[-1], "e")
    pairs = [(a, b) for a in ids for b in ids if a != b]
    body += "".join(flow(a, b, cond="=true") for a, b in pairs[:1850])
    assert all(element in ids or element.startswith("f") for element, _ in errors(doc(body)))


def test_a_ladder_of_choices_with_a_million_paths() -> None:
    body, before = start(), "s"
    for n in range(60):
        body += el("exclusiveGateway", f"x{n}", default=f"d{n}") + script(f"a{n}", "=1", f"v{n}")
        body += el("task", f"b{n}") + el("inclusiveGateway", f"j{n}", default=f"o{n}")
        body += flow(before, f"x{n}", id=f"o{n - 1}" if n else None) + flow(f"x{n}", f"a{n}", cond="=true")
        body += flow(f"x{n}", f"b{n}", id=f"d{n}") + flow(f"a{n}", f"j{n}") + flow(f"b{n}", f"j{n}")
        before = f"j{n}"
    body += end() + flow(before, "e", id="o59")
    assert errors(doc(body)) == []
    assert Play(doc(body)).clean


# ------------------------------------------------------------------------------------------------ very many at once
def each(n: int) -> str:
    return mi(f"=for i in 1..{n} return i", "i")


def test_no_activity_has_more_instances_than_a_step_can_bear() -> None:
    play = Play(doc(user("u", inner=each(2001)) + line("u")))
    assert play.incidents == [
        "The collection =for i in 1..2001 return i has 2,001 items; an activity takes at most 2,000."
    ]
    assert len(Play(doc(user("u", inner=each(2000)) + line("u"))).names()) == 2000


def test_many_times_many_is_stopped_before_it_is_made() -> None:
    """Two hundred instances of an activity with two hundred each: the first fifty are made, for the rest a person is asked."""
    inner = start("is") + user("t") + end("ie") + flow("is", "t", "ie") + each(200)
    outer = start("os") + sub("in", inner) + end("oe") + flow("os", "in", "oe") + each(200)
    play = Play(doc(sub("out", outer) + line("out")))
    assert 1000 < len(play.names()) <= 10_000
    assert {what.partition(" more than ")[2] for what in play.incidents} == {"10,000 tasks would be open at once."}
    assert sum(len(flow.tasks) for flow in play.wf.flows()) < 40_000


def test_a_thousand_timers_of_one_instance_go_off_at_once() -> None:
    wait = start("is") + el("intermediateCatchEvent", "c", inner=timer("Duration", "PT1H")) + end("ie")
    play = Play(doc(sub("sp", wait + flow("is", "c", "ie") + each(1000)) + line("sp")))
    play.later(hours=2)
    assert (play.clean, play.incidents) == (True, [])


def test_more_timers_than_one_wake_takes_are_left_for_the_next() -> None:
    inside = start("is") + user("u") + boundary("late", "u", timer("Duration", "PT1H")) + end("ie") + end("le")
    inside += flow("is", "u", "ie") + flow("late", "le")
    play = Play(doc(sub("sp", inside + each(2000)) + line("sp")))
    play.later(hours=2)
    left = len(play.names())
    assert 0 < left < 2000
    assert (play.incidents, play.wf.next_due() <= play.clock().timestamp() * 1000) == ([], True)
    while left := len(play.names()):
        play.reload()
        play.wf.advance()
        assert len(play.names()) < left
    assert (play.clean, play.incidents) == (True, [])


def test_a_loop_of_timers_that_are_due_at_once_is_no_backlog() -> None:
    again = el("exclusiveGateway", "again") + el("intermediateCatchEvent", "c", inner=timer("Duration", "PT0S"))
    play = Play(doc(start() + again + flow("s", "again", "c", "again")))
    assert play.incidents == ["The process took more than 10,000 steps without waiting."]


# ------------------------------------------------------------------------------------------------ references
@pytest.mark.parametrize(
    ("body", "element"),
    [
        (line("a") + user("a") + '<bpmn:sequenceFlow id="x" sourceRef="nobody" targetRef="a"/>', "x"),
        (line("a") + user("a") + '<bpmn:sequenceFlow id="x" sourceRef="a" targetRef="nobody"/>', "x"),
        (line("a") + user("a") + '<bpmn:sequenceFlow id="x" sourceRef="a"/>', "x"),
        (line("a") + user("a") + '<bpmn:sequenceFlow id="x" sourceRef="x" targetRef="x"/>', "x"),
        (line("a") + user("a") + boundary("x", "x", msg()) + flow("x", "e"), "x"),
        (line("a") + user("a") + boundary("x", "y", msg()) + boundary("y", "x", msg()) + flow("x", "e"), "x"),
        (line("a") + user("a") + el("receiveTask", "x", messageRef="x") + flow("a", "x"), "x"),
        (line("a") + user("a") + el("intermediateCatchEvent", "x", inner=msg("E")) + flow("a", "x"), "x"),
        (line("a") + user("a") + el("exclusiveGateway", "x", default="nothing") + flow("a", "x", "e"), "x"),
        (line("a") + user("a") + user("a"), "a"),
        (line("a") + user("a") + user(""), "p"),
        (line("a") + user("a") + sub("p", start("q") + end("r") + flow("q", "r")) + flow("a", "p"), "p"),
        (line("M") + user("M"), "M"),
    ],
)
def test_references_that_lead_nowhere_or_in_circles(body: str, element: str) -> None:
    assert element in [e for e, _ in errors(doc(body))]


@pytest.mark.parametrize(
    "name", ["Start", "End", "Root", "start", "(join)", "a [child]", "a.split", "x_s.trigger", "é", "a b"]
)
def test_no_id_collides_with_the_engines_own(name: str) -> None:
    """Ids that SpiffWorkflow or the dialect use themselves, and ids that are no XML names."""
    inner = start("x_s2") + el("task", "t") + end("x_e") + flow("x_s2", "t", "x_e")
    body = user(name, inner=mi("=[1,2]", "i")) + boundary("b", name, timer("Duration", "PT1H")) + sub("q", inner)
    body += user("a") + boundary("ab", "a", timer("Duration", "PT9H"), False) + flow("ab", "q")
    xml = doc(body + line(name, "a") + flow("b", "a"))
    if errors(xml):
        return
    play = Play(xml)
    assert play.names() == [name, name]
    play.reload()
    play.do(name)
    play.do(name)
    assert play.names() == ["a"]


def test_processes_that_call_each_other_are_refused() -> None:
    files = {
        f"{a}.bpmn": doc(call("c", b) + line("c"), pid=a) for a, b in (("a", "b"), ("b", "c"), ("c", "a"), ("d", "d"))
    }
    found = check_release(files, operations=None, allow_undeclared=True)
    said = [(p.file, p.element_id) for p in found if p.what == "The process calls itself, directly or through others."]
    assert ("d.bpmn", "d") in said
    assert len(said) > 1


def test_a_process_needs_an_id_and_names_an_end() -> None:
    body = user("a") + line("a")
    assert ("", True) in [(e, "has no id" in w) for e, w in errors(doc(body).replace(b' id="p"', b""))]
    assert "x" * 101 in [e for e, _ in errors(doc(user("x" * 101) + line("x" * 101)))]
    assert "x" * 101 in [e for e, _ in errors(doc(body, pid="x" * 101))]
    named = doc(body, DEFS.replace('name="alarm"', f'name="{"x" * 201}"'))
    assert ("S", "The name of this signal has more than 200 characters.") in errors(named)


def test_two_processes_of_one_id() -> None:
    process = f'<bpmn:process id="p" isExecutable="true">{user("a")}{line("a")}</bpmn:process>'
    xml = (HEAD + DEFS + process + process + "</bpmn:definitions>").encode()
    assert "p" in [e for e, _ in errors(xml)]


# ------------------------------------------------------------------------------------------------ anything at all
SEEDS = [
    doc(
        user("a", inner=mi("=[1,2]", "i", "o", "=i"))
        + boundary("b", "a", timer("Cycle", "R3/PT1H"), False)
        + el("eventBasedGateway", "g")
        + el("intermediateCatchEvent", "c1", inner=msg())
        + el("intermediateCatchEvent", "c2", inner=timer("Duration", "PT1H"))
        + sub("sp", start("q") + user("u") + el("endEvent", "t", inner=err()) + flow("q", "u", "t"))
        + boundary("b2", "sp", err())
        + sub("es", el("startEvent", "es_s", inner=sig()) + end("es_e") + flow("es_s", "es_e"), triggeredByEvent="true")
        + el("inclusiveGateway", "o", default="d")
        + line("a", "g")
        + flow("g", "c1", "sp", "o")
        + flow("g", "c2", "o")
        + flow("o", "e", id="d")
        + flow("o", "a", cond="=p")
        + flow("b", "e")
        + flow("b2", "o")
    )
]


def spoil(xml: bytes, r: random.Random) -> bytes:
    """A diagram with some things taken out, doubled, swapped or renamed."""
    root = etree.fromstring(xml)
    for _ in range(r.randint(1, 4)):
        nodes = [n for n in root.iter() if isinstance(n.tag, str) and n is not root]
        node, other = r.choice(nodes), r.choice(nodes)
        kind = r.randrange(7)
        if kind == 0:
            node.getparent().remove(node)
        elif kind == 1:
            node.getparent().append(copy.deepcopy(node))
        elif kind == 2 and node.attrib:
            del node.attrib[r.choice(list(node.attrib))]
        elif kind == 3 and node.attrib:
            node.set(r.choice(list(node.attrib)), r.choice((other.get("id") or "", "", "=1 +", "true", "\u00e9 x")))
        elif kind == 4:
            node.tag = other.tag
        elif kind == 5 and other not in list(node.iterancestors()) and node is not other:
            if node not in list(other.iterancestors()):
                other.append(copy.deepcopy(node))
        else:
            node.text = r.choice(("", "=", "=x[", "R3/PT0S", "nonsense", "PT1H"))
    spoilt: bytes = etree.tostring(root)
    return spoilt


@settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 2**32))
def test_a_spoilt_diagram_is_refused_or_runs(seed: int) -> None:
    r = random.Random(seed)
    xml = spoil(r.choice(SEEDS) if r.random() < 0.5 else draw(Grower(r).process(1)), r)
    if errors(xml):
        return
    release = parse_release({"f.bpmn": xml})
    process = next(iter(release.processes))
    if not any(event.plain for event in release.processes[process].start_events):
        return
    play = Play(xml, {"p": True, "q": False, "k": "k", "x": 0}, pid=process)
    for _ in range(5):
        tasks = play.wf.user_tasks()
        if not tasks:
            break
        play.wf.complete_task(r.choice(tasks).id, {"p": r.random() < 0.5})
        play.reload()
