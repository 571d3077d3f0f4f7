"""The engine against the reference model, over thousands of diagrams that nobody has seen before."""

from __future__ import annotations

import os
import random
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "unit" / "runtime"))

from test_runtime_reference import play

ROUNDS = int(os.environ.get("CONVENOR_SOAK_DIAGRAMS", "20000"))

pytestmark = pytest.mark.soak


def test_thousands_of_diagrams() -> None:
    first = random.SystemRandom().randrange(2**32)
    print(f"seeds from {first}")
    steps = sum(play(seed) for seed in range(first, first + ROUNDS))
    print(f"{ROUNDS} diagrams, {steps} steps")
    assert steps > ROUNDS
