"""Load that can be checked afterwards: a procedure of two tasks with a timer between them, begun and completed by clients over HTTP.

The clients write down what the server acknowledged. Whatever happens to the processes meanwhile, all of that must be found, once.
"""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import func, select

from app import audit, devidp, documents
from app.agencies.models import Area
from app.audit.models import AuditEntry
from app.cases import dossiers
from app.documents.models import Document, DocumentStatus
from app.identity import register
from app.notices.models import Notice, NoticeState
from app.runtime.models import Incident, Instance, InstanceStatus
from app.runtime.service import publish_release
from app.store.clock import business_now
from app.store.database import db
from app.store.jobs import Job, JobState
from app.work.models import ItemState, WorkItem
from tests.support.installation import Installation
from tests.support.prelude import PAPER

RELAY = """<?xml version="1.0" encoding="UTF-8"?>
<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL"
    xmlns:zeebe="http://camunda.org/schema/zeebe/1.0" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
    id="Definitions_1" targetNamespace="http://bpmn.io/schema/bpmn">
  <bpmn:process id="relay" name="Relay" isExecutable="true">
    <bpmn:startEvent id="Start"><bpmn:outgoing>f1</bpmn:outgoing></bpmn:startEvent>
    <bpmn:sequenceFlow id="f1" sourceRef="Start" targetRef="First"/>
    <bpmn:userTask id="First" name="First">
      <bpmn:extensionElements><zeebe:userTask/></bpmn:extensionElements>
      <bpmn:incoming>f1</bpmn:incoming><bpmn:outgoing>f2</bpmn:outgoing>
    </bpmn:userTask>
    <bpmn:sequenceFlow id="f2" sourceRef="First" targetRef="Pause"/>
    <bpmn:intermediateCatchEvent id="Pause" name="A moment">
      <bpmn:incoming>f2</bpmn:incoming><bpmn:outgoing>f3</bpmn:outgoing>
      <bpmn:timerEventDefinition id="timer_1">
        <bpmn:timeDuration xsi:type="bpmn:tFormalExpression">PT0.05S</bpmn:timeDuration>
      </bpmn:timerEventDefinition>
    </bpmn:intermediateCatchEvent>
    <bpmn:sequenceFlow id="f3" sourceRef="Pause" targetRef="Second"/>
    <bpmn:userTask id="Second" name="Second">
      <bpmn:extensionElements><zeebe:userTask/></bpmn:extensionElements>
      <bpmn:incoming>f3</bpmn:incoming><bpmn:outgoing>f4</bpmn:outgoing>
    </bpmn:userTask>
    <bpmn:sequenceFlow id="f4" sourceRef="Second" targetRef="End"/>
    <bpmn:endEvent id="End"><bpmn:incoming>f4</bpmn:incoming></bpmn:endEvent>
  </bpmn:process>
</bpmn:definitions>
"""
WHO = "olive"


def publish(xml: str = RELAY) -> None:
    """Publish the procedure in the demo's area; the caller is inside the application's context."""
    user = register.find_user(WHO)
    assert user is not None
    area = db.session.execute(select(Area.key)).scalar_one()
    publish_release({"relay.bpmn": xml.encode()}, area_key=area, by=user.key, allow_undeclared=True)
    db.session.commit()


def ask_for_paper() -> None:
    """A document that a worker has to draw."""
    area = db.session.execute(select(Area.key)).scalar_one()
    case = db.session.execute(select(dossiers.Case.key).limit(1)).scalar()
    if case is None:
        user = register.find_user(WHO)
        assert user is not None
        case = dossiers.open_case(area, "marac-case", by=user.key, agency_key=None).key
    documents.request(PAPER, area_key=area, case_key=case, created_by=None)
    db.session.commit()


class Unanswered(Exception):
    """The server went away, or said that it cannot answer now: what was asked may have been done or not."""


