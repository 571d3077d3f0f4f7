"""Escalation: finding the late task, reminding, and what the next tier decided (01-marac §8)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from app import audit, documents, notices
from app.cases import actions, deadlines, submissions
from app.cases.models import Case, Submission
from app.errors import Invalid
from app.identity import register
from app.meetings import agenda
from app.meetings.models import Meeting
from app.operations import addressees
from app.operations.registry import case_of, key_of, operation
from app.operations.returns import batch_key, batch_of, late_request
from app.operations.states import as_instant
from app.runtime import service as runtime
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
    outputs={"subjectItem": "id", "subjectKey": "string", "stillOpen": "boolean", "holderRole": "string"},
)
def find_late_task(context: OperationContext, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    """The open task of that element in this instance, for that agency, owner or deadline when they are named.

    A meeting chases research that stands in its cases: then it is the first of the agency's requests, and stands for them all.

    :returns: also ``subjectKey``, the key of the message that says that there is nothing more to chase.
    """
    rows = db.session.execute(
        select(WorkItem)
        .where(WorkItem.instance_key == context.instance_key, WorkItem.element_id == str(inputs["subjectElement"]))
        .order_by(WorkItem.key.desc())
    ).scalars()
    found = [r for r in rows if _fits(r, inputs)]
    chosen = next((r for r in found if r.state == ItemState.OPEN), found[0] if found else None)
    key = str(chosen.key) if chosen is not None else "0"
    agency = str(inputs.get("agency") or "")
    if chosen is None and context.case_key is None and context.meeting_key is not None and agency.isdigit():
        chosen = late_request(context.meeting_key, int(agency), str(inputs["subjectElement"]))
        key = batch_key(context.meeting_key, int(agency))
    if chosen is None:
        return {"subjectItem": "0", "subjectKey": key, "stillOpen": False, "holderRole": None}
    return {
        "subjectItem": str(chosen.key),
        "subjectKey": key,
        "stillOpen": chosen.state == ItemState.OPEN,
        "holderRole": next(iter(chosen.roles), None),
    }


def _fits(item: WorkItem, inputs: Mapping[str, Any]) -> bool:
    agency, case, name = inputs.get("agency"), inputs.get("caseId"), inputs.get("dueName")
    if agency and item.agency_key is not None and str(item.agency_key) != str(agency):
        return False
    if case and item.case_key is not None and str(item.case_key) != str(case):
        return False
    return not (name and item.deadline and item.deadline != name)


def reference_of(item: WorkItem) -> str:
    if item.case_key is not None:
        case = db.session.get(Case, item.case_key)
        return case.reference if case is not None else "Case"
    if item.meeting_key is not None:
        meeting = db.session.get(Meeting, item.meeting_key)
        return meeting.reference if meeting is not None else "Meeting"
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
    """Remind a task's holder (or its candidates) and further roles, or tell roles of something urgent. A closed task is not reminded of.

    What is urgent is told to the Co-ordinator and the Chair where nobody holds the roles, or the case is closed to whoever does.
    """
    item = db.session.get(WorkItem, int(inputs["item"])) if str(inputs.get("item") or "").isdigit() else None
    batch = _batch(context, item) if item is not None else []
    if inputs.get("item") and not batch:
        return
    people: set[int] = set()
    agency = int(inputs["agency"]) if str(inputs.get("agency") or "").isdigit() else None
    for role in inputs.get("roles") or []:
        people.update(p.key for p in register.holders(str(role), agency_key=agency, area_key=context.area_key))
    for one in batch if inputs.get("tellHolder") is True else ():
        people.update([one.assignee] if one.assignee else holders(one))
    name, case_key = str(inputs["template"]), item.case_key if item is not None else context.case_key
    people = addressees.open_to(people, case_key, context.area_key)
    if name == "late-task-reminder":
        late = any(one.due_at is not None and one.due_at < context.now for one in batch)
        template, what = (notices.Template.TASK_LATE if late else notices.Template.TASK_REMINDER), None
    elif name in _SENTENCES:
        template, what = notices.Template.DECISION_NEEDED, _SENTENCES[name]
        people = people or addressees.leads_of_area(case_key, context.area_key)
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
    begun = runtime.instance(instance_key).started_at
    earlier = [form for form in forms if form.submitted_at <= begun]
    if forms and any(_instance_of(form) == instance_key for form in forms):
        earlier = forms
    return earlier[-1].key if earlier else None


def _instance_of(form: Submission) -> int | None:
    item = db.session.get(WorkItem, form.work_item_key) if form.work_item_key is not None else None
    return item.instance_key if item is not None else None


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
    batch = _batch(context, item)
    if not batch:
        return
    decision = _decision(context)
    if decision is None:
        raise Invalid("The decision on the late task cannot be found.", resource_id=context.element_id)
    decided, reason = decision
    by = register.person_for(decided.completed_by or 0)
    kind = str(inputs["escalationDecision"])
    for one in batch:
        if kind == "REASSIGN":
            items.reassign(one, key_of(inputs.get("newHolder"), "new holder"), reason, by=by)
        elif kind == "TAKE_OVER":
            items.take_over(one, reason, by=by)
        elif kind == "EXTEND":
            _extend(one, inputs, reason, by.key)
        audit.record(
            "work.escalation", actor=by, subject=f"item:{one.key}", case_key=one.case_key, detail=f"{kind}:{reason}"
        )
    if kind == "EXTEND" and item.instance_key != context.instance_key and context.meeting_key is not None:
        _move(context.meeting_key, str(inputs.get("dueName") or ""), inputs, reason, by.key)


def _batch(context: OperationContext, item: WorkItem) -> list[WorkItem]:
    """The open tasks that a chase is about: one of this procedure, or one agency's research for the meeting that chases it.

    :raises Invalid: the task has nothing to do with this procedure.
    """
    if item.instance_key == context.instance_key:
        return [item] if item.state == ItemState.OPEN else []
    listed = {line.case_key for line in agenda.items(context.meeting_key)} if context.meeting_key is not None else set()
    if item.case_key not in listed:
        raise Invalid("The late task is not one of this procedure.", resource_id=context.element_id)
    return batch_of(item)


def _move(dossier: int, name: str, inputs: Mapping[str, Any], reason: str, by: int) -> bool:
    """Move a deadline that is in force; whether there was one."""
    if not name or deadlines.current(dossier, name) is None:
        return False
    at = as_instant(inputs.get("newDue"), None)
    deadlines.move(dossier, name, at.astimezone(LONDON), by=by, reason=reason, rearm=runtime.rearm_deadline)
    return True


def _extend(item: WorkItem, inputs: Mapping[str, Any], reason: str, by: int) -> None:
    """Move the deadline that the task hangs on; one that the whole meeting hangs on is moved for this task alone."""
    if item.dossier_key is None:
        return
    for name in dict.fromkeys((str(inputs.get("dueName") or ""), item.deadline or "")):
        if any(_move(dossier, name, inputs, reason, by) for dossier in (item.case_key, item.meeting_key) if dossier):
            break
    item.due_at = as_instant(inputs.get("newDue"), None)
    if (action := item.named_key("action")) is not None:  # lists of actions and the agenda say the same as the task
        actions.find(action).due_date = item.due_at.astimezone(LONDON).date()


def _decision(context: OperationContext) -> tuple[WorkItem, str] | None:
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
