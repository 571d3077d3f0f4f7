"""Incidents: what has stopped, why, and mending it. Operators see where and why, never what the case says."""

from __future__ import annotations

from flask import Response, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from app import audit
from app.access.errors import HIDDEN
from app.access.permissions import Permission
from app.errors import ConvenorError, Invalid, NotFound
from app.identity import register
from app.identity.freshness import require_fresh
from app.identity.person import Person
from app.identity.service import current_person
from app.operations import mending
from app.operations.mending import Act, Filters, ItemState, Mending, MendingState
from app.runtime import mending as engine
from app.runtime import releases
from app.runtime.errors import VariableRefused
from app.runtime.mending import MendingRefused
from app.runtime.models import IncidentState
from app.web import diagrams, typed
from app.web.manage import UNPROCESSABLE, blueprint, may, require

KINDS = {
    "ASSIGNMENT": "Whom a task is for",
    "CALL": "A procedure that is called",
    "CONDITION": "A condition that is neither true nor false",
    "CORRELATION": "The key of a message",
    "DECISION": "A decision table",
    "DOCUMENT": "A document that was not made",
    "ERROR": "An error that nothing catches",
    "EXPRESSION": "An expression",
    "FORM": "A missing form",
    "JOB": "A job that failed for good",
    "LOOP": "A procedure without an end",
    "MESSAGE": "A message that was not taken",
    "NOTICE": "A notice that was not sent",
    "OPERATION": "An operation",
    "ROLE": "A role that nobody holds",
    "TIMER": "A date or a timer",
    "VARIABLE": "A variable of another type",
}
AGES = {1: "An hour or more", 24: "A day or more", 168: "A week or more"}
ACTS = {
    Act.RETRY: "Try again",
    Act.CORRECT: "Correct a variable",
    Act.SKIP: "Skip the element",
    Act.MOVE: "Move the token",
}
STATES = {
    MendingState.PROPOSED: ("Waits for approval", "yellow"),
    MendingState.RUNNING: ("Being done", "blue"),
    MendingState.SUSPENDED: ("Stopped", "red"),
    MendingState.DONE: ("Done", "green"),
    MendingState.REFUSED: ("Refused", "grey"),
    MendingState.STALE: ("Not done", "red"),
}
ENDS = {
    ItemState.WAITING: "Waits",
    ItemState.DONE: "Went on",
    ItemState.STOPPED: "Stopped again",
    ItemState.STALE: "Had moved on",
    ItemState.REFUSED: "Not done",
}
SHOWN = 200


@blueprint.get("/incidents")
def incidents() -> str:
    """What has stopped: where in the diagram and why; never what the case says."""
    person = require(Permission.INCIDENT_READ)
    filters = Filters(
        kind=request.args.get("kind", "")[:20],
        process_id=request.args.get("procedure", "")[:120],
        element_id=request.args.get("element", "")[:120],
        release=_number("release"),
        older_than=_number("age"),
        resolved=request.args.get("state") == "resolved",
    )
    return render_template(
        "admin/incidents.html",
        found=mending.page(person, filters, request.args.get("page", 1, type=int)),
        causes=mending.causes(person, request.args.get("causes", 1, type=int), at_least=2),
        proposals=mending.open_proposals(person),
        proposed=mending.open_count(person),
        offered=mending.offered(person),
        filters=filters,
        kinds=KINDS,
        ages=AGES,
        acts=ACTS,
        states=STATES,
        may_retry=may(person, Permission.INCIDENT_RETRY),
    )


def _number(name: str) -> int | None:
    found = request.args.get(name, type=int)
    return found if found is not None and 0 < found < 1_000_000 else None


@blueprint.get("/incidents/<key:key>")
def incident(key: int) -> str:
    """One incident: cause, expression and what it saw, where it stands, how it may be mended, what was done so far."""
    return _page(current_person(), key)


@blueprint.get("/incidents/<key:key>/alike")
def incidents_alike(key: int) -> str:
    """All incidents of the same cause, to be mended together."""
    return _page(require(Permission.INCIDENT_RETRY), key, together=True)


