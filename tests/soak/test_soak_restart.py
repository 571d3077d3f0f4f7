"""PostgreSQL restarted again and again under load."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.support.restarting import restarted_under_load

RESTARTS = int(os.environ.get("CONVENOR_SOAK_RESTARTS", "20"))

pytestmark = pytest.mark.soak


def test_postgresql_restarted_by_the_score(tmp_path: Path) -> None:
    done = restarted_under_load(tmp_path, restarts=RESTARTS)
    print(f"{RESTARTS} restarts: {done}", flush=True)
