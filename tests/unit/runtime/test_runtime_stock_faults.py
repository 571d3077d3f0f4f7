"""What SpiffWorkflow's own classes do wrong, leave out or pass over in silence, and where it is shown that ours do not.

Below the list stand the tests that have no better place.
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from runtime_kit import (
    DEFS,
    Play,
    boundary,
    call,
    doc,
    el,
    end,
    err,
    esca,
    esp,
    flow,
    io,
    line,
    mi,
    msg,
    script,
    service,
    sig,
    start,
    sub,
    timer,
    user,
    z,
)

from app.problems import Severity
from app.runtime.checker import check_bpmn
from app.runtime.engine.workflow import Instance
from app.runtime.errors import OperationError

TESTS = Path(__file__).parents[2]
UNIT, SERVICE = "unit/runtime/test_runtime_", "integration/runtime/test_runtime_service.py"
CELLS = (f"{UNIT}coverage.py", "test_every_event_in_every_place_runs_or_is_refused")
REFUSED = (f"{UNIT}checker.py", "test_what_cannot_be_done_faithfully_is_refused_with_its_element")
HERE = f"{UNIT}stock_faults.py"
SHOWN: dict[str, list[tuple[str, str]]] = {
    # elements
    "compensation does nothing": [CELLS, REFUSED],
    "link events do nothing": [CELLS, REFUSED],
    "a signal end event throws nothing": [
        (f"{UNIT}events.py", "test_signal_end_reaches_a_parallel_branch_and_the_world")
    ],
    "an error or escalation start of an event sub-process runs at once": [
        CELLS,
        (f"{UNIT}events.py", "test_errors_and_escalations_go_outwards"),
    ],
    "an interrupting event sub-process interrupts nothing": [(f"{UNIT}events.py", "test_event_sub_process")],
    "an event sub-process in a sub-process never triggers": [
        (f"{UNIT}events.py", "test_event_sub_process"),
        (HERE, "test_an_event_sub_process_in_a_sub_process_has_a_scope_of_its_own"),
    ],
    "a complex gateway or unknown tag that nothing reaches is ignored": [REFUSED],
    "a condition on a flow out of a task is ignored": [REFUSED],
    "several flows out of a task are an error": [
        (f"{UNIT}flow.py", "test_several_flows_out_of_a_task_all_get_a_token_and_a_path_may_just_stop")
    ],
    "a plain task waits": [(f"{UNIT}flow.py", "test_manual_and_plain_tasks_are_passed")],
    "ad-hoc sub-processes raise": [REFUSED],
    "an error that nothing catches ends the instance in success": [
        (f"{UNIT}events.py", "test_errors_and_escalations_go_outwards"),
        (HERE, "test_where_an_error_out_of_a_called_process_goes"),
    ],
    "a user task without a flow never completes": [
        (f"{UNIT}flow.py", "test_several_flows_out_of_a_task_all_get_a_token_and_a_path_may_just_stop")
    ],
    "a receive task without a message completes at once": [REFUSED],
    "syntax errors come out at run time": [(HERE, "test_a_syntax_error_is_refused_wherever_it_stands")],
    "elements of one id are merged": [(f"{UNIT}checker.py", "test_duplicate_ids_are_refused")],
    "the ids Start and End collide with the engine's own": [
        (f"{UNIT}hostile.py", "test_no_id_collides_with_the_engines_own")
    ],
    "a process that calls itself hangs": [
        (f"{UNIT}flow.py", "test_a_process_that_calls_itself_is_stopped"),
        (f"{UNIT}hostile.py", "test_processes_that_call_each_other_are_refused"),
    ],
    "a data store needs a class": [(HERE, "test_drawings_say_nothing_and_do_no_harm")],
    "two timers of an event gateway share one deadline": [
        (f"{UNIT}events.py", "test_each_timer_of_an_event_gateway_keeps_its_own_time")
    ],
    "a sequential multi-instance with an empty item is stuck": [
        (f"{UNIT}flow.py", "test_multi_instance_over_a_list_with_a_gap")
    ],
    "a boundary timer does not see what its task is given": [
        (HERE, "test_a_boundary_event_sees_what_its_activity_is_given")
    ],
    "a data object two levels down hangs the parser": [
        (f"{UNIT}checker.py", "test_a_long_chain_and_nested_data_objects_do_no_harm")
    ],
    "a chain of six hundred tasks is too deep": [(HERE, "test_a_chain_of_nine_hundred_tasks_runs")],
    "entities expand": [(f"{UNIT}hostile.py", "test_what_is_no_diagram_is_refused_before_it_is_read")],
    # parsing, lanes, decisions
    "lanes": [(f"{UNIT}flow.py", "test_lane_names_are_roles_innermost_first")],
    "payloads reach the data only with a variable name": [
        (f"{UNIT}mappings.py", "test_all_of_a_result_is_handed_on_or_only_what_is_mapped")
    ],
    "the cause of a failed service is masked": [
        (f"{UNIT}flow.py", "test_an_operations_error_goes_to_its_boundary_event"),
        (SERVICE, "test_an_unexpected_error_says_nothing_of_the_data"),
    ],
    "hit policies": [
        ("unit/decisions/test_decisions_tables.py", "test_unique_refuses_when_several_rules_match"),
        (
            "unit/decisions/test_decisions_tables.py",
            "test_a_hit_policy_says_what_several_matching_rules_give",
        ),
        ("unit/decisions/test_decisions_tables.py", "test_cells_may_be_any_unary_test"),
    ],
    # timers
    "dates without an offset are in no zone": [(f"{UNIT}events.py", "test_when_a_timer_is_due")],
    "missed cycles all fire": [
        (f"{UNIT}times.py", "test_an_endless_cycle_that_slept_for_thirty_years_goes_on_with_its_next_turn"),
        (f"{UNIT}times.py", "test_a_counted_cycle_makes_up_for_what_it_slept_through"),
    ],
    "the clock is the machine's": [(f"{UNIT}times.py", "test_a_counted_cycle_fires_as_often_as_it_says")],
    # saving, and how cost grows
    "a step costs what all tasks ever run cost": [
        (f"{UNIT}cost.py", "test_a_completion_costs_the_same_after_ten_and_after_ten_thousand")
    ],
    "five hundred turns of a loop hang": [
        (f"{UNIT}cost.py", "test_a_completion_costs_the_same_after_ten_and_after_ten_thousand")
    ],
    "a variable named typename cannot be loaded": [(f"{UNIT}data.py", "test_no_name_breaks_a_saved_state")],
    "decimals fail, other values change": [(f"{UNIT}codec.py", "test_values_come_back_as_they_were")],
    "an event sub-process changes the specification for everybody": [
        (HERE, "test_instances_of_one_release_do_not_disturb_each_other")
    ],
    "the version of the form is not saved": [(f"{UNIT}codec.py", "test_a_state_of_another_version_is_refused")],
    # scripts
    "seven places of a diagram run Python": [
        ("integration/runtime/test_runtime_feel.py", "test_no_place_of_a_diagram_reaches_python")
    ],
    "an expression runs for ever": [
        (f"{UNIT}hostile.py", "test_expressions_that_would_never_end_or_grow_are_incidents")
    ],
    # data
    "the last to finish wins": [(f"{UNIT}data.py", "test_a_join_keeps_what_each_branch_wrote_whoever_is_last")],
    "two who append lose one": [
        (f"{UNIT}flow.py", "test_parallel_branches_see_each_others_writes_and_a_join_loses_nothing")
    ],
    "copies are shallow": [(f"{UNIT}data.py", "test_changing_a_nested_value_changes_nobody_elses")],
    "a loop around a parallel block sees stale values": [
        (f"{UNIT}data.py", "test_a_loop_around_a_parallel_block_sees_the_newest_values")
    ],
    # moving to another version
    "timers start again": [(f"{UNIT}moving.py", "test_an_armed_timer_keeps_its_instant_whatever_its_rule_says")],
    "open tasks are reset": [(f"{UNIT}moving.py", "test_what_an_activity_was_given_stays_and_the_plan_says_so")],
    "a renamed task is guessed": [
        (f"{UNIT}moving.py", "test_a_renamed_element_is_found_by_the_mapping_and_its_count_goes_along")
    ],
    # other
    "a task that is not ready can be completed": [
        (f"{UNIT}flow.py", "test_a_task_that_people_have_done_is_not_open_any_more"),
        (SERVICE, "test_the_second_to_complete_a_task_is_told"),
    ],
    "what failed is half done": [(SERVICE, "test_a_failed_operation_undoes_what_it_wrote_and_can_be_retried")],
    "the first message matches anything": [(f"{UNIT}events.py", "test_a_message_with_the_wrong_key_is_not_taken")],
    "a message for nobody raises": [(SERVICE, "test_a_message_is_kept_for_its_time_to_live")],
    "steps without end": [(f"{UNIT}flow.py", "test_an_endless_loop_becomes_an_incident_and_keeps_its_place")],
}


@pytest.mark.parametrize("place", sorted({place for places in SHOWN.values() for place in places}))
def test_the_tests_named_here_are_there(place: tuple[str, str]) -> None:
    file, name = place
    tree = ast.parse((TESTS / file).read_text(encoding="utf-8"))
    assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


# ------------------------------------------------------------------------------------------------ reading
BROKEN = "=1 +"
SYNTAX: dict[str, str] = {
    "script": script("x", BROKEN, "n") + line("x"),
    "input mapping": user("x", io([("a", BROKEN)])) + line("x"),
    "output mapping": user("x", io((), [("a", BROKEN)])) + line("x"),
    "assignee": user("x", z("assignmentDefinition", assignee=BROKEN)) + line("x"),
    "candidate groups": user("x", z("assignmentDefinition", candidateGroups=BROKEN)) + line("x"),
    "due date": user("x", z("taskSchedule", dueDate=BROKEN)) + line("x"),
    "priority": user("x", z("priorityDefinition", priority=BROKEN)) + line("x"),
    "collection": user("x", inner=mi(BROKEN, "i")) + line("x"),
    "output element": user("x", inner=mi("=[1]", "i", "o", BROKEN)) + line("x"),
    "completion condition": user("x", inner=mi("=[1]", "i", until=BROKEN)) + line("x"),
    "date": el("intermediateCatchEvent", "x", inner=timer("Date", BROKEN)) + line("x"),
    "duration": el("intermediateCatchEvent", "x", inner=timer("Duration", BROKEN)) + line("x"),
    "cycle": user("u") + boundary("x", "u", timer("Cycle", BROKEN), False) + line("u") + flow("x", "e"),
    "start of a process": el("startEvent", "x", inner=timer("Cycle", BROKEN)) + end() + flow("x", "e"),
    "payload": el("intermediateThrowEvent", "x", io([("a", BROKEN)]), msg()) + line("x"),
    "condition": el("exclusiveGateway", "g", default="d")
    + user("a")
    + start()
    + end()
    + flow("s", "g")
    + flow("g", "a", cond=BROKEN, id="x")
    + flow("g", "e", id="d")
    + flow("a", "e"),
    "correlation key": el("receiveTask", "x", messageRef="M") + line("x"),
}


@pytest.mark.parametrize("place", SYNTAX)
def test_a_syntax_error_is_refused_wherever_it_stands(place: str) -> None:
    defs = DEFS.replace('"=k"', f'"{BROKEN}"') if place == "correlation key" else DEFS
    found = check_bpmn(doc(SYNTAX[place], defs), "f.bpmn", allow_undeclared=True)
    errors = [p for p in found if p.severity is Severity.ERROR]
    assert {p.element_id for p in errors} == {"x"}
    assert all(BROKEN in p.what and p.remedy for p in errors)


def test_drawings_say_nothing_and_do_no_harm() -> None:
    """Data stores, data objects, notes, groups, pools and message flows: checked, published and run as if not there."""
    drawn = (
        '<bpmn:dataObject id="do"/><bpmn:dataObjectReference id="dor" dataObjectRef="do"/>'
        '<bpmn:dataStoreReference id="dsr" dataStoreRef="ds"/>'
        '<bpmn:textAnnotation id="ta"><bpmn:text>note</bpmn:text></bpmn:textAnnotation>'
        '<bpmn:association id="as" sourceRef="a" targetRef="ta"/><bpmn:group id="gr"/>'
    )
    used = '<bpmn:dataInputAssociation id="di"><bpmn:sourceRef>dsr</bpmn:sourceRef></bpmn:dataInputAssociation>'
    around = (
        '<bpmn:dataStore id="ds" name="Register"/><bpmn:collaboration id="co"><bpmn:participant id="p1" processRef="p"/>'
        '<bpmn:participant id="p2"/><bpmn:messageFlow id="mf" sourceRef="a" targetRef="p2"/></bpmn:collaboration>'
    )
    xml = doc(drawn + user("a", inner=used) + line("a"), DEFS + around)
    assert [p for p in check_bpmn(xml, "f.bpmn", allow_undeclared=True) if p.severity is Severity.ERROR] == []
    play = Play(xml)
    play.do("a")
    assert play.clean


def test_a_chain_of_nine_hundred_tasks_runs() -> None:
    ids = [f"t{n}" for n in range(900)]
    play = Play(doc("".join(el("task", i) for i in ids) + line(*ids)))
    assert (play.clean, len(play.wf.done["p"])) == (True, 902)


def test_a_flow_back_to_its_own_task_asks_again() -> None:
    body = user("a") + el("exclusiveGateway", "g", default="d") + user("b") + start() + end()
    body += (
        flow("s", "a", "g") + flow("g", "a", cond="=again") + flow("g", "b", id="d") + flow("b", "b") + flow("b", "e")
    )
    play = Play(doc(body))
    play.do("a", again=True)
    play.do("a", again=False)
    play.do("b")
    assert play.names() == ["b"]


# ------------------------------------------------------------------------------------------------ scopes and events
def test_a_boundary_event_sees_what_its_activity_is_given() -> None:
    late = boundary("b", "u", timer("Duration", "=pause")) + user("l") + flow("b", "l")
    play = Play(
        doc(user("u", io([("pause", '=duration("PT" + string(hours) + "H")')])) + late + line("u")), {"hours": 3}
    )
    assert (play.due, play.incidents) == ("2026-01-05T12:00:00+00:00", [])


@pytest.mark.parametrize("interrupting", [True, False])
def test_an_event_sub_process_in_a_sub_process_has_a_scope_of_its_own(interrupting: bool) -> None:
    """It sees the variables of the sub-process around it; what the event brings is its own where it has a variable of the
    name, and else the process's, as in Camunda 8."""
    begin = el("startEvent", "es_s", inner=msg(), isInterrupting=str(interrupting).lower())
    inside = begin + script("note", "=text + local", "seen") + user("es_u") + end("es_e")
    inside += flow("es_s", "note", "es_u", "es_e")
    body = el("subProcess", "es", io([("text", "=null")]), inside, triggeredByEvent="true")
    inner = start("is") + user("w") + end("ie") + flow("is", "w", "ie") + body
    sp = el("subProcess", "sp", io([("local", '="!"')], [("heard", "=seen"), ("mine", "=text")]), inner)
    play = Play(doc(sp + user("z") + line("sp", "z")), {"k": "k", "seen": ""})
    assert play.wf.message("stop", "k", {"text": "hello", "more": 1})
    play.reload()
    assert play.names() == (["es_u"] if interrupting else ["es_u", "w"])
    assert play.wf.user_tasks()[-1].data["text"] == "hello"
    play.do("es_u")
    if not interrupting:
        assert not play.wf.scopes.visible(play.wf.user_tasks()[0].scope).get("text")
        play.do("w")
    assert play.names() == ["z"]
    assert play.vars == {"k": "k", "seen": "hello!", "heard": "hello!", "mine": None, "more": 1}
    play.do("z")
    assert play.clean


