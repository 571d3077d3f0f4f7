"""A small area whose procedures stop: for the tests of incidents, on pages, through the API and on the command line."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import Flask
from sqlalchemy import select

from app.agencies.models import Agency, Area, Tier
from app.audit import AuditEntry
from app.cases.dossiers import open_case, set_state
from app.cases.models import CaseState
from app.identity import register
from app.runtime import service as runtime
from app.runtime.models import Incident
from app.store.database import db, new_key
from app.store.worker import Worker
from app.work.models import WorkItem
from tests.support.browser import Browser, People
from tests.unit.runtime.runtime_kit import doc, el, end, flow, line, props, start, user, z

SECRET = "MARIGOLD"
CHOOSES = doc(
    el("exclusiveGateway", "fork", default="d")
    + user("yes", z("assignmentDefinition", candidateGroups="marac-coordinator"))
    + start()
    + end()
    + flow("s", "fork")
    + flow("fork", "e", id="d")
    + flow("fork", "yes", cond="=ready")
    + flow("yes", "e")
)
DATED = doc(
    user("dated", z("taskSchedule", dueDate="=1"))
    + user("next", z("assignmentDefinition", candidateGroups="marac-coordinator"))
    + line("dated", "next"),
    pid="q",
)
SIGNED = doc(
    user("signed", z("taskSchedule", dueDate="=1") + props(freshAuthentication="true")) + line("signed"), pid="r"
)
ALONE = doc(user("alone", z("assignmentDefinition", candidateGroups="idva-manager")) + line("alone"), pid="t")

PEOPLE = {"oscar": "operator", "olive": "process-owner", "otto": "process-owner", "cora": "marac-coordinator"}


class Ward:
    """A small area: an operator, two process owners, a co-ordinator; and procedures that stop."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.people = People(app)
        with app.app_context():
            area = Area(key=new_key(), slug="ward", name="Ward", demo=True, second_person=False)
            db.session.add(area)
            db.session.flush()
            agency = Agency(key=new_key(), area_key=area.key, slug="co", name="Council", kind="council", tier=Tier.CORE)
            db.session.add(agency)
            self.area, self.agency = area.key, agency.key
            for username, role in PEOPLE.items():
                register.register_person(username, username.title(), area_key=area.key, roles=[(role, None)])
            runtime.publish_release(
                {"p.bpmn": CHOOSES, "q.bpmn": DATED, "r.bpmn": SIGNED, "t.bpmn": ALONE},
                area_key=area.key,
                by=1,
                allow_undeclared=True,
            )
            db.session.commit()

    def as_(self, username: str) -> Browser:
        return self.people.as_(username)

    def begin(self, process: str = "p", case: bool = False, **variables: Any) -> int:
        """Start a procedure; the key of the instance."""
        with self.app.app_context():
            key = None
            if case:
                case_ = open_case(self.area, process, series="W", agency_key=self.agency, by=1)
                set_state(case_.key, CaseState.SUBMITTED)
                key = case_.key
            instance = runtime.start(process, variables, area_key=self.area, by=1, case_key=key)
            db.session.commit()
            return instance.key

    def incident(self, instance: int) -> Incident:
        with self.app.app_context():
            return runtime.incidents(instance)[0]

    def tasks(self, instance: int) -> list[str]:
        with self.app.app_context():
            query = select(WorkItem.element_id).where(WorkItem.instance_key == instance, WorkItem.state == "open")
            return sorted(db.session.execute(query).scalars())

    def work(self) -> None:
        Worker(self.app, lease=timedelta(seconds=10)).run_until_idle(200)

    def audited(self) -> list[str]:
        with self.app.app_context():
            query = select(AuditEntry.action).where(AuditEntry.action.like("incident.%")).order_by(AuditEntry.key)
            return list(db.session.execute(query).scalars())
