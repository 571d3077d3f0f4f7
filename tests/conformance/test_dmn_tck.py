"""The DMN Technology Compatibility Kit, where it is at hand.

Set CONVENOR_TCK to a folder that holds the kit's runner (`tck_run.py`) and its cases (`tck_public`, or another folder named
by CONVENOR_TCK_CASES). The kit is third-party and not part of this repository.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from collections import defaultdict
from functools import cache
from pathlib import Path
from typing import Any

import pytest

KIT = Path(os.environ.get("CONVENOR_TCK", "/nonexistent"))
CASES = Path(os.environ.get("CONVENOR_TCK_CASES", str(KIT / "tck_public")))
ADAPTER = Path(__file__).with_name("tck_adapter.py")
# Functions in Java are refused by design: a decision file is not code.
REFUSED = frozenset(("0076-feel-external-java",))
FLOORS = {"literal": 98.0, "table": 100.0, "boxed": 97.0, "bkm": 97.0, "service": 100.0, "import": 100.0}
NULL_FLOOR = 98.0

pytestmark = pytest.mark.skipif(not (KIT / "tck_run.py").exists(), reason="CONVENOR_TCK names no conformance kit")


def _module(path: Path, name: str) -> Any:
    sys.path.insert(0, str(path.parent))
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@cache
def results(strict: bool) -> list[dict[str, Any]]:
    runner = _module(KIT / "tck_run.py", "tck_run")
    adapter = _module(ADAPTER, "tck_adapter")
    found = runner.run(adapter, list(runner.suite(CASES)), strict)
    return [result for result in found if result["folder"] not in REFUSED]


def share(found: list[dict[str, Any]]) -> float:
    return 100 * sum(result["status"] == "pass" for result in found) / len(found)


@pytest.mark.parametrize("category", sorted(FLOORS))
def test_values(category: str) -> None:
    found = [r for r in results(False) if r["category"] == category and r["expects"] == "value"]
    failed = [r["id"] for r in found if r["status"] != "pass"]
    assert not found or share(found) >= FLOORS[category], failed


@pytest.mark.parametrize("strict", [False, True])
def test_nulls(strict: bool) -> None:
    found = [r for r in results(strict) if r["expects"] == "null"]
    assert share(found) >= NULL_FLOOR, [r["id"] for r in found if r["status"] != "pass"]


def test_an_error_is_raised_for_no_value() -> None:
    raised = defaultdict(list)
    for result in results(True):
        if result["expects"] == "value" and result["error"]:
            raised[result["folder"]].append((result["id"], result["error"]))
    assert not raised
