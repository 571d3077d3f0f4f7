"""Workers as processes: stopped past their lease, drained, of two versions, and three of them with three web processes."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from sqlalchemy import select

from app import notices
from app.agencies.models import Area
from app.demo.acting import person
from app.documents.models import Document, DocumentStatus
from app.identity import register
from app.notices.models import Notice, NoticeState
from app.runtime import releases
from app.runtime.models import Instance
from app.runtime.step import WAKE
from app.store import jobs
from app.store.database import db
from app.work import completion, starting
from app.work.models import WorkItem
from tests.support import relay
from tests.support.installation import Blank, Installation, free_port
from tests.support.killing import PRELUDE
from tests.support.prelude import WAITING
from tests.support.processes import Nest, Process
from tests.support.waiting import wait_for


@pytest.fixture
def installation(blank: Blank, tmp_path: Path) -> Iterator[Installation]:
    with blank.copy(tmp_path / "data") as found:
        yield found


@pytest.fixture
def nest(tmp_path: Path) -> Iterator[Nest]:
    made = Nest(tmp_path, PRELUDE)
    yield made
    made.close()


def a_notice() -> int:
    """A notice that waits to be sent."""
    who = register.find_user("cora")
    assert who is not None
    area = db.session.execute(select(Area.key)).scalar_one()
    [notice] = notices.send(
        notices.Template.TASK_ASSIGNED, [who.key], reference="MARAC-2026-0001", due=None, path="/work", area_key=area
    )
    db.session.commit()
    return notice.key


def look(query: Callable[[], object]) -> object:
    try:
        return query()
    finally:
        db.session.expunge_all()
        db.session.rollback()


def state_of(notice: int) -> object:
    return look(lambda: db.session.execute(select(Notice.state).where(Notice.key == notice)).scalar())


def job_left() -> object:
    return look(lambda: db.session.execute(select(jobs.Job.key).limit(1)).scalar())


@pytest.mark.parametrize("point", ["claim.after-commit", "notice.before-send", "notice.after-send"])
def test_a_worker_stopped_past_its_lease_repeats_nothing(installation: Installation, nest: Nest, point: str) -> None:
    with installation.app():
        notice = a_notice()
        first = nest.convenor("worker", **installation.environment(CONVENOR_FAULT=f"{point}:1:stop"))
        wait_for(lambda: is_stopped(first))
        second = nest.convenor("worker", **installation.environment())
        wait_for(lambda: state_of(notice) == NoticeState.SENT and job_left() is None)
        [letter] = (installation.data / "mail").glob("*.eml")
        written = letter.stat().st_mtime_ns
        sent_at = look(lambda: db.session.execute(select(Notice.sent_at).where(Notice.key == notice)).scalar())
        first.send(signal.SIGCONT)
        assert first.stop() == 0
        assert second.stop() == 0
        assert list((installation.data / "mail").glob("*.eml")) == [letter]
        assert letter.stat().st_mtime_ns == written, "it is not sent again"
        assert sent_at == look(lambda: db.session.execute(select(Notice.sent_at).where(Notice.key == notice)).scalar())
        assert job_left() is None


def test_a_worker_stopped_while_it_draws_a_document_stores_nothing_more(installation: Installation, nest: Nest) -> None:
    with installation.app():
        relay.ask_for_paper()
        first = nest.convenor("worker", **installation.environment(CONVENOR_FAULT="document.after-draw:1:stop"))
        wait_for(lambda: is_stopped(first))
        second = nest.convenor("worker", **installation.environment())

        def stored() -> object:
            return look(lambda: db.session.execute(select(Document.sha, Document.status)).all())

        wait_for(lambda: [row.status for row in stored()] == [DocumentStatus.READY])  # type: ignore[attr-defined]
        drawn = stored()
        first.send(signal.SIGCONT)
        assert (first.stop(), second.stop()) == (0, 0)
        assert stored() == drawn
        assert job_left() is None


@pytest.mark.parametrize("point", ["claim.after-commit", "batch.between"])
def test_a_worker_stopped_past_its_lease_among_many_timers(installation: Installation, nest: Nest, point: str) -> None:
    """Neither the stopped worker's transaction nor what it had claimed is repeated; all of it goes on elsewhere."""
    if point == "batch.between" and not installation.database:
        pytest.skip("a process that is stopped with SQLite's one write lock stops everybody until it goes on or ends")
    with installation.app():
        instances = timers_due(6)
        (before,) = revisions(instances)
        first = nest.convenor("worker", **installation.environment(CONVENOR_FAULT=f"{point}:1:stop"))
        wait_for(lambda: is_stopped(first))
        second = nest.convenor("worker", **installation.environment())
        wait_for(lambda: tasks() == {(key, element): 1 for key in instances for element in ("First", "Second")})
        first.send(signal.SIGCONT)
        assert (first.stop(), second.stop()) == (0, 0)
        assert set(look(tasks).values()) == {1}  # type: ignore[attr-defined]
        assert revisions(instances) == {before + 1}
        assert look(lambda: db.session.execute(select(jobs.Job.key).where(jobs.Job.kind == WAKE)).first()) is None


