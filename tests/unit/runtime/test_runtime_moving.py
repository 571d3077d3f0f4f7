"""Moving an instance to another release, without a database: what is carried over, what is armed, what stands in the way."""

from __future__ import annotations

import random
import re
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from runtime_kit import (
    Clock,
    Play,
    boundary,
    call,
    doc,
    el,
    end,
    esp,
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
)
from test_runtime_folding import Generator, view

from app.runtime import codec
from app.runtime.dialect.parser import Release, parse_release
from app.runtime.engine.fold import fold
from app.runtime.engine.host import PlainHost
from app.runtime.engine.workflow import Instance
from app.runtime.moving.arming import Armed, Arming
from app.runtime.moving.elements import ElementMap, MappingRefused
from app.runtime.moving.translation import Translation, Translator


class Moving:
    """One instance that moves from the release it plays on to another."""

    def __init__(self, play: Play, xml: bytes | list[bytes], mapping: dict[str, str] | None = None) -> None:
        files = xml if isinstance(xml, list) else [xml]
        self.play = play
        self.target = parse_release({f"{i}.bpmn": data for i, data in enumerate(files)})
        self.elements = ElementMap(play.pid, mapping or {})
        self.elements.check(play.release, self.target)
        fold(play.wf)
        data = codec.read(codec.dumps(play.wf), play.release, play.pid)
        self.made: Translation = Translator(play.release, self.target, self.elements).translate(data, play.pid)

    @property
    def why(self) -> list[str]:
        return [each.message for each in self.made.obstacles]

    def go(self, *recompute: str) -> Armed:
        """Move, and let the play go on there."""
        assert self.why == []
        wf = codec.restore(self.made.data, self.target, self.play.pid, self.play.host)
        armed = Arming(wf, self.made, self.elements, recompute).run()
        assert [each.message for each in armed.obstacles] == []
        self.play.wf, self.play.release = wf, self.target
        return armed


def at(xml: bytes, *done: str, **values: Any) -> Play:
    play = Play(xml, values)
    for name in done:
        play.do(name)
    return play


# ------------------------------------------------------------------------------------------------ what is carried over
def test_a_task_added_after_the_open_one_is_asked_for() -> None:
    play = at(doc(user("a") + user("b") + line("a", "b")), "a", n=7)
    Moving(play, doc(user("a") + user("b") + user("c") + line("a", "b", "c"))).go()
    assert play.names() == ["b"]
    play.do("b")
    assert play.names() == ["c"]
    play.do("c")
    assert play.clean
    assert play.vars == {"n": 7}


def test_a_renamed_element_is_found_by_the_mapping_and_its_count_goes_along() -> None:
    play = at(doc(user("a") + user("b") + line("a", "b")), "a")
    target = doc(user("first") + user("second") + line("first", "second"))
    assert Moving(play, target).why == ["b is open, and is not in the other release."]
    Moving(play, target, {"a": "first", "b": "second"}).go()
    assert play.names() == ["second"]
    assert play.wf.done["p"] == {"first": 1, "s": 1}


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        ({"x": "first"}, "There is no element x in the release that the cases run on."),
        ({"a": "x"}, "There is no element x in the release to move to."),
        ({"a": "first", "b": "first"}, "would both become first"),
        ({"a": "e"}, "would both become e"),
        ({"other/a": "first"}, "There is no element first in the release to move to."),
    ],
)
def test_an_unsound_mapping_is_refused(mapping: dict[str, str], message: str) -> None:
    play = at(doc(user("a") + user("b") + line("a", "b")))
    with pytest.raises(MappingRefused, match=message):
        Moving(play, doc(user("first") + user("b") + line("first", "b")), mapping)


def test_two_elements_may_change_their_ids_for_each_others() -> None:
    play = at(doc(user("a") + user("b") + line("a", "b")), "a")
    Moving(play, doc(user("a") + user("b") + line("b", "a")), {"a": "b", "b": "a"}).go()
    assert play.names() == ["a"]
    play.do("a")
    assert play.clean