def test_instances_of_one_release_do_not_disturb_each_other() -> None:
    first = Play(doc(user("main") + esp("es", msg(), False) + line("main")), {"k": "1"})
    second = Instance(first.wf.spec, first.release.blueprints, first.host, variables={"k": "2"})
    second.advance()
    assert first.wf.message("stop", "1")
    assert [t.task_spec.bpmn_id for t in second.user_tasks()] == ["main"]
    assert not second.message("stop", "1")
    assert second.message("stop", "2")
    assert second.message("stop", "2")
    first.reload()
    assert first.names() == ["es_u", "main"]
    assert [t.task_spec.bpmn_id for t in second.user_tasks()] == ["main", "es_u", "es_u"]


# ------------------------------------------------------------------------------------------------ errors and escalations
def thrower(event: str, pid: str = "child") -> bytes:
    return doc(start() + user("u") + el("endEvent", "boom", inner=event) + flow("s", "u", "boom"), pid=pid)


@pytest.mark.parametrize(
    ("codes", "caught"),
    [(("E",), ["u0"]), (("E2",), []), (("",), ["u0"]), (("", "E"), ["u1"]), (("E2", ""), ["u1"]), ((), [])],
)
def test_where_an_error_out_of_a_called_process_goes(codes: tuple[str, ...], caught: list[str]) -> None:
    """To the event of its code, else to one that takes every code; otherwise it is an incident where it was thrown."""
    events = "".join(
        boundary(f"b{n}", "c", err(c)) + user(f"u{n}") + flow(f"b{n}", f"u{n}") for n, c in enumerate(codes)
    )
    play = Play([doc(call("c", "child") + events + line("c")), thrower(err())])
    play.do("u")
    play.reload()
    assert play.names() == caught
    assert play.incidents == ([] if caught else ["Nothing catches the error E1."])
    assert play.wf.active_elements().get("child", {}) == ({} if caught else {"boom": 1})


