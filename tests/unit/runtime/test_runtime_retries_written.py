"""How a diagram may say that an operation is tried again."""

from __future__ import annotations

from datetime import timedelta

import pytest
from runtime_kit import doc, el, line, z

from app.runtime.checker.release import check_release
from app.runtime.retries import pauses


def test_the_three_ways_to_say_it() -> None:
    minute = timedelta(minutes=1)
    assert pauses("3") == (timedelta(seconds=5), timedelta(seconds=30))
    assert pauses("R5/PT5M") == (5 * minute,) * 5
    assert pauses("PT1M, PT5M,P1DT1H") == (minute, 5 * minute, timedelta(days=1, hours=1))
    assert pauses(None) == ()


@pytest.mark.parametrize(
    "written", ["R/PT5M", "R5", "often", "PT", "P", "5M", "101", "-1", "PT1M;PT2M", "R3/PT1M/PT2M", "=x"]
)
@pytest.mark.parametrize("type_", ["outside:scales", "op"])
def test_what_cannot_be_read_is_refused_with_a_remedy(written: str, type_: str) -> None:
    xml = doc(el("serviceTask", "g", z("taskDefinition", type=type_, retries=written)) + line("g"))
    problems = check_release({"p.bpmn": xml}, operations=None, allow_undeclared=True)
    found = [each for each in problems if "retries" in each.what]
    assert [each.element_id for each in found] == ["g"]
    assert "R5/PT5M" in (found[0].remedy or "")