def test_an_element_of_a_called_process_is_mapped_by_process_and_element() -> None:
    inner = doc(user("x") + line("x"), pid="q")
    play = Play([doc(call("c", "q") + line("c")), inner])
    renamed = doc(user("y") + line("y"), pid="q")
    outer = doc(call("c", "q") + line("c"))
    assert Moving(play, [outer, renamed]).why == ["x is open, and is not in the other release."]
    Moving(play, [outer, renamed], {"q/x": "y"}).go()
    assert play.names() == ["y"]
    play.do("y")
    assert play.clean


# ------------------------------------------------------------------------------------------------ timers and events
def timed(rule: str, cancel: bool = True, extra: str = "") -> bytes:
    return doc(
        user("a")
        + boundary("t", "a", timer("Duration", rule), cancel)
        + user("late")
        + end("e2")
        + line("a")
        + flow("t", "late", "e2")
        + extra
    )


def test_an_armed_timer_keeps_its_instant_whatever_its_rule_says() -> None:
    play = Play(timed("P8D"))
    due = play.due
    play.clock.plus(days=1)
    armed = Moving(play, timed("P2D")).go()
    assert play.due == due
    assert [(each.element_id, each.what) for each in armed.timers] == [("t", "kept")]
    assert armed.timers[0].would_be is not None
    play.later(days=6)
    assert play.names() == ["a"]
    play.later(days=2)
    assert play.names() == ["late"]


def test_a_timer_that_somebody_names_is_computed_by_the_new_rule() -> None:
    play = Play(timed("P8D"))
    armed = Moving(play, timed("P2D")).go("t")
    assert play.due == "2026-01-07T09:00:00+00:00"
    assert armed.timers[0].what == "recomputed"
    assert armed.named == {"t"}


def test_a_new_boundary_event_is_armed_and_one_that_is_gone_is_not() -> None:
    plain = doc(user("a") + line("a"))
    play = Play(plain)
    armed = Moving(play, timed("P2D")).go()
    assert [(each.element_id, each.what) for each in armed.timers] == [("t", "new")]
    assert play.due == "2026-01-07T09:00:00+00:00"
    back = Moving(play, plain).go()
    assert [(each.element_id, each.what) for each in back.timers] == [("t", "gone")]
    assert play.due is None
    play.do("a")
    assert play.clean


def test_a_new_event_fires_and_its_activity_is_cancelled() -> None:
    play = Play(doc(user("a") + line("a")))
    Moving(play, timed("P2D")).go()
    play.reload()
    play.later(days=3)
    assert play.names() == ["late"]
    play.do("late")
    assert play.clean


def test_a_reminder_that_has_fired_does_not_fire_again() -> None:
    play = Play(timed("P1D", cancel=False))
    play.later(days=2)
    assert play.names() == ["a", "late"]
    armed = Moving(play, timed("P1D", cancel=False)).go()
    assert armed.timers == []
    assert play.due is None
    play.later(days=9)
    assert play.names() == ["a", "late"]


def test_what_is_due_already_does_not_fire_in_the_move() -> None:
    play = Play(doc(user("a") + line("a")))
    past = boundary("t", "a", timer("Date", '=date and time("2026-01-01T00:00:00Z")'))
    target = doc(user("a") + past + user("late") + end("e2") + line("a") + flow("t", "late", "e2"))
    armed = Moving(play, target).go()
    assert play.names() == ["a"]
    assert armed.notes == ["t is new and due already: it fires right after the move."]
    play.wf.advance()
    assert play.names() == ["late"]


def test_a_timer_is_bound_to_the_deadline_that_its_new_rule_asks_for() -> None:
    clock = Clock()
    host = PlainHost(clock)
    host.deadlines["review"] = clock().replace(day=20)
    play = Play(timed("P8D"), host=host)
    dated = doc(
        user("a")
        + boundary("t", "a", timer("Date", '=deadline("review")'))
        + user("late")
        + end("e2")
        + line("a")
        + flow("t", "late", "e2")
    )
    due = play.due
    Moving(play, dated).go()
    assert play.due == due
    host.deadlines["review"] = clock().replace(day=25)
    assert play.wf.rearm("review") == 1
    assert play.due == "2026-01-25T09:00:00+00:00"


