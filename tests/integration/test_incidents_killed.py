"""A worker is killed in the middle of mending by the hundred: another goes on where it was, and nothing is tried or skipped twice."""

from __future__ import annotations

import signal
from pathlib import Path

from sqlalchemy import func, select

from app import audit
from app.agencies.models import Area
from app.audit import AuditEntry
from app.demo.acting import person
from app.operations import mending
from app.operations.mending import Act, MendingState
from app.runtime import batches, releases
from app.runtime import service as runtime
from app.runtime.batches import BatchItem, BatchItemState, BatchState
from app.runtime.models import Incident, Instance
from app.store.clock import clock
from app.store.database import db
from app.work.models import ItemState, WorkItem
from tests.support.installation import Blank
from tests.support.processes import Nest
from tests.support.waiting import anew, wait_for
from tests.unit.runtime.runtime_kit import doc, line, user, z

EACH = 25  # two rounds
STOPS = doc(user("dated", z("taskSchedule", dueDate="=due")) + user("next") + line("dated", "next"), pid="stops")


def test_a_worker_killed_in_the_middle_of_a_round_repeats_and_loses_nothing(blank: Blank, tmp_path: Path) -> None:
    """An approved mending that skips, and a bulk retry of the contract, at the same time."""
    clock.freeze(None)
    nest = Nest(tmp_path)
    try:
        with blank.copy(tmp_path / "data") as installation, installation.app():
            area = db.session.execute(select(Area.key)).scalar_one()
            oscar, olive = person("oscar"), person("olive")
            releases.publish_release({"a.bpmn": STOPS}, area_key=area, by=olive.key, allow_undeclared=True)
            begun = [runtime.start("stops", {"due": True}, area_key=area, by=olive.key).key for _ in range(2 * EACH)]
            stopped = select(Incident.key, Incident.instance_key).where(Incident.instance_key.in_(begun))
            found = [(row[0], row[1]) for row in db.session.execute(stopped.order_by(Incident.key))]
            skipped, retried = found[:EACH], found[EACH:]
            mended = mending.propose(oscar, Act.SKIP, [key for key, _ in skipped], reason="No date is needed.").key
            mending.approve(olive, mended)
            for _, key in retried:
                runtime.set_variables(key, {"due": None}, by=None)
            batch = batches.begin("RESOLVE_INCIDENT", retried, area_key=area, by=oscar.key).key
            db.session.commit()

            # A round of the one and then of the other is done, and nothing of it is committed.
            for fault in ("job.before-commit:1", "job.before-commit:2"):
                worker = nest.convenor("worker", **installation.environment(CONVENOR_FAULT=fault))
                assert worker.wait(120) == -signal.SIGKILL, worker.log.read_text()[-2000:]
            worker = nest.convenor("worker", **installation.environment())
            wait_for(lambda: not anew(lambda: left(mended, batch)), "all is mended", patience=120)
            assert worker.stop() == 0

            assert mending.progress(mended) == {"done": EACH}
            assert mending.find(olive, mended).state == MendingState.DONE
            done = batches.find(batch)
            assert done is not None
            assert (done.state, done.completed, done.failed) == (BatchState.COMPLETED, EACH, 0)
            for action, expected in (("incident.skip", skipped), ("incident.retry", retried)):
                entries = select(AuditEntry.instance_key).where(AuditEntry.action == action)
                assert sorted(db.session.execute(entries).scalars()) == sorted(key for _, key in expected), "each once"
            opened = (
                select(WorkItem.element_id, func.count())
                .where(WorkItem.process_id == "stops", WorkItem.state == ItemState.OPEN)
                .group_by(WorkItem.element_id)
                .order_by(WorkItem.element_id)
            )
            assert db.session.execute(opened).all() == [("dated", EACH), ("next", EACH)]
            assert not db.session.execute(select(Instance.key).where(Instance.has_incident)).first()
            while audit.seal_pending():
                pass
            db.session.commit()
            assert audit.verify().findings == []
    finally:
        nest.close()


def left(mended: int, batch: int) -> int:
    """How many are still to be done."""
    query = select(func.count()).where(BatchItem.operation_key == batch, BatchItem.state == BatchItemState.ACTIVE)
    return mending.progress(mended).get("waiting", 0) + db.session.execute(query).scalar_one()
