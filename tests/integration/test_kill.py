"""kill -9 at every named point of a web and of a worker process, under load: nothing acknowledged is lost, nothing happens twice."""

from __future__ import annotations

from pathlib import Path

from app.store import faults
from tests.support.installation import Blank
from tests.support.killing import Killing

# Ten rounds or more on each database; together every point at least once.
ON_SQLITE = (*faults.WEB, *faults.WORKER[:4])
ON_POSTGRESQL = faults.WORKER[-10:]


def test_every_point_is_killed_at() -> None:
    assert set(ON_SQLITE) | set(ON_POSTGRESQL) == faults.POINTS


def test_killed_at_every_point(blank: Blank, tmp_path: Path) -> None:
    with blank.copy(tmp_path / "data") as installation:
        points = ON_POSTGRESQL if installation.database else ON_SQLITE
        done = Killing(installation, tmp_path).run(points)
        assert done["instances"] > 0
        assert done["completions"] > 0