class Client:
    """One person's script: a connection that is opened again when it breaks."""

    def __init__(self, installation: Installation, secret: str, port: int | None = None) -> None:
        self._port = port or installation.port
        self._secret = secret
        self._token = ""
        self.refused: list[tuple[int, str]] = []
        self._connection: http.client.HTTPConnection | None = None

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> tuple[int, Any]:
        """The status and what was answered.

        :raises Unanswered: nothing was.
        """
        if not self._token:
            form = urlencode({"grant_type": "client_credentials", "client_id": WHO, "client_secret": self._secret})
            status, told = self._send("POST", "/devidp/token", form, "application/x-www-form-urlencoded")
            if status != 200:
                raise Unanswered
            self._token = told["access_token"]
        status, told = self._send(method, path, json.dumps(body or {}), "application/json")
        if status == 401:
            self._token = ""
            raise Unanswered
        if status >= 500:
            raise Unanswered
        return status, told

    def _send(self, method: str, path: str, body: str, kind: str) -> tuple[int, Any]:
        headers = {"Content-Type": kind}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        try:
            if self._connection is None:
                self._connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
            self._connection.request(method, path, body, headers)
            answer = self._connection.getresponse()
            content = answer.read()
            if answer.status >= 500:
                self.refused.append((answer.status, answer.headers.get("Content-Type", "")))
        except (OSError, http.client.HTTPException):
            if self._connection is not None:
                self._connection.close()
            self._connection = None
            raise Unanswered from None
        return answer.status, json.loads(content) if content and "json" in answer.headers.get(
            "Content-Type", ""
        ) else None

    # ---- the work
    def start(self) -> str:
        status, told = self.call("POST", "/v2/process-instances", {"processDefinitionId": "relay"})
        assert status == 200, told
        return str(told["processInstanceKey"])

    def open_tasks(self, instance: str | None = None) -> list[str]:
        asked: dict[str, Any] = {"state": "CREATED", "processDefinitionId": "relay"}
        if instance is not None:
            asked["processInstanceKey"] = instance
        status, told = self.call("POST", "/v2/user-tasks/search", {"filter": asked, "page": {"limit": 100}})
        assert status == 200, told
        return [str(item["userTaskKey"]) for item in told["items"]]

    def complete(self, task: str) -> bool:
        """True: done by this call. False: it had been done before."""
        status, told = self.call("POST", f"/v2/user-tasks/{task}/completion", {})
        assert status in (204, 409), (status, told)
        return status == 204