def test_an_event_sub_process_that_is_new_is_armed_and_one_that_is_gone_is_not() -> None:
    plain = doc(user("a") + line("a"))
    guarded = doc(user("a") + line("a") + esp("h", timer("Duration", "P3D"), interrupting=False))
    play = Play(plain)
    Moving(play, guarded).go()
    play.reload()
    play.later(days=4)
    assert play.names() == ["a", "h_u"]
    assert Moving(play, plain).why == ["h is open, and is not in the other release."]
    play.do("h_u")
    Moving(play, plain).go()
    assert play.names() == ["a"]
    play.do("a")
    assert play.clean


def test_a_message_with_another_name_is_waited_for_from_now_on() -> None:
    def waiting(name: str) -> bytes:
        defs = (
            f'<bpmn:message id="M" name="{name}"><bpmn:extensionElements>'
            '<zeebe:subscription correlationKey="=k"/></bpmn:extensionElements></bpmn:message>'
        )
        return doc(el("intermediateCatchEvent", "w", inner=msg()) + line("w"), defs=defs)

    play = Play(waiting("answer"), {"k": "1"})
    armed = Moving(play, waiting("reply")).go()
    assert armed.notes == ["w waits for the message reply instead of answer."]
    assert not play.wf.message("answer", "1")
    assert play.wf.message("reply", "1")
    assert play.clean


def test_an_interrupting_event_takes_over_and_nothing_new_is_armed_beside_it() -> None:
    guarded = doc(user("a") + line("a") + esp("h", timer("Duration", "P1D")))
    play = Play(guarded)
    play.later(days=2)
    assert play.names() == ["h_u"]
    more = doc(user("a") + line("a") + esp("h", timer("Duration", "P1D")) + esp("i", timer("Duration", "P1D")))
    Moving(play, more).go()
    assert play.due is None
    play.do("h_u")
    assert play.clean


# ------------------------------------------------------------------------------------------------ loops, calls, joins
def looped(**kw: Any) -> bytes:
    values = {"coll": "=[1,2,3]", "item": "it", "out": "all", "out_item": "=r", **kw}
    return doc(user("m", io((), [("r", "=v")]), mi(**values)) + user("b") + line("m", "b"))


@pytest.mark.parametrize("sequential", [False, True])
def test_a_multi_instance_goes_on_where_it_was(sequential: bool) -> None:
    play = Play(looped(seq=sequential))
    play.do("m", v=1)
    changed = looped(seq=sequential).replace(b'id="b"', b'id="b" name="Then"')
    Moving(play, changed).go()
    play.do("m", v=2)
    play.do("m", v=3)
    assert play.vars["all"] == [1, 2, 3]
    assert play.names() == ["b"]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"seq": True}, "The instances of m have begun all at once"),
        ({"item": "other"}, "The loop variables of m have other names"),
        ({"out": "results"}, "The loop variables of m have other names"),
    ],
)
def test_a_loop_of_another_shape_stands_in_the_way(changed: dict[str, Any], message: str) -> None:
    why = Moving(Play(looped()), looped(**changed)).why
    assert len(why) == 1
    assert why[0].startswith(message)


def test_a_task_that_becomes_a_loop_stands_in_the_way() -> None:
    play = Play(doc(user("m") + user("b") + line("m", "b")))
    assert Moving(play, looped()).why == ["m is done once, in the other release several times."]
    assert Moving(Play(looped()), doc(user("m") + user("b") + line("m", "b"))).why[0] == (
        "m is done several times, in the other release once."
    )


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        (user("a"), script("a", "=1", "x"), "a is a user task, in the other release a script task."),
        (
            el("intermediateCatchEvent", "a", inner=timer("Duration", "P1D")),
            el("intermediateCatchEvent", "a", inner=msg()),
            "a waits for a timer, in the other release for a message.",
        ),
        (
            user("a", props(case="=k")),
            user("a", props(case="=other")),
            "a would belong to another case in the other release.",
        ),
        (
            sub("a", start("i") + user("x") + end("j") + flow("i", "x", "j")),
            sub("a", start("i") + end("j") + flow("i", "j")),
            "x is open, and is not in the other release.",
        ),
    ],
)
def test_an_element_that_is_something_else_stands_in_the_way(before: str, after: str, message: str) -> None:
    play = Play(doc(before + line("a")), {"k": "1", "other": "2"})
    assert Moving(play, doc(after + line("a"))).why == [message]


