"""Escalation: finding the late task, reminding, and what the next tier decided (01-marac §8)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from app import audit, documents, notices
from app.cases import deadlines, submissions
from app.cases.models import Case, Submission
from app.errors import Invalid
from app.identity import register
from app.meetings.models import Meeting
from app.operations.registry import case_of, key_of, operation
from app.operations.states import as_instant
from app.runtime import service as runtime
from app.runtime.models import Instance
from app.runtime.ports import OperationContext
from app.store.clock import LONDON
from app.store.database import db
from app.work import items
from app.work.mirror import holders
from app.work.models import ItemState, WorkItem


@operation(
    "find-late-task",
    "Find the task that is late",
    inputs={
        "subjectElement": "string",
        "caseId?": "id",
        "meetingId?": "id",
        "agency?": "id",
        "owner?": "id",
        "dueName?": "string",
    },
    outputs={"subjectItem": "id", "stillOpen": "boolean", "holderRole": "string"},
)
def find_late_task(context: OperationContext, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    """The open task of that element in this instance, for that agency, owner or deadline when they are named."""
    rows = db.session.execute(
        select(WorkItem)
        .where(WorkItem.instance_key == context.instance_key, WorkItem.element_id == str(inputs["subjectElement"]))
        .order_by(WorkItem.key.desc())
    ).scalars()
    found = [r for r in rows if _fits(r, inputs)]
    chosen = next((r for r in found if r.state == ItemState.OPEN), found[0] if found else None)
    if chosen is None:
        return {"subjectItem": "0", "stillOpen": False, "holderRole": None}
    role = next(iter(chosen.roles), None)
    return {"subjectItem": str(chosen.key), "stillOpen": chosen.state == ItemState.OPEN, "holderRole": role}


def _fits(item: WorkItem, inputs: Mapping[str, Any]) -> bool:
    agency, case, name = inputs.get("agency"), inputs.get("caseId"), inputs.get("dueName")
    if agency and item.agency_key is not None and str(item.agency_key) != str(agency):
        return False
    if case and item.case_key is not None and str(item.case_key) != str(case):
        return False
    return not (name and item.deadline and item.deadline != name)


def reference_of(item: WorkItem) -> str:
    if item.case_key is not None:
        return db.session.execute(select(Case.reference).where(Case.key == item.case_key)).scalar() or "Case"
    if item.meeting_key is not None:
        return (
            db.session.execute(select(Meeting.reference).where(Meeting.key == item.meeting_key)).scalar() or "Meeting"
        )
    return "Task"


_SENTENCES = {
    "new-risk": "A new risk has been reported. Open the case now.",
    "ring-999": "A case needs you now. If anybody is in danger, make sure that 999 has been called.",
    "flag-ends-soon": "A flag ends soon. The next meeting has to look at it.",
    "request-without-contact": "Your agency has no approved contact available. A request is waiting.",
    "sharing-not-authorised": "Information was shared in an emergency and has not been authorised since.",
    "notice-practicable": "Somebody judged that notice could be given. You and the data protection officer decide.",
    "risk-has-risen": "A review shows that a case now meets the MARAC threshold. Begin a referral.",
}


@operation(
    "notify",
    "Tell people by e-mail",
    inputs={
        "template": "string",
        "item?": "id",
        "roles?": "list",
        "agency?": "id",
        "tellHolder?": "boolean",
        "caseId?": "id",
        "meetingId?": "id",
    },
)
def notify(context: OperationContext, inputs: Mapping[str, Any]) -> None:
    """Remind a task's holder (or its candidates) and further roles, or tell roles of something urgent. A closed task is not reminded of."""
    item = db.session.get(WorkItem, int(inputs["item"])) if str(inputs.get("item") or "").isdigit() else None
    if inputs.get("item") and (item is None or item.state != ItemState.OPEN):
        return
    people: set[int] = set()
    agency = int(inputs["agency"]) if str(inputs.get("agency") or "").isdigit() else None
    for role in inputs.get("roles") or []:
        people.update(p.key for p in register.holders(str(role), agency_key=agency, area_key=context.area_key))
    if item is not None and inputs.get("tellHolder") is True:
        people.update([item.assignee] if item.assignee else holders(item))
    name = str(inputs["template"])
    if name == "late-task-reminder":
        late = item is not None and item.due_at is not None and item.due_at < context.now
        template, what = (notices.Template.TASK_LATE if late else notices.Template.TASK_REMINDER), None
    elif name in _SENTENCES:
        template, what = notices.Template.DECISION_NEEDED, _SENTENCES[name]
    else:
        raise Invalid(f"There is no notice named {name}.", resource_id=context.element_id)
    notices.send(
        template,
        sorted(people),
        reference=reference_of(item) if item else _reference_of(context),
        what=what,
        due=item.due_at if item else None,
        path=f"/work/{item.key}" if item else f"/cases/{context.case_key}" if context.case_key else "/work",
        dedupe=context.idempotency_key,
        area_key=context.area_key,
    )


