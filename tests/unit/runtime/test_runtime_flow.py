"""Tasks, variables, gateways, multi-instance, calls, incidents: what BPMN and the dialect say."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from runtime_kit import (
    Clock,
    Play,
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

from app.runtime.engine.host import PlainHost
from app.runtime.errors import OperationError, TaskNotOpen, VariableRefused


# ------------------------------------------------------------------------------------------------ tasks
def test_a_user_task_is_entered_with_everything_evaluated() -> None:
    ext = (
        z(
            "assignmentDefinition",
            assignee="=boss",
            candidateGroups='=["agency-spoc", "agency-deputy"]',
            candidateUsers="1, 2",
        )
        + z("formDefinition", formId="ref")
        + z("taskSchedule", dueDate='=date("2026-03-30")', followUpDate="2026-03-01T09:00:00Z")
        + z("priorityDefinition", priority="80")
        + props(basis="SafeLives 2024, step 2", agency="=agencyId", case="=caseId", room="true")
    )
    body = "<bpmn:documentation>Own words.</bpmn:documentation>"
    play = Play(doc(user("ask", ext, body, name="Ask") + line("ask")), {"boss": 7, "agencyId": "12", "caseId": "99"})
    entry = next(iter(play.wf.entries.values()))
    assert (entry.assignee, entry.candidate_groups, entry.candidate_users) == (
        "7",
        ("agency-spoc", "agency-deputy"),
        ("1", "2"),
    )
    assert (entry.form_id, entry.priority, entry.name, entry.documentation) == ("ref", 80, "Ask", "Own words.")
    assert entry.due == datetime(2026, 3, 30, 22, 59, 59, tzinfo=UTC)
    assert entry.follow_up == datetime(2026, 3, 1, 9, tzinfo=UTC)
    assert entry.properties == {"basis": "SafeLives 2024, step 2", "agency": "12", "case": "99", "room": "true"}


def test_headers_go_with_the_task_and_with_the_operation() -> None:
    given: list[Any] = []

    class Register(PlainHost):
        def operate(self, type_: str, task: Any, inputs: Any, headers: Any) -> Any:
            given.append((type_, dict(headers)))
            return super().operate(type_, task, inputs, headers)

    headers = z("taskHeaders", z("header", key="a", value="1") + z("header", key="b", value="=x"))
    host = Register(Clock(), operations={"op": lambda _: {}})
    sent = el("sendTask", "st", z("taskDefinition", type="op") + headers)
    play = Play(doc(service("s1", "op", headers) + sent + user("u", headers) + line("s1", "st", "u")), host=host)
    assert given == [("op", {"a": "1", "b": "=x"})] * 2
    assert [entry.headers for entry in play.wf.entries.values()] == [{"a": "1", "b": "=x"}]


def test_an_assignment_that_is_no_text_is_an_incident_and_can_be_mended() -> None:
    play = Play(
        doc(
            user("ask", z("assignmentDefinition", assignee="=boss"))
            + boundary("b", "ask", timer("Duration", "PT1H"))
            + line("ask")
        ),
        {"boss": True},
    )
    assert (play.names(), play.incidents, play.due) == (
        [],
        ["The assignee of ask is a boolean instead of a text."],
        None,
    )
    play.wf.scopes.set(0, "boss", "5")
    play.reload()
    play.wf.retry(next(iter(play.wf.incidents)))
    assert (play.names(), play.incidents) == (["ask"], [])
    assert play.due == "2026-01-05T10:00:00+00:00"


def test_lane_names_are_roles_innermost_first() -> None:
    lanes = (
        '<bpmn:laneSet id="ls"><bpmn:lane id="l1" name="Chair"><bpmn:flowNodeRef>sp</bpmn:flowNodeRef></bpmn:lane>'
        '<bpmn:lane id="l2" name="Outer"><bpmn:flowNodeRef>a</bpmn:flowNodeRef><bpmn:childLaneSet id="cs"><bpmn:lane id="l3" name="IDVA">'
        "<bpmn:flowNodeRef>a</bpmn:flowNodeRef></bpmn:lane></bpmn:childLaneSet></bpmn:lane></bpmn:laneSet>"
    )
    inner = start("ss") + user("in") + end("se") + flow("ss", "in", "se")
    play = Play(doc(lanes + user("a") + sub("sp", inner) + line("a", "sp")))
    play.do("a")
    assert {e.element_id: e.lane for e in play.wf.entries.values()} == {"a": "IDVA", "in": "Chair"}


def test_mappings_service_decision_and_call() -> None:
    child = doc(start() + script("twice", "=n * 2", "m") + end() + flow("s", "twice", "e"), pid="child")
    sent: list[Any] = []

    def notify(inputs: Any) -> dict[str, Any]:
        sent.append(inputs.get("what"))
        return {"sent": True}

    body = (
        user("ask", io([("local", "=x + 1")], [("answer", "=got + local")]))
        + service("svc", "notify", io([("what", "=answer")]))
        + el("businessRuleTask", "rule", z("calledDecision", decisionId="level", resultVariable="lvl"))
        + call("call", "child", io([("n", "=answer")], [("res", "=m")]), propagateAllChildVariables="false")
        + line("ask", "svc", "rule", "call")
    )
    host = PlainHost(
        Clock(), operations={"notify": notify}, decisions={"level": lambda v: "high" if v["answer"] > 10 else "low"}
    )
    play = Play([doc(body), child], {"x": 1}, host=host)
    task = play.wf.user_tasks()[0]
    assert (task.data["local"], "local" in play.vars) == (2, False)
    play.do("ask", got=40)
    assert play.clean
    assert [int(w) for w in sent] == [42]
    assert play.vars == {"x": 1, "answer": 42, "sent": True, "lvl": "high", "res": 84}


def test_a_task_that_people_have_done_is_not_open_any_more() -> None:
    play = Play(doc(user("a") + user("b") + line("a", "b")))
    task_id = play.wf.user_tasks()[0].id
    play.wf.complete_task(task_id)
    with pytest.raises(TaskNotOpen):
        play.wf.complete_task(task_id)


def test_work_is_not_lost_when_what_follows_it_fails() -> None:
    play = Play(
        doc(
            user("a", io((), [("x", "=if v = 1 then limit + 1 else v")]))
            + el("exclusiveGateway", "g")
            + end("e1")
            + start()
            + flow("s", "a", "g")
            + flow("g", "e1", cond="=x > 1")
        )
    )
    play.do("a", v=1)
    assert play.names() == []
    assert play.incidents == ["The condition =x > 1 gave null instead of true or false."]
    play.wf.scopes.set(0, "x", Decimal(2))
    play.reload()
    play.wf.retry(next(iter(play.wf.incidents)))
    assert play.clean


def test_manual_and_plain_tasks_are_passed() -> None:
    play = Play(doc(el("task", "t") + el("manualTask", "m") + line("t", "m")))
    assert play.clean


def test_several_flows_out_of_a_task_all_get_a_token_and_a_path_may_just_stop() -> None:
    play = Play(doc(user("a") + user("b") + user("c") + start() + flow("s", "a") + flow("a", "b") + flow("a", "c")))
    play.do("a")
    assert play.names() == ["b", "c"]
    play.do("b")
    play.do("c")
    assert play.clean


def test_an_operations_error_goes_to_its_boundary_event() -> None:
    from runtime_kit import err

    def fails(_: Any) -> dict[str, Any]:
        raise OperationError("E1", "The register does not answer.")

    body = service("svc", "op") + boundary("b", "svc", err()) + user("caught") + line("svc") + flow("b", "caught")
    assert Play(doc(body), operations={"op": fails}).names() == ["caught"]
    play = Play(doc(service("svc", "op") + line("svc")), operations={"op": fails})
    assert play.incidents == ["The register does not answer."]


def test_a_missing_operation_is_an_incident_and_is_retried() -> None:
    play = Play(doc(service("svc", "op") + line("svc")))
    assert play.incidents == ["There is no operation named op."]
    play.host.operations["op"] = lambda _: {}
    play.reload()
    play.wf.retry(next(iter(play.wf.incidents)))
    assert play.clean


# ------------------------------------------------------------------------------------------------ variables
def test_declared_variables_are_typed_at_the_door_and_inside() -> None:
    decl = props(
        variable__n="number", variable__d="date", variable__id="id", variable__o="enum(A|B)", variable__b="boolean"
    )
    body = user("a") + script("sc", '="text"', "b") + line("a", "sc")
    play = Play(doc(body, ext=decl), {"d": "2026-05-01", "id": 12})
    assert play.vars == {"d": "2026-05-01", "id": "12"}
    for bad, message in {
        "n": "The variable n is declared as number, but the value is a string.",
        "o": "The variable o must be one of A, B.",
        "id": "The variable id is declared as an id and must consist of digits.",
        "zz": "The variable zz is not declared by the process.",
    }.items():
        with pytest.raises(VariableRefused) as refused:
            play.do("a", **{bad: "secret"})
        assert refused.value.message == message
        assert "secret" not in str(refused.value)
    play.do("a", n=2)
    assert play.incidents == ["The variable b is declared as boolean, but the value is a string."]


def test_parallel_branches_see_each_others_writes_and_a_join_loses_nothing() -> None:
    both = "".join(user(n, io((), [("list", "=append(list, v)")])) for n in "ab")
    body = el("parallelGateway", "g") + both + el("parallelGateway", "j") + user("after") + start() + end()
    play = Play(doc(body + flow("s", "g") + flow("g", "a", "j") + flow("g", "b", "j", "after", "e")), {"list": []})
    play.do("b", v="B")
    assert play.wf.user_tasks()[0].data["list"] == ["B"]
    play.reload()
    play.do("a", v="A")
    assert play.vars["list"] == ["B", "A"]


def test_a_result_goes_to_the_nearest_scope_that_has_the_name() -> None:
    inner = start("ss") + script("sc", "=1", "x") + script("sc2", "=2", "y") + end("se") + flow("ss", "sc", "sc2", "se")
    mapped = el("subProcess", "sp", io([("x", "=0")]), inner)
    play = Play(doc(mapped + line("sp")), {"x": 9})
    assert play.vars == {"x": 9, "y": 2}


def test_a_called_process_sees_only_what_it_is_given() -> None:
    child = doc(user("u") + line("u"), pid="child")
    play = Play(
        [
            doc(
                call(
                    "c",
                    "child",
                    io([("n", "=1")]),
                    propagateAllParentVariables="false",
                    propagateAllChildVariables="false",
                )
                + line("c")
            ),
            child,
        ],
        {"secret": 1},
    )
    assert dict(play.wf.user_tasks()[0].data.scopes.visible(play.wf.user_tasks()[0].scope)) == {"n": 1}
    play.do("u", m=2)
    assert (play.clean, play.vars) == (True, {"secret": 1})


def test_a_called_process_gives_everything_back_by_default() -> None:
    child = doc(user("u") + line("u"), pid="child")
    play = Play([doc(call("c", "child") + line("c")), child], {"a": 1})
    play.do("u", a=2, m=3)
    assert play.vars == {"a": 2, "m": 3}


def test_a_process_that_calls_itself_is_stopped() -> None:
    play = Play(doc(call("c", "p") + line("c")))
    assert play.incidents == ["Calls nest more than 50 deep; the process seems to call itself."]


def test_a_process_that_only_an_event_starts_cannot_be_called() -> None:
    child = doc(el("startEvent", "s", inner=msg("M0")) + end() + flow("s", "e"), pid="child")
    play = Play([doc(call("c", "child") + line("c")), child])
    assert play.incidents == ["The process child can only be started by an event, not called."]


# ------------------------------------------------------------------------------------------------ gateways
def test_a_condition_that_is_not_a_boolean_is_an_incident_with_its_reason() -> None:
    play = Play(
        doc(
            el("exclusiveGateway", "g", default="d")
            + user("a")
            + start()
            + end()
            + flow("s", "g")
            + flow("g", "a", cond="=answer")
            + flow("g", "e", id="d")
        ),
        {"answer": "no"},
    )
    incident = next(iter(play.wf.incidents.values()))
    assert incident.message == "The condition =answer gave a string instead of true or false."
    assert incident.details["expression"] == "=answer"
    play.wf.scopes.set(0, "answer", True)
    play.wf.retry(next(iter(play.wf.incidents)))
    assert play.names() == ["a"]


def test_a_gateway_without_a_way_out_is_an_incident() -> None:
    play = Play(doc(el("exclusiveGateway", "g") + user("a") + start() + flow("s", "g") + flow("g", "a", cond="=false")))
    assert play.incidents == ["No condition holds at this gateway and it has no default flow."]


def test_an_inclusive_gateway_waits_for_what_may_still_come() -> None:
    body = (
        el("inclusiveGateway", "g", default="d")
        + user("a")
        + user("b")
        + user("c")
        + el("inclusiveGateway", "j")
        + user("after")
        + start()
        + end()
    )
    body += flow("s", "g") + flow("g", "a", cond="=x > 1") + flow("g", "b", cond="=x > 2") + flow("g", "c", id="d")
    body += flow("a", "j") + flow("b", "j") + flow("c", "j", "after", "e")
    play = Play(doc(body), {"x": 3})
    assert play.names() == ["a", "b"]
    play.do("a")
    play.reload()
    assert play.names() == ["b"]
    play.do("b")
    assert play.names() == ["after"]
    assert Play(doc(body), {"x": 0}).names() == ["c"]


def test_a_parallel_join_in_a_loop_keeps_its_turns_apart() -> None:
    body = (
        el("exclusiveGateway", "m")
        + el("parallelGateway", "f")
        + user("a")
        + user("b")
        + el("parallelGateway", "j")
        + user("after")
    )
    body += el("exclusiveGateway", "x", default="back") + start() + end()
    body += (
        flow("s", "m", "f")
        + flow("f", "a", "j")
        + flow("f", "b", "j", "after", "x")
        + flow("x", "m", id="back")
        + flow("x", "e", cond="=done")
    )
    play = Play(doc(body), {"done": False})
    for first, second in (("a", "b"), ("b", "a"), ("b", "a")):
        play.do(first)
        play.reload()
        assert play.names() == [second]
        play.do(second)
        play.do("after", done=False)
    assert play.names() == ["a", "b"]


def test_an_endless_loop_becomes_an_incident_and_keeps_its_place() -> None:
    body = script("x", "=1", "v") + el("exclusiveGateway", "g") + start() + flow("s", "x", "g", "x")
    play = Play(doc(body))
    assert play.incidents == ["The process took more than 10,000 steps without waiting."]
    assert sum(len(f.tasks) for f in play.wf.flows()) < 1000


# ------------------------------------------------------------------------------------------------ multi-instance
@pytest.mark.parametrize("seq", [False, True])
def test_multi_instance_over_a_list_with_a_gap(seq: bool) -> None:
    play = Play(
        doc(user("each", inner=mi("=agencies", "agency", "answers", "=found", seq)) + line("each")),
        {"agencies": ["police", None, "nhs"]},
    )
    while play.wf.user_tasks():
        task = play.wf.user_tasks()[-1 if not seq else 0]
        play.wf.complete_task(task.id, {"found": int(task.data["loopCounter"]) * 10})
        play.reload()
    assert play.clean
    assert play.vars == {"agencies": ["police", None, "nhs"], "answers": [10, 20, 30]}


def test_a_completion_condition_ends_the_rest() -> None:
    inner = (
        start("ss")
        + user("in", io([("a", "=v")]))
        + script("calc", "=a + 1", "b")
        + end("se")
        + flow("ss", "in", "calc", "se")
    )
    body = sub("sub", inner + mi("=[1,2,3,4]", "i", "bs", "=b", until="=numberOfCompletedInstances >= 2"))
    play = Play(doc(body + line("sub")))
    assert play.names() == ["in"] * 4
    task = play.wf.user_tasks()[3]
    play.wf.complete_task(task.id, {"v": 7})
    assert play.incidents == []
    play.reload()
    play.do("in", 0, v=1)
    assert play.clean
    assert len(play.vars["bs"]) == 4


def test_an_empty_collection_is_passed() -> None:
    play = Play(doc(user("u", inner=mi("=[]", "i", "out", "=i")) + line("u")))
    assert (play.clean, play.vars) == (True, {"out": []})


def test_a_collection_that_is_no_list_is_an_incident_and_can_be_mended() -> None:
    body = user("u", inner=mi("=xs", "i")) + boundary("b", "u", timer("Duration", "PT1H"), False) + line("u")
    play = Play(doc(body), {"xs": 3})
    assert (play.incidents, play.due) == (["The collection =xs gave a number instead of a list."], None)
    play.wf.scopes.set(0, "xs", ["a"])
    play.wf.retry(next(iter(play.wf.incidents)))
    assert (play.names(), play.due) == (["u"], "2026-01-05T10:00:00+00:00")


def test_a_wrong_completion_condition_is_an_incident_on_the_body() -> None:
    play = Play(doc(user("u", inner=mi("=[1,2]", "i", until="=stop")) + user("after") + line("u", "after")))
    play.do("u")
    assert play.names() == ["u"]
    assert len(play.incidents) == 1
    play.reload()
    play.wf.scopes.set(0, "stop", True)
    play.wf.retry(next(iter(play.wf.incidents)))
    assert play.names() == ["after"]


@pytest.mark.parametrize("seq", [False, True])
def test_multi_instance_calls_collect_what_their_mapping_hands_out(seq: bool) -> None:
    child = doc(user("u") + line("u"), pid="child")
    body = call(
        "c", "child", io([("a", "=agency")], [("answer", "=given")]), mi("=agencies", "agency", "answers", "=answer", seq),
        propagateAllParentVariables="false", propagateAllChildVariables="false",
    )  # fmt: skip
    play = Play([doc(body + line("c")), child], {"agencies": ["1", "2"]})
    n = 0
    while play.wf.user_tasks():
        play.do("u", given=f"r{n}")
        play.reload()
        n += 1
    assert play.clean
    assert play.vars == {"agencies": ["1", "2"], "answers": ["r0", "r1"]}


# ------------------------------------------------------------------------------------------------ what is shown
def test_done_and_active_elements_are_counted_by_process() -> None:
    child = doc(user("u") + end() + start() + flow("s", "u", "e"), pid="child")
    play = Play([doc(user("a") + call("c", "child", inner=mi("=[1,2]", "i")) + line("a", "c")), child])
    play.do("a")
    play.do("u")
    play.reload()
    assert play.wf.done == {"p": {"s": 1, "a": 1}, "child": {"s": 2, "u": 1, "e": 1}}
    assert play.wf.active_elements() == {"p": {"c": 1}, "child": {"u": 1}}


def test_a_cancelled_instance_leaves_nothing() -> None:
    child = doc(user("u") + line("u"), pid="child")
    play = Play(
        [
            doc(
                call("c", "child", inner=mi("=[1,2]", "i")) + boundary("b", "c", timer("Duration", "PT1H")) + line("c")
            ),
            child,
        ]
    )
    play.wf.cancel_all()
    assert play.clean
    assert play.wf.ready == {}
