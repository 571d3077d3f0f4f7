"""Fills the rooms' ports at start-up: which room serves which, in one place."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from flask import Flask

from app import api, audit, devidp, documents, notices, web
from app.agencies import parameters
from app.cases import deadlines, timeline
from app.cases import facts as case_facts
from app.cases.dossiers import dossier_key
from app.documents import Document
from app.feel import holidays
from app.identity import register
from app.identity import service as identity
from app.meetings import attendance
from app.meetings.models import Attendee
from app.operations import along, escalation, hooks, mending, papers, providers, returns, states, subjects
from app.operations.catalogue import operations
from app.operations.signing import link_delivery
from app.runtime import ports as runtime_ports
from app.runtime import service as runtime
from app.runtime.models import Instance
from app.settings import Settings
from app.store.clock import late_by
from app.store.database import db
from app.store.jobs import Handler, handlers
from app.store.vault import active
from app.web import auth
from app.work import completion, mirror, moved
from app.work.along import CLOSED
from app.work.inhand import nobody_chases
from app.work.models import WorkItem
from app.work.ports import ports as work_ports
from app.workshop import moving

STILL_THERE = timedelta(minutes=1)  # so long somebody looks for what follows their answers


class _UserTasks:
    """The work list, as the engine sees it. A task that closes is told to whoever chases it."""

    def opened(self, task: runtime_ports.TaskOpened) -> None:
        mirror.opened(task)
        mending.opened(task)

    def closed(self, task: runtime_ports.TaskClosed) -> None:
        item = mirror.closed(task)
        if item is not None:
            if not task.completed and task.own_deadline and item.deadline:
                for owner in filter(None, (item.case_key, item.meeting_key)):
                    deadlines.lapse(owner, item.deadline)
            if not nobody_chases(item):
                runtime.publish_message(CLOSED, str(item.key), {}, area_key=item.area_key)
            returns.tell_chase(item)

    def follow(self, about: Mapping[str, Any]) -> None:
        completion.follow(about)

    def expect(self, instance_keys: Collection[int]) -> None:
        mirror.expect(instance_keys)

    def about(self, dossiers: Collection[int]) -> Collection[int]:
        return mirror.about(dossiers)

    def due_moved(self, instance_key: int, task_id: int, due: datetime | None) -> None:
        mirror.due_moved(instance_key, task_id, due)

    def open_tasks(self, instance_key: int) -> Mapping[int, runtime_ports.OpenTask]:
        return moved.open_tasks(instance_key)

    def moved(
        self,
        instance_key: int,
        release_key: int,
        tasks: Sequence[runtime_ports.TaskMoved],
        renamed: Mapping[tuple[str, str], str],
    ) -> dict[str, Any]:
        return moved.moved(instance_key, release_key, tasks, renamed)

    def moved_back(self, instance_key: int, before: Mapping[str, Any]) -> None:
        moved.moved_back(instance_key, before)


class _Deadlines:
    """Named deadlines of cases and meetings, as the engine sees them."""

    def lookup(self, case_key: int | None, meeting_key: int | None, name: str) -> datetime | None:
        return deadlines.lookup(case_key, meeting_key, name)

    def expect(self, dossiers: Sequence[tuple[int | None, int | None]]) -> None:
        deadlines.expect(dossiers)

    def reach(self, dossier: int) -> Collection[int]:
        return deadlines.reach(dossier)

    def record(
        self,
        case_key: int | None,
        meeting_key: int | None,
        name: str,
        at: datetime,
        *,
        rule: str,
        parameter: str,
        source: str,
        instance_key: int,
        task_id: int,
    ) -> None:
        deadlines.enter(case_key, meeting_key, name, at, rule=rule, parameter=parameter, source=source)

    def met(self, case_key: int | None, meeting_key: int | None, name: str) -> None:
        if owners := [owner for owner in (case_key, meeting_key) if owner is not None]:
            deadlines.meet(owners[0], name, *owners[1:])


class _Parameters:
    def values(self, area_key: int, at: datetime) -> Mapping[str, Any]:
        return parameters.values(area_key, at)


class _History:
    """The timeline keeps what a person would want to read; the engine's own book-keeping is left out."""

    KINDS = frozenset(
        {
            "completed",
            "decided",
            "escalation",
            "error",
            "incident",
            "skipped",
            "moved",
            "release-changed",
            "release-restored",
            "started",
            "ended",
        }
    )

    def note(self, event: runtime_ports.HistoryEvent) -> None:
        owner = event.case_key or event.meeting_key
        if owner is None or event.kind not in self.KINDS:
            return
        facts = {"element": event.element_id, "process": event.process_id, **dict(event.details)}
        if event.kind == "decided":
            facts |= {"instance": str(event.instance_key), "task": event.task_id}
            row = db.session.get(Instance, event.instance_key)  # its step is being taken: it is in the session
            facts |= {"release": str(row.release_key)} if row is not None else {}
        timeline.note(owner, event.kind, title=event.title, facts=facts, at=event.at)