def _reference_of(context: OperationContext) -> str:
    key = context.case_key
    return (db.session.execute(select(Case.reference).where(Case.key == key)).scalar() if key else None) or "Convenor"


@operation(
    "create-document",
    "Make a document of the case",
    inputs={"kind": "string", "caseId?": "id", "meetingId?": "id"},
)
def create_document(context: OperationContext, inputs: Mapping[str, Any]) -> None:
    """Ask for a document; a job makes it."""
    case_key = context.case_key if inputs.get("caseId") is None else case_of(context, inputs)
    kind = str(inputs["kind"])
    documents.request(
        kind,
        area_key=context.area_key,
        case_key=case_key,
        meeting_key=context.meeting_key if case_key is None else None,
        about=_form_of(context.instance_key, case_key) if kind == "iswc-form" and case_key is not None else None,
        created_by=None,
    )


def _form_of(instance_key: int, case_key: int) -> int | None:
    """The form on sharing without consent that an instance is about: its own, or for a follow-up the one it followed."""
    forms = submissions.of(case_key, "iswc-form")
    begun = db.session.execute(select(Instance.started_at).where(Instance.key == instance_key)).scalar_one()
    earlier = [form for form in forms if form.submitted_at <= begun]
    if forms and any(_instance_of(form) == instance_key for form in forms):
        earlier = forms
    return earlier[-1].key if earlier else None


def _instance_of(form: Submission) -> int | None:
    return db.session.execute(select(WorkItem.instance_key).where(WorkItem.key == form.work_item_key)).scalar()


@operation(
    "apply-escalation",
    "Do what the next tier decided",
    inputs={
        "subjectItem": "id",
        "escalationDecision": "string",
        "newHolder?": "id",
        "newDue?": "date and time",
        "dueName?": "string",
        "decidedIn?": "string",
    },
)
def apply_escalation(context: OperationContext, inputs: Mapping[str, Any]) -> None:
    """Reassign, extend with a reason, take over or let stand; each recorded with who decided and why."""
    item = items.load(key_of(inputs["subjectItem"], "late task", context.element_id), lock=True)
    if item.instance_key != context.instance_key:
        raise Invalid("The late task is not one of this procedure.", resource_id=context.element_id)
    if item.state != ItemState.OPEN:
        return
    decision = _decision(context, item)
    if decision is None:
        raise Invalid("The decision on the late task cannot be found.", resource_id=context.element_id)
    decided, reason = decision
    by = register.person_for(decided.completed_by or 0)
    kind = str(inputs["escalationDecision"])
    if kind == "REASSIGN":
        items.reassign(item, key_of(inputs.get("newHolder"), "new holder"), reason, by=by)
    elif kind == "TAKE_OVER":
        items.take_over(item, reason, by=by)
    elif kind == "EXTEND":
        _extend(item, inputs, reason, by.key)
    audit.record(
        "work.escalation", actor=by, subject=f"item:{item.key}", case_key=item.case_key, detail=f"{kind}:{reason}"
    )


def _extend(item: WorkItem, inputs: Mapping[str, Any], reason: str, by: int) -> None:
    """Move the deadline that the task hangs on; one that the whole meeting hangs on is moved for this task alone."""
    if item.dossier_key is None:
        return
    at = as_instant(inputs.get("newDue"), None)
    name = str(inputs.get("dueName") or item.deadline or "")
    for dossier in filter(None, (item.case_key, item.meeting_key)):
        if name and deadlines.current(dossier, name) is not None:
            deadlines.move(dossier, name, at.astimezone(LONDON), by=by, reason=reason, rearm=runtime.rearm_deadline)
            break
    item.due_at = at


def _decision(context: OperationContext, item: WorkItem) -> tuple[WorkItem, str] | None:
    """The newest completed decision task of this instance about a late task, and the reason typed in it."""
    rows = db.session.execute(
        select(WorkItem)
        .where(
            WorkItem.instance_key == context.instance_key,
            WorkItem.form_id == "escalation-decision",
            WorkItem.state == ItemState.COMPLETED,
        )
        .order_by(WorkItem.completed_at.desc(), WorkItem.key.desc())
    ).scalars()
    for row in rows:
        found = submissions_for(row)
        if found is not None:
            return row, found
    return None


def submissions_for(item: WorkItem) -> str | None:
    """The reason typed in a decision task; None when it left no record."""
    row = db.session.execute(select(Submission).where(Submission.work_item_key == item.key)).scalar_one_or_none()
    return str(submissions.read(row).get("reason") or "") if row is not None else None