def _page(person: Person, key: int, *, together: bool = False, errors: list[tuple[str, str]] | None = None) -> str:
    view = mending.view(person, key)
    row = view.row
    if view.values is not None and row.instance_key is not None and view.instance is not None:
        audit.view(person, "incident-values", subject=f"incident:{key}", case_key=view.instance.case_key)
    open_ = row.state == IncidentState.ACTIVE
    alike = mending.keys_of(person, mending.like(row), mending.AT_MOST) if open_ and may_read(person) else []
    past = mending.history(key)
    may_mend = may(person, Permission.INCIDENT_MEND) and open_
    return render_template(
        "admin/incidents-one.html",
        view=view,
        row=row,
        kind=KINDS.get(row.kind, row.kind.capitalize()),
        choices=engine.choices(key) if may_mend else None,
        example=mending.example,
        together=together,
        alike=len(alike),
        drawing=_drawing(view),
        past=[(one, item, mending.told_of(item)) for one, item in past],
        people=register.names_of({k for one, _ in past for k in (one.proposed_by, one.decided_by) if k is not None}),
        acts=ACTS,
        ends=ENDS,
        states=STATES,
        open=open_,
        may_retry=may(person, Permission.INCIDENT_RETRY) and open_,
        may_mend=may_mend,
        errors=errors or [],
        typed=request.form,
    )


def may_read(person: Person) -> bool:
    """Whether the person sees the list of incidents, and not only those of a case they are cleared for."""
    return may(person, Permission.INCIDENT_READ)


def _drawing(view: mending.View) -> dict[str, str] | None:
    """Where the procedure stands now, by element. What has been passed is the case's matter and is left out."""
    if view.instance is None or not view.row.process_id:
        return None
    states = diagrams.drawing(view.instance, view.row.process_id).states
    return {element: state for element, state in states.items() if state != "done"} | (
        {view.row.element_id: "incident"} if view.row.state == IncidentState.ACTIVE else {}
    )


@blueprint.get("/incidents/<key:key>/diagram.bpmn")
def incident_diagram(key: int) -> Response:
    """The diagram of the release that the procedure runs on."""
    view = mending.view(current_person(), key)
    if view.instance is None or not view.row.process_id:
        raise NotFound(HIDDEN, resource_id=str(key))
    content = releases.diagram_of(view.instance.release_key, view.row.process_id)
    return Response(content, content_type="application/xml; charset=utf-8")


# ------------------------------------------------------------------------------------------------- acts
@blueprint.post("/incidents/<key:key>/retry")
def retry(key: int) -> AnyResponse:
    """Try again once the cause is mended: this one, or all of the same cause."""
    person = require(Permission.INCIDENT_RETRY)
    done = mending.retry(person, _chosen(person, key))
    if done.total > 1:
        flash(f"{done.total} incidents are being tried again.", "success")
        return redirect(url_for("manage.mending", key=done.key))
    if mending.items_of(done.key)[0].state == ItemState.DONE:
        flash("It went on.", "success")
    else:
        flash("It stopped again. The cause is not mended yet.")
    return redirect(url_for("manage.incidents"))


def _chosen(person: Person, key: int) -> list[int]:
    """The incident at hand, or all of the same cause."""
    if request.form.get("together") != "yes":
        return [key]
    row = mending.view(person, key).row
    return mending.keys_of(person, mending.like(row), mending.AT_MOST)