@dataclass
class Load:
    """Clients that keep starting and completing until they are told to stop.

    :ivar started, completed: what the server acknowledged.
    :ivar refused: status and content type of what it could not do.
    """

    installation: Installation
    secret: str
    clients: int = 3
    ports: tuple[int, ...] = ()
    started: list[str] = field(default_factory=list)
    completed: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    refused: list[tuple[int, str]] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def begin(self) -> None:
        for number in range(self.clients):
            port = self.ports[number % len(self.ports)] if self.ports else None
            thread = threading.Thread(target=self._run, args=(port,), daemon=True, name=f"client-{number}")
            thread.start()
            self._threads.append(thread)

    def check(self) -> None:
        """:raises AssertionError: a client was answered what it must never be."""
        assert not self.failures, self.failures[:3]

    def end(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(timeout=60)
            assert not thread.is_alive()
        self.check()

    def _run(self, port: int | None) -> None:
        client = Client(self.installation, self.secret, port)
        client.refused = self.refused
        while not self._stop.is_set():
            try:
                instance = client.start()
                self.started.append(instance)
                self._through(client, instance)
            except Unanswered:
                self._stop.wait(0.05)
            except Exception as error:  # whatever it is, the test must hear of it
                self.failures.append(f"{type(error).__name__}: {error}")
                return

    def _through(self, client: Client, instance: str) -> None:
        """Both tasks of one instance; given up when the second does not come while the worker is away: somebody else finishes it."""
        done = 0
        for _ in range(40):
            if self._stop.is_set() or done == 2:
                return
            tasks = client.open_tasks(instance)
            for task in tasks:
                if client.complete(task):
                    self.completed.append(task)
                done += 1
            if not tasks:
                self._stop.wait(0.1)

    def finish(self, seconds: float = 300) -> None:
        """With every process running again: everything that was begun comes to its end.

        :raises AssertionError: something is stuck.
        """
        client = Client(self.installation, self.secret, self.ports[0] if self.ports else None)
        end = time.monotonic() + seconds
        while True:
            try:
                tasks = client.open_tasks()
                for task in tasks:
                    if client.complete(task):
                        self.completed.append(task)
            except Unanswered:
                tasks = ["unknown"]
            if not tasks and settled(self.installation):
                return
            assert time.monotonic() < end, f"work does not go on: {unsettled(self.installation)}"
            time.sleep(0.1)


def load(installation: Installation, **more: Any) -> Load:
    with installation.app() as app:
        secret = devidp.client_secret(app.config["SETTINGS"], WHO)
        publish()
    return Load(installation, secret, **more)


def unsettled(installation: Installation) -> dict[str, Any]:
    """What is still to be done."""
    with installation.app():
        try:
            return {
                "instances": _count(Instance, Instance.status == InstanceStatus.ACTIVE),
                "jobs": [
                    (job.kind, job.state, job.attempts, job.error)
                    for job in db.session.execute(
                        select(Job).where(Job.due_at <= business_now() + timedelta(minutes=1)).limit(5)
                    ).scalars()
                ],
                "documents": _count(Document, Document.status == DocumentStatus.QUEUED),
                "notices": _count(Notice, Notice.state == NoticeState.QUEUED),
                "unsealed": _count(AuditEntry, AuditEntry.sequence.is_(None)),
            }
        finally:
            db.session.rollback()


def settled(installation: Installation) -> bool:
    return not any(unsettled(installation).values())


def _count(model: Any, *where: Any) -> int:
    return int(db.session.execute(select(func.count()).select_from(model).where(*where)).scalar_one())


def verify(load: Load) -> dict[str, int]:
    """Hold the record against what the server acknowledged; figures of what was done.

    :raises AssertionError: something acknowledged is missing, or something happened twice.
    """
    with load.installation.app():
        instances = {str(row.key): row for row in db.session.execute(select(Instance)).scalars()}
        items = {str(row.key): row for row in db.session.execute(select(WorkItem)).scalars()}
        for key in load.started:
            assert key in instances, f"an acknowledged instance is lost: {key}"
        for key in load.completed:
            assert items[key].state == ItemState.COMPLETED, f"an acknowledged completion is lost: {key}"
        assert len(set(load.completed)) == len(load.completed), "two clients were told that they completed one task"
        steps = Counter((item.instance_key, item.element_id) for item in items.values())
        assert set(steps.values()) <= {1}, "a transition happened twice"
        assert len(steps) == 2 * len(instances)
        assert {row.status for row in instances.values()} <= {InstanceStatus.COMPLETED}
        done = Counter(
            db.session.execute(select(AuditEntry.subject).where(AuditEntry.action == "work.complete")).scalars()
        )
        assert done == Counter(f"item:{key}" for key in items)
        assert _count(Incident) == 0
        assert _count(Job, Job.state == JobState.FAILED) == 0
        notices = list(db.session.execute(select(Notice)).scalars())
        assert {notice.state for notice in notices} <= {NoticeState.SENT}
        letters = {path.stem for path in (load.installation.data / "mail").glob("*.eml")}
        assert letters == {str(notice.key) for notice in notices}
        papers = list(db.session.execute(select(Document)).scalars())
        assert {paper.status for paper in papers} <= {DocumentStatus.READY}
        for paper in papers:
            assert documents.read(paper).startswith(b"%PDF")
        report = audit.verify()
        assert report.sound, report.findings
        db.session.rollback()
        return {"instances": len(instances), "completions": len(load.completed), "papers": len(papers)}