class _Notifier:
    """Tells people that a task waits for them."""

    def assigned(self, item: WorkItem, users: list[int]) -> None:
        if (
            users == [runtime.acting()] and late_by() < STILL_THERE
        ):  # the next step of what one is doing now needs no mail
            return
        decision = item.form_id == "escalation-decision"
        template = notices.Template.DECISION_NEEDED if decision else notices.Template.TASK_ASSIGNED
        _tell(template, item, users, dedupe=f"assigned:{item.key}", fresh=mirror.just_opened(item))

    def given_back(self, item: WorkItem, users: list[int]) -> None:
        _tell(notices.Template.TASK_ASSIGNED, item, users)

    def handed_over(self, item: WorkItem, to_user: int) -> None:
        _tell(notices.Template.TASK_HANDED_OVER, item, [to_user])


def _tell(template: notices.Template, item: WorkItem, users: list[int], **how: Any) -> None:
    notices.send(
        template,
        users,
        reference=escalation.reference_of(item),
        due=item.due_at,
        path=f"/work/{item.key}",
        area_key=item.area_key,
        **how,
    )


class _DocumentKeys:
    def owner_key(self, document: Document) -> bytes:
        return dossier_key(document.case_key or document.meeting_key or 0)

    def digest(self, text: str) -> str:
        return active().digest(text)


class _Directory:
    """Addresses are looked up when a mail is sent; they are never stored with a notice."""

    def email_of(self, user_key: int) -> str | None:
        return register.emails_of([user_key]).get(user_key)

    def email_of_ref(self, reference: str) -> str | None:
        delivery = link_delivery(reference)
        return delivery[0] if delivery else None

    def secret_of_ref(self, reference: str) -> str | None:
        delivery = link_delivery(reference)
        return delivery[1] if delivery else None


def _candidate(key: int) -> int:
    """A candidate named in a diagram is a user, or an attendee who may have an account."""
    attendee = db.session.get(Attendee, key)
    return attendee.user_key or key if attendee is not None else key


def wire(app: Flask, settings: Settings) -> None:
    """Fill every port and add every face."""
    holidays.proclaim(settings.proclaimed_days)
    engine = runtime_ports.ports
    engine.user_tasks = _UserTasks()
    engine.operations = operations()
    engine.deadlines = _Deadlines()
    engine.parameters = _Parameters()
    engine.history = _History()
    case_facts.ports.attending = attendance.attending
    work_ports.notifier = _Notifier()
    work_ports.subjects = dict(subjects.SUBJECTS)
    work_ports.providers = dict(providers.PROVIDERS)
    work_ports.checks = hooks.CHECKS
    work_ports.hooks = hooks.HOOKS
    work_ports.along = along.ALONG
    work_ports.candidate = _candidate
    papers.register()
    documents.init_app(app, _DocumentKeys())
    documents.register_jobs(handlers)
    notices.register_jobs(handlers, settings, _Directory())
    runtime.register_jobs()
    moving.register_jobs()
    handlers.register("case.destroy", Handler(states.destroy_job))
    handlers.register("case.destroyed", Handler(states.after_destruction))
    mending.init_app()
    identity.init_app(app, settings)
    audit.init_app(app, settings)
    web.init_app(app, settings)
    auth.init_app(app)
    api.init_app(app, settings, web.csrf)
    if settings.development_provider:
        devidp.init_app(app, settings, web.csrf)