def test_an_error_passes_two_calls_and_a_sub_process() -> None:
    middle = doc(
        sub("sp", start("is") + call("c", "child") + end("ie") + flow("is", "c", "ie")) + line("sp"), pid="middle"
    )
    outer = doc(call("c", "middle") + boundary("b", "c", err()) + user("caught") + line("c") + flow("b", "caught"))
    play = Play([outer, middle, thrower(err())])
    play.do("u")
    assert (play.names(), play.incidents) == (["caught"], [])
    play.do("caught")
    assert play.clean


@pytest.mark.parametrize("seq", [False, True])
def test_an_error_of_one_instance_ends_them_all(seq: bool) -> None:
    calls = call("c", "child", inner=mi("=[1,2,3]", "i", seq=seq)) + boundary("b", "c", err()) + user("caught")
    play = Play([doc(calls + line("c") + flow("b", "caught")), thrower(err())])
    play.do("u")
    play.do("caught")
    assert play.clean


@pytest.mark.parametrize("interrupting", [True, False])
def test_an_escalation_goes_through_a_call(interrupting: bool) -> None:
    child = doc(
        user("u") + el("intermediateThrowEvent", "up", inner=esca()) + user("v") + line("u", "up", "v"), pid="child"
    )
    event = boundary("b", "c", esca(), interrupting) + user("n") + flow("b", "n")
    play = Play([doc(call("c", "child") + event + user("z") + line("c", "z")), child])
    play.do("u")
    assert play.names() == (["n"] if interrupting else ["n", "v"])
    if not interrupting:
        play.do("v")
        assert play.names() == ["n", "z"]


