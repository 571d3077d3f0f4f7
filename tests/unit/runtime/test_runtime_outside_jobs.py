"""Service tasks that wait for a worker outside: entered, done, thrown as an error, cancelled; saved and restored."""

from __future__ import annotations

from typing import Any

import pytest
from runtime_kit import Clock, Play, boundary, doc, el, end, err, flow, io, line, mi, service, start, timer, user, z

from app.runtime.checker import check_bpmn
from app.runtime.errors import TaskNotOpen
from app.runtime.outside_jobs import tries


def jobs(play: Play) -> list[tuple[int, str]]:
    return [(task.id, task.task_spec.bpmn_id) for task in play.wf.outside_jobs()]


def test_the_task_waits_until_somebody_outside_has_done_it() -> None:
    play = Play(doc(service("Weigh", "outside:scales") + line("Weigh")), {"parcel": "7"})
    play.reload()
    [(task, name)] = jobs(play)
    assert (name, play.names(), play.incidents) == ("Weigh", [], [])
    play.wf.complete_job(task, {"weight": 12})
    assert play.clean
    assert play.vars == {"parcel": "7", "weight": 12}
    with pytest.raises(TaskNotOpen):
        play.wf.complete_job(task)


def test_a_registered_operation_still_runs_at_once() -> None:
    play = Play(doc(service("Weigh", "scales") + line("Weigh")), operations={"scales": lambda _: {"weight": 1}})
    assert play.clean


def test_mappings_are_read_on_entry_and_pick_from_what_comes_back() -> None:
    mapping = io(ins=[("what", "=parcel")], outs=[("kilos", "=weight / 1000")])
    play = Play(doc(service("Weigh", "outside:scales", mapping) + line("Weigh")), {"parcel": "7"})
    [task] = play.wf.outside_jobs()
    assert play.wf.scopes.visible(task.scope) == {"parcel": "7", "what": "7"}
    play.wf.complete_job(task.id, {"weight": 12_000, "brand": "x"})
    assert play.vars == {"parcel": "7", "kilos": 12}


def test_what_goes_wrong_after_it_keeps_the_work() -> None:
    declared = z("properties", z("property", name="variable:kilos", value="number"))
    play = Play(doc(service("Weigh", "outside:scales", io(outs=[("kilos", '="heavy"')])) + line("Weigh"), ext=declared))
    [(task, _)] = jobs(play)
    play.wf.complete_job(task, {"weight": 12})
    assert len(play.incidents) == 1
    assert jobs(play) == [], "the worker has done its part"


def test_an_error_is_caught_where_it_is_drawn_and_brings_variables() -> None:
    broken = boundary("Broken", "Weigh", err(), ext=io((), [("part", "=part")]))
    body = service("Weigh", "outside:scales") + broken + user("Repair") + end("e2")
    play = Play(doc(body + line("Weigh") + flow("Broken", "Repair", "e2")))
    play.reload()
    [(task, _)] = jobs(play)
    assert play.wf.throw_job_error(task, "E1", "broken", {"part": "spring"})
    assert (jobs(play), play.names(), play.vars) == ([], ["Repair"], {"part": "spring"})


def test_an_error_that_nothing_catches_is_an_incident_and_the_job_is_there_again_when_it_is_mended() -> None:
    play = Play(doc(service("Weigh", "outside:scales") + line("Weigh")))
    [(task, _)] = jobs(play)
    assert not play.wf.throw_job_error(task, "E9", "Nothing catches it.")
    play.reload()
    assert play.incidents == ["Nothing catches it."]
    play.wf.retry(task)
    assert (play.incidents, jobs(play)) == ([], [(task, "Weigh")])
    play.wf.complete_job(task)
    assert play.clean


def test_a_boundary_timer_takes_the_job_away() -> None:
    clock = Clock()
    body = service("Weigh", "outside:scales") + boundary("Late", "Weigh", timer("Duration", "PT1H")) + user("Ask")
    play = Play(doc(body + end("e2") + line("Weigh") + flow("Late", "Ask", "e2")), clock=clock)
    play.later(hours=1)
    assert (jobs(play), play.names()) == ([], ["Ask"])


def test_each_instance_of_a_multi_instance_task_is_a_job() -> None:
    loop = mi("=parcels", "parcel", out="weights", out_item="=weight")
    body = el("serviceTask", "Weigh", z("taskDefinition", type="outside:scales"), loop)
    play = Play(doc(body + start() + end() + flow("s", "Weigh", "e")), {"parcels": [1, 2]})
    for weight in (10, 20):
        play.reload()
        play.wf.complete_job(jobs(play)[0][0], {"weight": weight})
    assert play.clean
    assert play.vars["weights"] == [10, 20]


def test_cancelling_the_instance_cancels_the_job() -> None:
    play = Play(doc(service("Weigh", "outside:scales") + line("Weigh")))
    play.wf.cancel_all()
    assert jobs(play) == []


def test_how_often_a_job_is_tried() -> None:
    written = (None, "", "5", "1", "R2/PT5M", "PT1M,PT5M", "often")
    assert [tries(text) for text in written] == [3, 3, 5, 1, 3, 3, 3]


# ------------------------------------------------------------------------------------------------ at publish
class Registry:
    """One operation, `weigh`."""

    def get(self, name: str) -> Any:
        return Weigh() if name == "weigh" else None

    def names(self) -> list[str]:
        return ["weigh"]


class Weigh:
    name = "weigh"
    inputs: dict[str, str] = {}
    outputs: dict[str, str] = {}

    def run(self, context: Any, inputs: Any) -> dict[str, Any]:
        return {}


def problems(type_: str, *, demo: bool = False, declared: bool = True, **attributes: str) -> list[str]:
    ext = z("properties", z("property", name="variable:kilos", value="number")) if declared else ""
    task = el("serviceTask", "Weigh", z("taskDefinition", type=type_, **attributes))
    xml = doc(task + line("Weigh"), ext=ext)
    found = check_bpmn(xml, "p.bpmn", operations=Registry(), allow_undeclared=demo)
    return [f"{p.severity} {p.element_id}: {p.what}" for p in found if p.element_id == "Weigh"]


def test_what_says_that_it_is_for_outside_is_taken_everywhere() -> None:
    assert problems("outside:scales") == []
    assert problems("outside:scales", retries="R7/PT1M") == []
    assert problems("weigh") == []


def test_anything_else_that_nobody_registered_is_refused_where_variables_are_declared() -> None:
    for demo in (False, True):
        assert problems("wiegh", demo=demo) == ["error Weigh: There is no operation named wiegh."]
    assert problems("=kind")[0].startswith("error")


def test_in_a_strangers_diagram_it_is_for_outside_and_the_checker_says_so() -> None:
    [warning] = problems("wiegh", demo=True, declared=False)
    assert warning == "warning Weigh: There is no operation named wiegh: the task waits for a worker outside."
    assert "error Weigh: There is no operation named wiegh." in problems("wiegh", declared=False)
