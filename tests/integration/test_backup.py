"""The drill: back up while there is work, lose the database, restore, and go on. On both databases, and from one to the other."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, func, select

from app import audit, notices, schema
from app.agencies.models import Area
from app.cases import destruction, dossiers, submissions
from app.cases.models import Dossier, TimelineEvent
from app.demo.acting import person
from app.errors import Conflict
from app.identity import register
from app.identity.models import User, WebSession
from app.keeping import backup, tables
from app.keeping.errors import NoBackup, NotEmpty
from app.keeping.restore import catch_up, restore
from app.notices.models import Notice, NoticeState
from app.operations import states
from app.runtime.models import Instance
from app.store import jobs
from app.store.clock import wall_now
from app.store.database import db, reading
from app.store.worker import Worker, WorkerBeat
from app.work import completion
from app.work.models import WorkItem
from tests.integration.test_workers import tasks, timers_due
from tests.support import relay
from tests.support.installation import Blank, Installation


@pytest.fixture
def installation(blank: Blank, tmp_path: Path) -> Iterator[Installation]:
    with blank.copy(tmp_path / "data") as found:
        yield found


def area_key() -> int:
    return int(db.session.execute(select(Area.key)).scalar_one())


def user_key(username: str) -> int:
    found = register.find_user(username)
    assert found is not None
    return found.key


def a_case(secret: str) -> int:
    """A case with something typed in it, and a notice that waits to be sent."""
    who = user_key("rosa")
    case = dossiers.open_case(area_key(), "marac-case", by=who, agency_key=None)
    submissions.record(
        case.key,
        {"said": secret},
        form_id="a-form",
        release_key=1,
        element_id="Task",
        agency_key=None,
        by=who,
        work_item_key=None,
    )
    tell(case.reference)
    audit.record("case.open", actor=who, case_key=case.key)
    db.session.commit()
    return case.key


def tell(reference: str, dedupe: str | None = None) -> None:
    notices.send(
        notices.Template.TASK_ASSIGNED,
        [user_key("cora")],
        reference=reference,
        due=None,
        path="/work",
        dedupe=dedupe,
        area_key=area_key(),
    )


def typed(case_key: int) -> Any:
    [submission] = submissions.of(case_key)
    return submissions.read(submission)


def mail(installation: Installation) -> set[str]:
    return {path.name for path in (installation.data / "mail").glob("*.eml")}


def work(app: Any) -> None:
    Worker(app, lease=timedelta(seconds=60)).run_until_idle()


def content() -> dict[str, list[tuple[Any, ...]]]:
    """Everything in the database, but for what a restore begins afresh or adds."""
    left_out = {"worker_beat", "web_session", "audit_entry", "audit_seal", "job", "notice"}
    db.session.rollback()
    with reading(), db.engine.connect() as connection:
        return {
            table.name: sorted((tuple(row) for row in connection.execute(select(table))), key=repr)
            for table in tables.ordered(db.metadata)
            if table.name not in left_out
        }


def test_the_drill(blank: Blank, installation: Installation, tmp_path: Path) -> None:
    file = tmp_path / "monday.backup"
    with installation.app() as app:
        kept, condemned = a_case("kept"), a_case("to be destroyed later")
        db.session.add(
            WebSession(id_hash="0" * 64, created_at=wall_now(), last_seen_at=wall_now(), expires_at=wall_now())
        )
        db.session.add(WorkerBeat(name="of the lost system", at=wall_now()))
        leased = jobs.enqueue("runtime.wake", {"instance": "1"}, instance_key=1)
        leased.lease_owner, leased.lease_until = "of the lost system", wall_now() + timedelta(hours=1)
        db.session.commit()
        leased_key = leased.key
        audit.seal_pending()
        head = tmp_path / "head.json"
        head.write_text(audit.export_head() or "")
        before = content()

        made = backup.make(file)
        assert made.rows > 100
        assert file.stat().st_mode & 0o777 == 0o600

        # After the backup: a case is destroyed, mail goes out, a reminder is written and sent, the audit is sealed further.
        dossiers.find_case(condemned).legal_hold = False
        states.destroy(condemned, by=None)
        tell("MARAC-2026-9999", dedupe="reminder:1")
        db.session.commit()
        work(app)
        audit.record("work.complete", actor=1)
        db.session.commit()
        audit.seal_pending()
        sent = mail(installation)
        assert len(sent) == 2, "the destroyed case's notice is not sent"
        assert destruction.to_destroy_again(installation.data / "ledger") == []

    # The database is lost; the data folder with ledgers and heads, and the keys, are not.
    with blank.empty(tmp_path / "elsewhere") as empty:
        lost = Installation(installation.data, empty.database, installation.port)
        if not empty.database:
            for path in installation.data.glob("convenor.sqlite3*"):
                path.unlink()
        with lost.app() as app:
            done = restore(app, file)
            assert (done.destroyed, done.sent) == (1, 1)
            assert done.set_aside > 0
            assert audit.verify().sound
            assert audit.verify(head).sound

            after = content()
            for name in ("user_account", "role_grant", "agency", "release", "release_file", "process_definition"):
                assert after[name] == before[name], name
            assert typed(kept) == {"said": "kept"}
            destroyed = db.session.get(Dossier, condemned)
            assert destroyed is not None
            assert destroyed.wrapped_key is None
            assert (
                db.session.execute(
                    select(func.count()).select_from(TimelineEvent).where(TimelineEvent.dossier_key == condemned)
                ).scalar()
                == 1
            )
            assert db.session.execute(select(func.count()).select_from(WebSession)).scalar() == 0
            assert db.session.execute(select(func.count()).select_from(WorkerBeat)).scalar() == 0
            job = db.session.get(jobs.Job, leased_key)
            assert job is not None
            assert job.lease_owner is None

            # The timer that asked for the reminder fires again; nothing that went out goes out twice.
            tell("MARAC-2026-9999", dedupe="reminder:1")
            db.session.commit()
            work(app)
            assert mail(lost) == sent
            waiting = db.session.execute(select(Notice).where(Notice.state == NoticeState.QUEUED)).first()
            assert waiting is None

            # The system goes on: new work, a new seal, and the audit still verifies.
            assert typed(a_case("new")) == {"said": "new"}
            audit.seal_pending()
            assert audit.verify().sound
            assert catch_up(app) == (0, 0)


def test_timers_and_tasks_go_on_after_a_restore(blank: Blank, installation: Installation, tmp_path: Path) -> None:
    """A timer that fell due while the system was lost fires once; what was done after the backup has to be done again, and can be."""
    with installation.app() as app:
        armed = timers_due(2)
        backup.make(tmp_path / "one.backup")
        work(app)  # the timers fire; all of it is lost
        assert {element for _, element in tasks()} == {"First", "Second"}
    with blank.empty(tmp_path / "other") as empty, empty.app() as app:
        restore(app, tmp_path / "one.backup")
        assert {element for _, element in tasks()} == {"First"}
        work(app)
        assert tasks() == {(key, element): 1 for key in armed for element in ("First", "Second")}
        who = person(relay.WHO)
        for item in list(db.session.execute(select(WorkItem.key).where(WorkItem.element_id == "Second")).scalars()):
            completion.complete(item, who, {})
            db.session.commit()
        assert set(db.session.execute(select(Instance.status)).scalars()) == {"COMPLETED"}
        audit.seal_pending()
        assert audit.verify().sound


def test_a_restore_that_was_killed_is_not_served(
    blank: Blank, installation: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with installation.app():
        backup.make(tmp_path / "one.backup")
    with blank.empty(tmp_path / "other") as empty, empty.app() as app:
        with monkeypatch.context() as patched:
            patched.setattr("app.keeping.restore.catch_up", lambda *_, **__: 1 / 0)
            with pytest.raises(ZeroDivisionError):
                restore(app, tmp_path / "one.backup")
        db.session.rollback()
        with pytest.raises(schema.SchemaMismatch, match="empty the database and restore the backup again"):
            schema.check(app)
        with pytest.raises(schema.SchemaMismatch, match="has not come to its end"):
            restore(app, tmp_path / "one.backup")


def test_a_restored_database_equals_the_one_backed_up(blank: Blank, installation: Installation, tmp_path: Path) -> None:
    file = tmp_path / "one.backup"
    with installation.app():
        a_case("equal")
        before = content()
        backup.make(file)
    with blank.empty(tmp_path / "other") as empty, empty.app() as app:
        restore(app, file)
        assert content() == before


def test_a_backup_of_sqlite_moves_into_postgresql(
    installation: Installation, postgres_url: str, tmp_path: Path
) -> None:
    """The way from a small beginning to the database that production needs; and the other way for a rehearsal."""
    with installation.app():
        key = a_case("moved")
        before = content()
        backup.make(tmp_path / "one.backup")
    moved = Installation(tmp_path / "moved", postgres_url, installation.port)
    moved.data.mkdir()
    (moved.data / "demo-keys.json").write_bytes((installation.data / "demo-keys.json").read_bytes())
    with moved.app() as app:
        restore(app, tmp_path / "one.backup")
        assert typed(key) == {"said": "moved"}
        assert content() == before
        assert audit.verify().sound


def test_work_goes_on_while_a_backup_is_made(installation: Installation, tmp_path: Path) -> None:
    """What is committed while tables are copied is in the backup as a whole or not at all."""
    with installation.app():
        counted = db.session.execute(select(func.count()).select_from(User)).scalar_one()
        db.session.rollback()

        def meanwhile(connection: Any, *_: Any) -> None:
            if connection.dialect.name == "postgresql" and not meanwhile_done:
                meanwhile_done.append(True)
                with installation_engine.begin() as other:
                    other.exec_driver_sql("UPDATE user_account SET name = 'Changed meanwhile'")

        meanwhile_done: list[bool] = []
        from sqlalchemy import create_engine

        installation_engine = create_engine(db.engine.url)
        event.listen(db.engine, "after_cursor_execute", lambda c, _cursor, s, *_: "area" in s and meanwhile(c))
        backup.make(tmp_path / "one.backup")
        installation_engine.dispose()
    with sqlite3.connect(tmp_path / "one.backup") as found:
        names = {name for (name,) in found.execute("SELECT name FROM user_account")}
    assert "Changed meanwhile" not in names
    assert len(names) == counted


def test_a_backup_ends_while_somebody_writes_all_the_time(installation: Installation, tmp_path: Path) -> None:
    """SQLite's backup in several steps begins again whenever another process has written between two of them."""
    if installation.database:
        pytest.skip("PostgreSQL has snapshots")
    over, written = threading.Event(), []

    def write(database: str) -> None:
        with sqlite3.connect(database, timeout=15, isolation_level=None) as connection:
            while not over.is_set() and len(written) < 5_000:
                connection.execute("UPDATE filler SET n = n + 1")
                written.append(True)
        connection.close()

    with installation.app():
        database = str(db.engine.url.database)
        with sqlite3.connect(database) as connection:
            connection.execute("CREATE TABLE much AS SELECT zeroblob(40000000) AS content")
            connection.execute("CREATE TABLE filler AS SELECT 1 AS n")
        connection.close()
        writer = threading.Thread(target=write, args=(database,))
        writer.start()
        try:
            backup.make(tmp_path / "one.backup")
        finally:
            over.set()
            writer.join()
    assert len(written) < 5_000, "it has not waited for the writer's end"