def test_an_element_in_another_sub_process_stands_in_the_way() -> None:
    play = Play(doc(user("a") + line("a")))
    inside = sub("w", start("i") + user("a") + end("j") + flow("i", "a", "j"))
    assert Moving(play, doc(inside + line("w"))).why == [
        "a is open, and stands in another sub-process in the other release."
    ]


def test_another_called_process_stands_in_the_way_and_the_called_one_moves_along() -> None:
    called = [doc(user("x") + line("x"), pid=pid) for pid in ("q", "r")]
    play = Play([doc(call("c", "q") + line("c")), *called])
    assert Moving(play, [doc(call("c", "r") + line("c")), *called]).why == [
        "c runs q, and would call r in the other release."
    ]
    more = doc(user("x") + user("y") + line("x", "y"), pid="q")
    Moving(play, [doc(call("c", "q") + line("c")), more]).go()
    play.do("x")
    play.do("y")
    assert play.clean


def test_a_called_process_that_is_not_published_any_more_stands_in_the_way() -> None:
    play = Play([doc(call("c", "q") + line("c")), doc(user("x") + line("x"), pid="q")])
    assert Moving(play, doc(call("c", "q") + line("c"))).why == ["What runs inside c is not part of the other release."]


def forked(*branches: str, more: str = "") -> bytes:
    ids = [name for branch in branches for name in branch.split()]
    return doc(
        "".join(user(i) for i in ids)
        + el("parallelGateway", "g")
        + el("parallelGateway", "j")
        + start()
        + end()
        + flow("s", "g")
        + "".join(flow("g", *branch.split(), "j") for branch in branches)
        + flow("j", "e")
        + more
    )


def test_a_token_that_waits_at_a_join_waits_there_again() -> None:
    play = at(forked("a", "b"), "a")
    Moving(play, forked("a", "b x")).go()
    play.do("b")
    assert play.names() == ["x"]
    play.do("x")
    assert play.clean


def test_a_join_that_would_wait_for_ever_stands_in_the_way() -> None:
    both = Moving(Play(forked("a", "b")), forked("a", "b", "c"))
    assert both.why == [
        "The parallel gateway j would wait for ever: the case has passed the place from where c is reached."
    ]
    assert Moving(at(forked("a", "b"), "a"), forked("a", "b", "c")).why == [
        "Part of the case waits at j, whose incoming flows are others in the other release."
    ]


def test_a_branch_that_is_added_before_the_fork_is_passed_is_waited_for() -> None:
    def after_a_task(*branches: str) -> bytes:
        moved = forked(*branches).replace(b'sourceRef="s" targetRef="g"', b'sourceRef="s" targetRef="z"')
        inside = user("z") + flow("z", "g") + "</bpmn:process>"
        return moved.replace(b"</bpmn:process>", inside.encode())

    play = Play(after_a_task("a", "b"))
    Moving(play, after_a_task("a", "b", "c")).go()
    play.do("z")
    assert play.names() == ["a", "b", "c"]
    for name in ("a", "b", "c"):
        play.do(name)
    assert play.clean


def test_events_of_an_event_based_gateway_must_be_the_same() -> None:
    def gateway(*events: str) -> bytes:
        return doc(
            el("eventBasedGateway", "g")
            + "".join(events)
            + start()
            + end()
            + flow("s", "g")
            + "".join(flow("g", event.split('id="')[1].split('"')[0], "e") for event in events)
        )

    one = el("intermediateCatchEvent", "t1", inner=timer("Duration", "P1D"))
    two = el("intermediateCatchEvent", "t2", inner=timer("Duration", "P2D"))
    word = el("intermediateCatchEvent", "m", inner=msg())
    play = Play(gateway(one, word), {"k": "1"})
    assert Moving(play, gateway(one, word, two)).why == ["g waits for events that are others in the other release."]
    Moving(play, gateway(word, one).replace(b'"t1"', b'"t9"'), {"t1": "t9"}).go()
    play.reload()
    assert play.due == "2026-01-06T09:00:00+00:00"
    play.later(days=2)
    assert play.clean


