"""FEEL and decisions in running instances: what is told of a decision, types through storage, conditions without an
answer, and that nothing in a diagram reaches Python."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from runtime_kit import DEFS, boundary, doc, el, end, flow, io, line, mi, msg, props, script, start, timer, user, z
from sqlalchemy import select

from app.feel import to_json
from app.problems import Severity
from app.runtime import service as runtime
from app.runtime.models import Incident
from app.store.database import db

AREA = 77
TABLE = b"""<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" id="d" name="d" namespace="urn:d">
<decision id="route" name="Route"><decisionTable id="T" hitPolicy="COLLECT">
<input label="Ticks"><inputExpression typeRef="number"><text>ticks</text></inputExpression></input>
<input label="Review"><inputExpression typeRef="date"><text>review</text></inputExpression></input>
<output name="route" typeRef="string"/><annotation name="Source"/>
<rule id="r1"><inputEntry><text>&gt;= 14</text></inputEntry><inputEntry><text>-</text></inputEntry>
<outputEntry><text>"MARAC"</text></outputEntry><annotationEntry><text>Visible high risk</text></annotationEntry></rule>
<rule id="r2"><inputEntry><text>&lt; 14</text></inputEntry><inputEntry><text>-</text></inputEntry>
<outputEntry><text>"OTHER"</text></outputEntry><annotationEntry><text>Below</text></annotationEntry></rule>
<rule id="r3"><inputEntry><text>-</text></inputEntry><inputEntry><text>&lt; @"2027-01-01"</text></inputEntry>
<outputEntry><text>"REVIEW"</text></outputEntry><annotationEntry><text>Soon</text></annotationEntry></rule>
</decisionTable></decision></definitions>"""


def begin(files: dict[str, bytes], variables: Any = None) -> Any:
    runtime.publish_release(files, area_key=AREA, by=1, allow_undeclared=True)
    instance = runtime.start("p", variables or {}, area_key=AREA, by=1)
    db.session.commit()
    return instance


def incident() -> Incident:
    found: Incident = db.session.execute(select(Incident)).scalar_one()
    return found


def test_a_decision_is_told_with_its_rules_inputs_and_result(world: Any) -> None:
    declared = props(
        variable__ticks="number", variable__review="date", variable__out="list", startVariables="ticks,review"
    )
    task = el("businessRuleTask", "b", z("calledDecision", decisionId="route", resultVariable="out"))
    begin({"p.bpmn": doc(task + line("b"), ext=declared), "r.dmn": TABLE}, {"ticks": 15, "review": "2026-03-31"})
    (told,) = [e.details for e in world.history if e.kind == "decided"]
    assert told == {
        "decision": "route",
        "result": ["MARAC", "REVIEW"],
        "tables": [
            {
                "table": "T",
                "decision": "Route",
                "rules": [
                    {"id": "r1", "index": 1, "annotations": ["Visible high risk"]},
                    {"id": "r3", "index": 3, "annotations": ["Soon"]},
                ],
                "inputs": {"Ticks": 15, "Review": "2026-03-31"},
                "outputs": ["MARAC", "REVIEW"],
            }
        ],
    }


def test_decimals_dates_and_times_keep_their_type_through_storage(world: Any) -> None:
    types = {
        "n": ("number", "0.100000000000000000000000000000001"),
        "d": ("date", '@"2026-03-31"'),
        "t": ("time", '@"17:00:00"'),
        "m": ("date and time", '@"2026-10-25T01:30:00@Europe/London"'),
        "w": ("duration", '@"P1DT2H"'),
        "y": ("duration", '@"P14M"'),
    }
    body = "".join(script(f"set-{name}", f"={text}", name) for name, (_, text) in types.items()) + user("u")
    declared = props(**{f"variable__{name}": kind for name, (kind, _) in types.items()}, variable__back="list")
    body += script("b", "=[n + 1, d + w, string(t), m + y, y]", "back") + user("v")
    instance = begin({"p.bpmn": doc(body + line(*[f"set-{n}" for n in types], "u", "b", "v"), ext=declared)})
    db.session.expire_all()
    before = runtime.variables(instance.key)
    assert before["n"] == Decimal("0.100000000000000000000000000000001")
    task = next(iter(world.open.values()))
    runtime.complete_task(task.instance_key, task.task_id, {}, by=1)
    db.session.commit()
    db.session.expire_all()
    after = runtime.variables(instance.key)
    assert {name: type(after[name]) for name in types} == {name: type(before[name]) for name in types}
    assert [to_json(after[name]) for name in types] == [to_json(before[name]) for name in types]
    assert after["back"][0] == Decimal("1.100000000000000000000000000000001")
    assert after["back"][2] == "17:00:00"


@pytest.mark.parametrize(
    ("condition", "gave", "why"),
    [
        ("=n >= 14", "null", "n"),
        ("=n", "null", "n"),
        ('=if n = null then "no" else true', "string", ""),
        ("=other", "string", ""),
    ],
)
def test_a_condition_that_is_not_true_or_false_is_an_incident(world: Any, condition: str, gave: str, why: str) -> None:
    """And never the default flow."""
    body = start() + end() + user("never") + el("exclusiveGateway", "g", default="d") + flow("s", "g")
    body += flow("g", "e", cond=condition) + flow("g", "never", id="d") + flow("never", "e")
    begin({"p.bpmn": doc(body)}, {"other": "yes"})
    found = incident()
    assert (found.kind, found.element_id, found.details["gave"]) == ("CONDITION", "g", gave)
    assert found.details["expression"] == condition
    assert condition in found.message
    assert found.details["saw"] == ({"other": "string"} if condition == "=other" else {"n": "not set"})
    if why:
        assert why in " ".join(found.details["why"])
        assert found.details["why"][0] in runtime.cause_of(found)
        assert "It saw: n (not set)." in runtime.cause_of(found)
    assert not world.open


MARK = "/tmp/convenor-attack"
ATTACK = f"__import__('os').system('touch {MARK}')"
PLACES = {
    "script": script("a", f"={ATTACK}", "x") + line("a"),
    "condition": start()
    + end()
    + el("exclusiveGateway", "a", default="d")
    + user("u")
    + flow("s", "a")
    + flow("a", "u", cond=f"={ATTACK}")
    + flow("a", "e", id="d")
    + flow("u", "e"),
    "timer": el("intermediateCatchEvent", "a", inner=timer("Date", f"={ATTACK}")) + line("a"),
    "input mapping": script("a", "=1", "x", io([("y", f"={ATTACK}")])) + line("a"),
    "multi-instance": user("a", "", mi(f"={ATTACK}", "x")) + line("a"),
    "payload": el("intermediateThrowEvent", "a", io([("y", f"={ATTACK}")]), msg()) + line("a"),
    "correlation key": el("intermediateCatchEvent", "a", inner=msg()) + line("a"),
    "boundary timer": user("u") + boundary("a", "u", timer("Duration", f"={ATTACK}")) + line("u") + flow("a", "e"),
    "assignment": user("a", z("assignmentDefinition", assignee=f"={ATTACK}")) + line("a"),
}
# What can be read as FEEL means nothing: unknown names and functions.
DUNDER = "().__class__.__bases__[0].__subclasses__()"


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("attack", [ATTACK, DUNDER, ATTACK.replace("'", '"'), 'open("/etc/passwd").read()'])
def test_no_place_of_a_diagram_reaches_python(world: Any, place: str, attack: str) -> None:
    """The seven places of a diagram from which Python ran in the engine's own language, and their relatives."""
    escaped = attack.replace('"', "&quot;")
    defs = DEFS.replace('correlationKey="=k"', f'correlationKey="={escaped}"') if place == "correlation key" else DEFS
    body = PLACES[place]
    for written in (ATTACK, ATTACK.replace('"', "&quot;")):
        body = body.replace(written, escaped)
    files = {"p.bpmn": doc(body, defs)}
    Path(MARK).unlink(missing_ok=True)
    found = [p for p in runtime.check_files(files, allow_undeclared=True) if p.severity is Severity.ERROR]
    assert [p.element_id for p in found if "In the expression" in p.what], found
    with pytest.raises(Exception, match="Nothing was published"):
        runtime.publish_release(files, area_key=AREA, by=1, allow_undeclared=True)
    assert not Path(MARK).exists()


def test_a_conditional_event_is_refused() -> None:
    inner = (
        f"<bpmn:conditionalEventDefinition><bpmn:condition>={ATTACK}</bpmn:condition></bpmn:conditionalEventDefinition>"
    )
    files = {"p.bpmn": doc(el("intermediateCatchEvent", "a", inner=inner) + line("a"))}
    assert "a" in {p.element_id for p in runtime.check_files(files, allow_undeclared=True) if "not supported" in p.what}
