"""The work list follows the engine, however quickly a task comes and goes."""

from __future__ import annotations

from flask import Flask
from sqlalchemy import select

from app.identity import register
from app.notices.models import Notice
from app.runtime import service as runtime
from app.store.database import db
from app.work.models import Candidate, ItemState, WorkItem
from tests.unit.runtime.runtime_kit import boundary, doc, el, flow, io, line, msg, user, z

AREA = 77
OFFERED = z("assignmentDefinition", candidateGroups="marac-chair")


def test_a_task_that_is_opened_and_ended_at_once_is_on_nobodys_list(app: Flask) -> None:
    """One instance begins another and takes back at once what it began: all of it in one transaction."""
    asked = el("startEvent", "s", "", msg("M0")) + user("asked", OFFERED) + boundary("taken_back", "asked", msg())
    asked += user("told") + flow("s", "asked") + flow("taken_back", "told")
    throws = el("intermediateThrowEvent", "begins", io([("k", "=k")]), msg("M0"))
    throws += el("intermediateThrowEvent", "ends", io([("correlationKey", "=k")]), msg())
    sender = doc(throws + user("goes_on") + line("begins", "ends", "goes_on"), pid="sender")
    with app.app_context():
        chair = register.register_person("chair", "The Chair", area_key=AREA, roles=[("marac-chair", None)])
        files = {"asked.bpmn": doc(asked, pid="receiver"), "sender.bpmn": sender}
        runtime.publish_release(files, area_key=AREA, by=chair.key, allow_undeclared=True)
        db.session.commit()
        runtime.start("sender", {"k": "1"}, area_key=AREA, by=chair.key)
        db.session.commit()
        db.session.remove()
        states = {row.element_id: row.state for row in db.session.execute(select(WorkItem.element_id, WorkItem.state))}
        assert states == {"asked": ItemState.CANCELLED, "told": ItemState.OPEN, "goes_on": ItemState.OPEN}
        assert db.session.execute(select(Candidate.item_key)).all() == []
        told = set(db.session.execute(select(Notice.path)).scalars())
        (asked_key,) = db.session.execute(select(WorkItem.key).where(WorkItem.element_id == "asked")).scalars()
        assert f"/work/{asked_key}" not in told
