"""A worker is killed in the middle of a move: another goes on where it was, and no case moves twice."""

from __future__ import annotations

import signal
from itertools import pairwise
from pathlib import Path

from sqlalchemy import func, select

from app import audit
from app.agencies.models import Area
from app.audit import AuditEntry
from app.demo.acting import person
from app.runtime import releases
from app.runtime import service as runtime
from app.runtime.models import Instance
from app.store.clock import clock
from app.store.database import db
from app.work.models import ItemState, WorkItem
from app.workshop import moves
from app.workshop.asking import by_versions
from tests.support.installation import Blank
from tests.support.processes import Nest
from tests.support.waiting import anew, wait_for

CASES = 24


def diagram(*tasks: str) -> bytes:
    elements = "".join(f'<bpmn:userTask id="{task}"/>' for task in tasks)
    path = ["Start", *tasks, "End"]
    flows = "".join(f'<bpmn:sequenceFlow id="{a}To{b}" sourceRef="{a}" targetRef="{b}"/>' for a, b in pairwise(path))
    return (
        '<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" id="D" targetNamespace="x">'
        f'<bpmn:process id="moved-along" isExecutable="true"><bpmn:startEvent id="Start"/>{elements}'
        f'<bpmn:endEvent id="End"/>{flows}</bpmn:process></bpmn:definitions>'
    ).encode()


def test_a_worker_killed_in_the_middle_of_a_move_repeats_and_loses_nothing(blank: Blank, tmp_path: Path) -> None:
    clock.freeze(None)
    nest = Nest(tmp_path)
    try:
        with blank.copy(tmp_path / "data") as installation, installation.app():
            area = db.session.execute(select(Area.key)).scalar_one()
            olive = person("olive")
            for tasks in (("First", "Last"), ("Renamed", "Added", "Last")):
                releases.publish_release(
                    {"a.bpmn": diagram(*tasks)}, area_key=area, by=olive.key, allow_undeclared=True
                )
                if tasks[0] == "First":
                    for _ in range(CASES):
                        runtime.start("moved-along", {}, area_key=area, by=olive.key)
            asked = by_versions(area, "moved-along", 1, 2, mapping={"First": "Renamed"})
            key = moves.start(olive, asked).key
            db.session.commit()

            for fault in ("job.before-run:3", "job.before-commit:1"):
                worker = nest.convenor("worker", **installation.environment(CONVENOR_FAULT=fault))
                assert worker.wait(120) == -signal.SIGKILL, worker.log.read_text()[-2000:]
            worker = nest.convenor("worker", **installation.environment())
            wait_for(lambda: not anew(lambda: moves.progress(olive, key)).waiting, "all have moved", patience=120)
            assert worker.stop() == 0

            told = moves.progress(olive, key)
            assert (told.moved, told.failed, told.state) == (CASES, 0, "done")
            entries = select(AuditEntry.instance_key).where(AuditEntry.action == "move.instance")
            moved = sorted(db.session.execute(entries).scalars())
            keys = select(Instance.key).where(Instance.process_id == "moved-along").order_by(Instance.key)
            assert moved == list(db.session.execute(keys).scalars())
            items = select(WorkItem.element_id, func.count()).where(
                WorkItem.process_id == "moved-along", WorkItem.state == ItemState.OPEN
            )
            assert db.session.execute(items.group_by(WorkItem.element_id)).all() == [("Renamed", CASES)]
            while audit.seal_pending():
                pass
            db.session.commit()
            assert audit.verify().findings == []
    finally:
        nest.close()