def timers_due(count: int) -> set[int]:
    """Instances whose first task is done, so that their timers are due in a moment."""
    relay.publish()
    who = person(relay.WHO)
    definition = releases.find_definition(who.area_key or 0, "relay", None)
    keys = set()
    for _ in range(count):
        keys.add(starting.start_version(definition, who, {}).key)
        db.session.commit()
    for item in list(db.session.execute(select(WorkItem.key).where(WorkItem.instance_key.in_(keys))).scalars()):
        completion.complete(item, who, {})
        db.session.commit()
    return keys


def revisions(instances: set[int]) -> set[int]:
    found = set(db.session.execute(select(Instance.revision).where(Instance.key.in_(instances))).scalars())
    db.session.rollback()
    return found


def tasks() -> dict[tuple[int, str], int]:
    """How often each task of each instance has been opened."""
    found = db.session.execute(select(WorkItem.instance_key, WorkItem.element_id)).all()
    db.session.rollback()
    return dict(Counter((row.instance_key, row.element_id) for row in found))


def is_stopped(process: Process) -> bool:
    """Whether a process stands still at its fault point."""
    return Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "T"


def test_a_worker_asked_to_end_finishes_its_job(installation: Installation, nest: Nest, tmp_path: Path) -> None:
    with installation.app():
        first = jobs.enqueue(WAITING, {"folder": str(tmp_path)}).key
        db.session.commit()
        worker = nest.convenor("worker", **installation.environment())
        wait_for((tmp_path / "begun").exists)
        worker.send(signal.SIGTERM)
        assert worker.poll() is None
        (tmp_path / "go").touch()
        assert worker.wait() == 0
        assert look(lambda: db.session.get(jobs.Job, first)) is None


def test_the_worker_inside_serve_finishes_its_job_too(installation: Installation, nest: Nest, tmp_path: Path) -> None:
    with installation.app():
        first = jobs.enqueue(WAITING, {"folder": str(tmp_path)}).key
        db.session.commit()
        server = nest.convenor("serve", **installation.environment())
        wait_for((tmp_path / "begun").exists)
        server.send(signal.SIGTERM)
        (tmp_path / "go").touch()
        assert server.wait() == 0
        assert look(lambda: db.session.get(jobs.Job, first)) is None


def test_a_request_that_is_somewhat_too_large_gets_a_page(installation: Installation, nest: Nest) -> None:
    if installation.database:
        pytest.skip("The server is the same on both databases")
    server = nest.convenor("serve", "--no-worker", **installation.environment())
    address = f"http://127.0.0.1:{installation.port}"
    wait_for(lambda: answers(address))
    told = httpx.post(f"{address}/sign-out", data={"typed": "x" * 13_000_000}, timeout=60)
    assert (told.status_code, "The file is too large" in told.text) == (413, True)
    assert server.stop() == 0


def answers(address: str) -> bool:
    try:
        return httpx.get(f"{address}/healthz").status_code == 200
    except httpx.TransportError:
        return False


def test_an_earlier_worker_leaves_what_it_does_not_know(installation: Installation, nest: Nest, tmp_path: Path) -> None:
    earlier_nest = Nest(tmp_path)  # without the prelude: a version that does not know the new kind of job
    try:
        with installation.app():
            earlier = earlier_nest.convenor("worker", **installation.environment())
            new = jobs.enqueue(WAITING, {"folder": str(tmp_path)}).key
            db.session.commit()
            known = a_notice()
            wait_for(lambda: state_of(known) == NoticeState.SENT)
            left = look(lambda: db.session.get(jobs.Job, new))
            assert isinstance(left, jobs.Job)
            assert (left.attempts, left.state, left.lease_owner) == (0, jobs.JobState.QUEUED, None)

            (tmp_path / "go").touch()
            later = nest.convenor("worker", **installation.environment())
            wait_for(lambda: look(lambda: db.session.get(jobs.Job, new)) is None)
            together = a_notice()
            wait_for(lambda: state_of(together) == NoticeState.SENT)
            assert earlier.stop() == 0
            assert later.stop() == 0
    finally:
        earlier_nest.close()


def test_three_web_and_three_worker_processes(installation: Installation, nest: Nest) -> None:
    if not installation.database:
        pytest.skip("SQLite is for one machine and one web process")
    ports = (installation.port, free_port(), free_port())
    load = relay.load(installation, clients=6, ports=ports)
    running = [nest.convenor("worker", **installation.environment()) for _ in range(3)]
    for port in ports:
        running.append(nest.convenor("serve", "--no-worker", **installation.environment(CONVENOR_PORT=str(port))))
    load.begin()
    wait_for(lambda: len(load.completed) >= 30, patience=120)
    running.pop(0).kill()
    running.pop().kill()
    wait_for(lambda: len(load.completed) >= 60, patience=120)
    load.end()
    load.finish()
    for process in running:
        assert process.stop() == 0
    assert relay.verify(load)["completions"] >= 60
