"""Upgrading without stopping: this version goes on, and starts again, on the next version's schema; processes of both work side by side."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import inspect, text
from sqlalchemy.exc import DBAPIError

from app import schema
from app.keeping import backup
from app.store.database import db
from tests.support import next_version, relay
from tests.support.installation import Blank, Installation, free_port
from tests.support.processes import Nest
from tests.support.waiting import wait_for


@pytest.fixture
def installation(blank: Blank, tmp_path: Path) -> Iterator[Installation]:
    with blank.copy(tmp_path / "data") as found:
        yield found


@pytest.fixture
def migrations(tmp_path: Path) -> Path:
    """The next version's migrations."""
    folder = tmp_path / "migrations"
    shutil.copytree(schema.FOLDER, folder, ignore=shutil.ignore_patterns("__pycache__"))
    next_version.write_migration(folder)
    return folder


def test_processes_of_two_versions_work_together(
    installation: Installation, migrations: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not installation.database:
        pytest.skip("SQLite is for one process, which is stopped for an upgrade")
    (tmp_path / "this").mkdir()
    (tmp_path / "next").mkdir()
    this = Nest(tmp_path / "this")
    monkeypatch.setenv(next_version.VARIABLE, str(migrations))
    following = Nest(tmp_path / "next", "tests.support.next_version")
    ports = (installation.port, free_port())
    load = relay.load(installation, clients=4, ports=ports)
    environment = installation.environment()
    try:
        web = this.convenor("serve", "--no-worker", **environment)
        worker = this.convenor("worker", **environment)
        load.begin()
        wait_for(lambda: len(load.completed) >= 3)

        assert following.convenor("migrate", **environment).wait() == 0
        done = len(load.completed)
        wait_for(lambda: len(load.completed) >= done + 3)
        worker.kill()
        worker = this.convenor("worker", **environment)  # of this version, begun on the next one's schema
        later = [
            following.convenor("worker", **environment),
            following.convenor("serve", "--no-worker", **{**environment, "CONVENOR_PORT": str(ports[1])}),
        ]
        done = len(load.completed)
        wait_for(lambda: len(load.completed) >= done + 10)
        load.end()
        load.finish()
        assert [process.stop() for process in (web, worker, *later)] == [0, 0, 0, 0]
        assert relay.verify(load)["completions"] >= 16
        with installation.app():
            weights = db.session.execute(text("SELECT DISTINCT weight FROM instance")).scalars()
            assert set(weights) == {7, 8}, "instances begun by both"
    finally:
        load._stop.set()
        this.close()
        following.close()


def test_a_migration_that_fails_half_way_leaves_nothing(installation: Installation, migrations: Path) -> None:
    [file] = (migrations / "versions").glob("9999_next.py")
    whole = file.read_text()
    with installation.app() as app, pytest.MonkeyPatch.context() as patched:
        patched.setattr(schema, "FOLDER", migrations)
        file.write_text(whole.replace("def downgrade", "    op.execute('SELECT no_such_thing')\n\n\ndef downgrade"))
        with pytest.raises(DBAPIError):
            schema.migrate(app)
        assert not inspect(db.engine).has_table("of_the_next")
        file.write_text(whole)
        schema.migrate(app)
        assert inspect(db.engine).has_table("of_the_next")
        schema.check(app)


def test_a_later_schema_is_served_and_not_backed_up_or_changed(installation: Installation, tmp_path: Path) -> None:
    head = schema.newest()[:4]
    with installation.app() as app:
        db.session.execute(text("UPDATE alembic_version SET version_num = :found"), {"found": f"9999_{head}"})
        db.session.commit()
        schema.check(app)
        schema.migrate(app)
        with pytest.raises(schema.SchemaMismatch, match="use the later version for this"):
            backup.make(tmp_path / "one.backup")
        assert not (tmp_path / "one.backup").exists()
        for refused in ("9999", f"9999_{int(head) + 1:04}", f"{int(head) - 1:04}_0001"):
            db.session.execute(text("UPDATE alembic_version SET version_num = :found"), {"found": refused})
            db.session.commit()
            with pytest.raises(schema.SchemaMismatch, match="newer than this version"):
                schema.check(app)


def test_every_revision_is_named_as_code_of_earlier_versions_reads_it() -> None:
    """Up to 0009 nobody looked at the names."""
    for path in sorted((schema.FOLDER / "versions").glob("*.py")):
        revision = dict(schema._REVISION.findall(path.read_text()))["revision"]
        assert path.name.startswith(revision[:4] + "_")
        if revision > "0009":
            found = schema._FROM.fullmatch(revision)
            assert revision == revision[:4] or (found is not None and found["oldest"] < found["number"])