@blueprint.post("/incidents/<key:key>/propose")
def propose(key: int) -> AnyResponse | tuple[str, int]:
    """Ask a process owner to approve a correction, a skip or a move."""
    person = require(Permission.INCIDENT_MEND)
    act = request.form.get("act", "")
    if act not in set(Act) - {Act.RETRY}:
        raise NotFound(HIDDEN, resource_id=str(key))
    together = request.form.get("together") == "yes"
    reason, errors = typed.reason(
        "Say why, so that whoever approves it and whoever reads the record understands", anchor=f"{act}-reason"
    )
    if errors:
        return _page(person, key, together=together, errors=errors), UNPROCESSABLE
    try:
        made = mending.propose(
            person,
            Act(act),
            _chosen(person, key),
            reason=reason,
            variable=request.form.get("variable") or None,
            value=request.form.get("value"),
            target=request.form.get("target") or None,
        )
    except (Invalid, MendingRefused, VariableRefused) as error:
        return _page(person, key, together=together, errors=[_anchor(act, error)]), UNPROCESSABLE
    flash("Proposed. A process owner must approve it before anything is changed.", "success")
    return redirect(url_for("manage.mending", key=made.key))


def _anchor(act: str, error: ConvenorError) -> tuple[str, str]:
    """Where on the page the mistake is."""
    field = {"correct": "correct-value", "move": "move-target"}.get(act, f"{act}-reason")
    return field, error.message


# ------------------------------------------------------------------------------------------------- proposals
@blueprint.get("/incidents/proposals/<key:key>", endpoint="mending")
def mending_page(key: int) -> str:
    """What is proposed or done, for which incidents, why, by whom, and how far it is."""
    person = require(Permission.INCIDENT_READ)
    return _proposal(person, mending.find(person, key))


def _proposal(person: Person, one: Mending, errors: typed.Errors | None = None) -> str:
    items = mending.items_of(one.key)
    return render_template(
        "admin/incidents-proposal.html",
        one=one,
        rows=items[:SHOWN],
        progress=mending.progress(one.key),
        told=mending.first_told(one),
        act=ACTS[Act(one.act)],
        states=STATES,
        ends=ENDS,
        people=register.names_of({k for k in (one.proposed_by, one.decided_by) if k is not None}),
        may_decide=one.state == MendingState.PROPOSED and mending.may_decide(person, one),
        may_resume=mending.may_resume(person, one),
        may_withdraw=one.state == MendingState.PROPOSED and one.proposed_by == person.key,
        errors=errors,
        typed=request.form,
    )


@blueprint.post("/incidents/proposals/<key:key>/approve")
def approve(key: int) -> AnyResponse:
    """Approve it and do it. The person proves first that it is them."""
    person = require(Permission.INCIDENT_READ)
    one = mending.find(person, key)
    back = url_for("manage.mending", key=one.key)
    require_fresh(person, back=back)
    done = mending.approve(person, one.key)
    if done.state == MendingState.STALE:
        flash("Nothing was changed: the procedure has moved on since this was proposed.")
    elif done.state == MendingState.RUNNING:
        flash("Approved. It is being done.", "success")
    else:
        flash("Approved and done.", "success")
    return redirect(back)


@blueprint.post("/incidents/proposals/<key:key>/resume")
def resume(key: int) -> AnyResponse:
    """Take over what was suspended. The person proves first that it is them."""
    person = require(Permission.INCIDENT_READ)
    back = url_for("manage.mending", key=mending.find(person, key).key)
    require_fresh(person, back=back)
    mending.resume(person, key)
    flash("It goes on, in your name.", "success")
    return redirect(back)


@blueprint.post("/incidents/proposals/<key:key>/call-off")
def call_off(key: int) -> AnyResponse:
    """Leave the rest of what was suspended undone."""
    person = require(Permission.INCIDENT_READ)
    mending.call_off(person, mending.find(person, key).key)
    flash("The rest is left undone. Its incidents stay in the list.", "success")
    return redirect(url_for("manage.mending", key=key))


@blueprint.post("/incidents/proposals/<key:key>/refuse")
def refuse(key: int) -> AnyResponse | tuple[str, int]:
    """Refuse it; whoever proposed it takes it back."""
    person = require(Permission.INCIDENT_READ)
    reason, errors = typed.reason()
    if errors:
        return _proposal(person, mending.find(person, key), errors), UNPROCESSABLE
    one = mending.refuse(person, mending.find(person, key).key, reason)
    flash("Taken back." if one.proposed_by == person.key else "Refused. Nothing was changed.", "success")
    return redirect(url_for("manage.mending", key=one.key))