# ------------------------------------------------------------------------------------------------ variables
@pytest.mark.parametrize(
    ("declared", "message"),
    [
        ({"variable__m": "number"}, "The variable n has a value, and is not declared in the other release."),
        (
            {"variable__n": "boolean"},
            "The value of the variable n does not fit its type in the other release, boolean.",
        ),
        ({"variable__n": "number"}, None),
    ],
)
def test_values_must_fit_what_the_other_release_declares(declared: dict[str, str], message: str | None) -> None:
    play = Play(doc(user("a") + line("a"), ext=props(variable__n="number")), {"n": 3})
    why = Moving(play, doc(user("a") + line("a"), ext=props(**declared))).why
    assert why == ([] if message is None else [message])


def test_an_element_that_something_inside_the_case_speaks_of_keeps_its_id() -> None:
    play = Play(doc(user("a") + line("a")), {"subject": "a"})
    assert Moving(play, doc(user("b") + line("b")), {"a": "b"}).why == [
        "Something that runs inside the case speaks of a by its id (variable subject)."
    ]


def test_what_an_activity_was_given_stays_and_the_plan_says_so() -> None:
    play = Play(doc(user("a", io([("x", "=1")], [("y", "=x")])) + line("a")))
    changed = doc(user("a", io([("x", "=2")], [("y", "=x")])) + line("a"))
    assert Moving(play, changed).go().notes == [
        "a is given other values in the other release; here it keeps what it was given."
    ]
    play.do("a")
    assert play.vars["y"] == 1


def test_a_failed_operation_is_tried_again_on_the_new_release() -> None:
    play = Play(doc(service("w", "none") + line("w")))
    assert play.incidents == ["There is no operation named none."]
    play.host.operations["some"] = lambda inputs: {}
    Moving(play, doc(service("w", "some") + line("w"))).go()
    play.wf.retry(next(iter(play.wf.incidents)))
    assert play.clean


# ------------------------------------------------------------------------------------------------ nothing is different
_ID = re.compile(r'(id|sourceRef|targetRef|attachedToRef|default)="((?!p"|D"|M|S"|E|C")[^"]+)"')


def renamed(xml: bytes) -> tuple[bytes, dict[str, str]]:
    """The same diagram under other ids."""
    mapping: dict[str, str] = {}

    def other(found: re.Match[str]) -> str:
        name = found[2]
        return f'{found[1]}="{mapping.setdefault(name, f"z{len(mapping)}_{name}")}"'

    said = _ID.sub(other, xml.decode())
    return said.encode(), mapping


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 2**32))
def test_moving_to_the_same_diagram_under_other_ids_is_like_not_moving(seed: int) -> None:
    rnd = random.Random(seed)
    x, a, b = Generator(rnd).block(4)
    xml = doc(start() + x + end() + flow("s", a) + flow(b, "e"))
    other_xml, mapping = renamed(xml)
    source, target = Release(), Release()
    source.add(xml)
    target.add(other_xml)
    elements = set(source.processes["p"].elements)
    there = ElementMap("p", {old: new for old, new in mapping.items() if old in elements})
    back = ElementMap("p", {new: old for old, new in mapping.items() if old in elements})
    there.check(source, target)
    clock = Clock()
    host = PlainHost(clock)

    def made() -> Instance:
        return Instance(source.processes["p"], source.blueprints, host, variables={"p": True, "q": False})

    def over(wf: Instance, one: Release, other: Release, names: ElementMap) -> Instance:
        fold(wf)
        said = Translator(one, other, names).translate(codec.state_of(wf), "p")
        assert said.obstacles == []
        moved = codec.restore(said.data, other, "p", host)
        armed = Arming(moved, said, names).run()
        assert (armed.obstacles, armed.notes, armed.timers) == ([], [], [])
        return moved

    stays, moves, here = made(), made(), True
    for _ in range(40):
        stays.advance()
        moves.advance()
        fold(stays)
        if rnd.random() < 0.5:
            moves = over(moves, *((source, target, there) if here else (target, source, back)))
            here = not here
        home = moves if here else over(moves, target, source, back)
        fold(home)
        assert view(home) == view(stays)
        if stays.completed:
            break
        tasks = stays.user_tasks()
        if not tasks or rnd.random() < 0.25:
            clock.plus(hours=rnd.randint(1, 4))
            continue
        task_id = rnd.choice(tasks).id
        values = {"v": rnd.randint(1, 9), "p": rnd.random() < 0.5, "q": rnd.random() < 0.5}
        for wf in (stays, moves):
            wf.complete_task(task_id, values)


