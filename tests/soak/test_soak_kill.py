"""500 kills under load, on SQLite and on PostgreSQL. What happens is printed: ``make soak`` shows it."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from app.store import faults
from tests.support.installation import Blank
from tests.support.killing import Killing

ROUNDS = int(os.environ.get("CONVENOR_SOAK_ROUNDS", "500")) // 2

pytestmark = pytest.mark.soak


def test_killed_by_the_hundred(blank: Blank, tmp_path: Path) -> None:
    with blank.copy(tmp_path / "data") as installation:
        seed = random.SystemRandom().randrange(2**32)
        print(f"seed {seed}")
        chosen = random.Random(seed)
        points = [chosen.choice(sorted(faults.POINTS)) for _ in range(ROUNDS)]
        done = Killing(installation, tmp_path, seed).run(points, told=_told)
        _told(f"{len(points)} kills: {done}")


def _told(line: str) -> None:
    print(line, flush=True)