def test_an_operation_that_fails_starts_the_event_sub_process_around_it() -> None:
    def fails(_: object) -> dict[str, object]:
        raise OperationError("E1", "No answer.")

    play = Play(doc(service("x", "op") + esp("es", err()) + line("x")), operations={"op": fails})
    assert (play.names(), play.incidents) == (["es_u"], [])


# ------------------------------------------------------------------------------------------------ terminate
TERMINATE = "<bpmn:terminateEventDefinition/>"


def two_ways(last: str, p: str = "") -> str:
    """A fork: one task leads to the last element, the other to an end."""
    fork = start(f"{p}s") + el("parallelGateway", f"{p}g") + user(f"{p}a") + user(f"{p}b") + end(f"{p}e")
    return fork + last + flow(f"{p}s", f"{p}g", f"{p}a", f"{p}t") + flow(f"{p}g", f"{p}b", f"{p}e")


def test_terminate_in_a_called_process_ends_only_that() -> None:
    child = doc(two_ways(el("endEvent", "t", inner=TERMINATE)), pid="child")
    play = Play([doc(call("c", "child") + user("z") + line("c", "z")), child])
    play.do("a")
    assert play.names() == ["z"]


def test_terminate_in_one_instance_ends_only_that() -> None:
    inner = two_ways(el("endEvent", "it", inner=TERMINATE), "i") + mi("=[1,2]", "n")
    play = Play(doc(sub("sp", inner) + user("z") + line("sp", "z")))
    play.do("ia")
    assert play.names() == ["ia", "ib"]
    play.do("ia")
    assert play.names() == ["z"]


def test_terminate_in_an_event_sub_process_ends_only_that() -> None:
    inside = el("startEvent", "is", inner=sig(), isInterrupting="false") + user("iu")
    inside += el("endEvent", "it", inner=TERMINATE) + flow("is", "iu", "it")
    play = Play(doc(user("main") + sub("es", inside, triggeredByEvent="true") + line("main")))
    play.wf.signal("alarm")
    play.do("iu")
    assert play.names() == ["main"]
    assert play.wf.signal("alarm") == 1
    assert play.names() == ["iu", "main"]
