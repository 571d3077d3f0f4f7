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
    "jellyfish",  # nobody has entered a party
    "joserfc",
    "markdown_it",  # no text of a form or diagram is drawn
    "prometheus_client",  # nobody watches
    "pypdf",
    "re2",
    "rich",
    "sqlalchemy.dialects.postgresql",  # the database is SQLite
    "weasyprint",  # no document is made
}
HTTP_LIBRARIES = {"aiohttp", "charset_normalizer", "httpx", "requests", "urllib3"}  # the standard library's serves
START = """
import gc, json, sys
from pathlib import Path
from app.cli.serve_commands import application
from app.settings import Env, Settings
app = application(Settings(env=Env.DEMO, data=Path(sys.argv[1])), check=False)
assert gc.isenabled() and gc.get_freeze_count() > 100_000
answer = app.test_client().get("/", base_url="http://127.0.0.1:8000")
dialects = [name for name in sys.modules if name.startswith("sqlalchemy.dialects.")]
print(json.dumps([answer.status_code, sorted({name.partition(".")[0] for name in sys.modules}.union(dialects))]))
"""


ON_POSTGRESQL = """
import json, sys
from pathlib import Path
from app.cli.serve_commands import application
from app.keeping.restore import catch_up
from app.settings import Env, Settings
application(Settings(env=Env.TEST, data=Path(sys.argv[1]), database_url="postgresql+psycopg://nobody@127.0.0.1:1/none"), check=False)
print(json.dumps([0, sorted(name for name in sys.modules if name.startswith(("psycopg", "sqlite3", "sqlalchemy.dialects.")))]))
"""
TOKEN = """
import json, sys
import app.identity.published, app.identity.tokens, app.identity.transport
print(json.dumps([0, sorted({name.partition(".")[0] for name in sys.modules})]))
"""
SIGN_IN = """
import json, sys
import app.devidp.server, app.identity.provider, app.identity.tokens, app.identity.transport
print(json.dumps([0, sorted({name.partition(".")[0] for name in sys.modules})]))
"""


def run(script: str, folder: Path) -> tuple[int, set[str]]:
    """What a script in a process of its own prints: a status, and what was imported."""
    done = subprocess.run(
        [sys.executable, "-c", script, str(folder)],
        cwd=ROOT,
        env={**os.environ, "CONVENOR_ENV": "demo"},
        capture_output=True,
        text=True,
        check=True,
    )
    status, imported = json.loads(done.stdout)
    return status, set(imported)


def test_a_start_does_not_import_what_only_later_work_needs(tmp_path: Path) -> None:
    status, imported = run(START, tmp_path)
    assert status in (200, 302, 500)  # 500: the database of this start has no tables
    assert (LATER | HTTP_LIBRARIES) & imported == set()


def test_a_start_on_postgresql_does_without_sqlite(tmp_path: Path) -> None:
    _, imported = run(ON_POSTGRESQL, tmp_path)
    assert "psycopg" in imported
    assert {"sqlite3", "sqlalchemy.dialects.sqlite"} & imported == set()


def test_checking_a_token_does_not_import_what_signing_in_needs(tmp_path: Path) -> None:
    _, imported = run(TOKEN, tmp_path)
    assert "joserfc" in imported
    assert "authlib" not in imported


def test_neither_signing_in_nor_checking_a_token_imports_an_http_library(tmp_path: Path) -> None:
    _, imported = run(SIGN_IN, tmp_path)
    assert {"authlib", "joserfc"} <= imported
    assert HTTP_LIBRARIES & imported == set()
