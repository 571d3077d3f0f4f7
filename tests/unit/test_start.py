"""What a start may not wait for: large libraries are imported by whoever needs them first."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LATER = {
    "alembic",  # a schema that is up to date
    "authlib",  # nobody has signed in yet
    "flask_migrate",
    "holidays",  # nobody has counted working days yet
    "joserfc",
    "prometheus_client",  # nobody watches
    "pypdf",
    "re2",
    "requests",
    "rich",
    "urllib3",
    "weasyprint",  # no document is made
}
START = """
import gc, json, sys
from pathlib import Path
from app.cli.serve_commands import application
from app.settings import Env, Settings
app = application(Settings(env=Env.DEMO, data=Path(sys.argv[1])), check=False)
assert gc.isenabled() and gc.get_freeze_count() > 100_000
answer = app.test_client().get("/", base_url="http://127.0.0.1:8000")
print(json.dumps([answer.status_code, sorted({name.partition(".")[0] for name in sys.modules})]))
"""


def test_a_start_does_not_import_what_only_later_work_needs(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", START, str(tmp_path)],
        cwd=ROOT,
        env={**os.environ, "CONVENOR_ENV": "demo"},
        capture_output=True,
        text=True,
        check=True,
    )
    status, imported = json.loads(done.stdout)
    assert status in (200, 302, 500)  # 500: the database of this start has no tables
    assert LATER & set(imported) == set()