CHANGES = {
    "UPDATE release_file SET content = zeroblob(length(content))": "release_file",
    "UPDATE user_account SET active = 1 - active": "user_account",
    "UPDATE area SET name = CAST(X'FF' AS TEXT)": "area",
    "UPDATE convenor_backup SET made_at = '2030-01-01T00:00:00+00:00'": "convenor_backup",
    "UPDATE convenor_backup_rows SET digest = '' WHERE name = 'job'": "job",
}


def test_what_is_no_backup_or_not_empty_is_refused(installation: Installation, blank: Blank, tmp_path: Path) -> None:
    file = tmp_path / "good.backup"
    with installation.app() as app:
        backup.make(file)
        with pytest.raises(Conflict, match="exists already"):
            backup.make(file)
        with pytest.raises(NotEmpty, match="not empty"):
            restore(app, file)
    with blank.empty(tmp_path / "other") as empty, empty.app() as app:
        with pytest.raises(NoBackup, match="There is no file"):
            restore(app, tmp_path / "missing")
        nonsense = tmp_path / "nonsense"
        nonsense.write_bytes(b"not a database" * 100)
        with pytest.raises(NoBackup, match="not a backup"):
            restore(app, nonsense)
        cut = tmp_path / "cut"
        cut.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
        with pytest.raises(NoBackup):
            restore(app, cut)
        poorer = tmp_path / "poorer"
        poorer.write_bytes(file.read_bytes())
        with sqlite3.connect(poorer) as connection:
            connection.execute("DELETE FROM role_grant")
        with pytest.raises(NoBackup, match="role_grant is not complete"):
            restore(app, poorer)
        other = tmp_path / "other-version"
        other.write_bytes(file.read_bytes())
        with sqlite3.connect(other) as connection:
            connection.execute("UPDATE convenor_backup SET schema = 'of another time'")
        with pytest.raises(NoBackup, match="another version"):
            restore(app, other)
        for change, where in CHANGES.items():
            changed = tmp_path / "changed"
            changed.write_bytes(file.read_bytes())
            with sqlite3.connect(changed) as connection:
                connection.execute(change)
            with pytest.raises(NoBackup, match=f"damaged: {where} has changed"):
                restore(app, changed)
        before = tmp_path / "before-digests"
        before.write_bytes(file.read_bytes())
        with sqlite3.connect(before) as connection:
            connection.execute("ALTER TABLE convenor_backup_rows DROP COLUMN digest")
        backup.open_file(before).engine.dispose()
        assert restore(app, file).rows > 100