_FLOW = re.compile(r'<bpmn:sequenceFlow id="([^"]+)" sourceRef="([^"]+)" targetRef="([^"]+)">')
_FORK = re.compile(r'<bpmn:parallelGateway id="(g\d+)">')


def redrawn(xml: bytes, rnd: random.Random) -> bytes:
    """The same diagram with tasks drawn into some of its flows, and branches added between some forks and their joins."""
    text, flows = xml.decode(), _FLOW.findall(xml.decode())
    for n, (flow_id, source, target) in enumerate(rnd.sample(flows, min(len(flows), rnd.randint(0, 3)))):
        old = f'<bpmn:sequenceFlow id="{flow_id}" sourceRef="{source}" targetRef="{target}">'
        new = f'<bpmn:sequenceFlow id="{flow_id}" sourceRef="{source}" targetRef="n{n}">'
        more = (
            user(f"n{n}") + f'<bpmn:sequenceFlow id="n{n}f" sourceRef="n{n}" targetRef="{target}"></bpmn:sequenceFlow>'
        )
        text = text.replace(old, more + new)
    for fork in _FORK.findall(text):
        join = f"j{int(fork[1:]) + 1}"
        if rnd.random() < 0.3:
            branch = user(f"{fork}n") + flow(fork, f"{fork}n", join)
            text = text.replace(f'<bpmn:parallelGateway id="{fork}">', f'{branch}<bpmn:parallelGateway id="{fork}">')
    return text.encode()


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 2**32))
def test_what_moves_to_a_redrawn_diagram_comes_to_its_end_there(seed: int) -> None:
    """Either a sentence says why it cannot move, or nothing in it waits for ever."""
    rnd = random.Random(seed)
    x, a, b = Generator(rnd).block(4)
    xml = doc(start() + x + end() + flow("s", a) + flow(b, "e"))
    source, target = Release(), Release()
    source.add(xml)
    target.add(redrawn(xml, rnd))
    clock = Clock()
    host = PlainHost(clock)
    wf = Instance(source.processes["p"], source.blueprints, host, variables={"p": True, "q": False})
    names, moved = ElementMap("p"), False
    for _ in range(400):
        wf.advance()
        fold(wf)
        if wf.completed:
            return
        if not moved and rnd.random() < 0.3:
            said = Translator(source, target, names).translate(codec.state_of(wf), "p")
            if not said.obstacles:
                wf = codec.restore(said.data, target, "p", host)
                assert Arming(wf, said, names).run().obstacles == []
                for each in wf.flows():
                    each.update_waiting_tasks()
                moved = True
                continue
            assert all(each.message and each.remedy for each in said.obstacles)
        assert wf.incidents == {}
        tasks = wf.user_tasks()
        if not tasks or rnd.random() < 0.1:
            assert tasks or wf.next_due() is not None, f"stuck; moved: {moved}"
            clock.plus(hours=rnd.randint(1, 4))
            continue
        values = {"v": rnd.randint(1, 9), "p": rnd.random() < 0.5, "q": rnd.random() < 0.5}
        wf.complete_task(rnd.choice(tasks).id, values)
    raise AssertionError("it does not come to its end")
