"""One task: what is asked and why, who holds it; claiming, releasing, handing over."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from app import audit
from app.agencies import service as agencies
from app.cases import deadlines
from app.cases.clearance import may_see_case, names_for
from app.cases.deaths import has_died
from app.cases.dossiers import find_case
from app.cases.facts import facts_of
from app.cases.models import Case
from app.identity import register
from app.identity.person import Person
from app.identity.roles import role_title
from app.identity.service import current_person
from app.meetings import planning
from app.meetings.models import Meeting
from app.operations.lateness import Consequence, Kind, consequences
from app.web import readings, rules, typed
from app.web.keys import key as read_key
from app.work import drafts, items
from app.work.forms import form_of
from app.work.items import ItemView
from app.work.models import ItemState, WorkItem

blueprint = Blueprint("tasks", __name__, url_prefix="/work")


@dataclass(frozen=True, slots=True)
class Late:
    """The late task that an escalation asks somebody to decide on."""

    key: int
    name: str
    agency: str
    holder: str | None


def late_subjects(found: list[WorkItem]) -> dict[int, Late]:
    """For those of the tasks that decide on a late one: which it is, by the deciding task's key."""
    asked = {item.key: key for item in found if (key := _late_key(item)) is not None}
    if not asked:
        return {}
    known = items.by_key(asked.values())
    holders = register.names_of(late.assignee for late in known.values() if late.assignee is not None)
    names = agencies.names(found[0].area_key)
    return {
        deciding: Late(late.key, late.name, names.get(late.agency_key or 0, ""), holders.get(late.assignee or 0))
        for deciding, key in asked.items()
        if (late := known.get(key)) is not None
    }


def _late_key(item: WorkItem) -> int | None:
    """The key of the late task that a task decides on; None for one that decides on none."""
    kind, _, rest = (item.deadline or "").partition("-")
    key = rest.rpartition("-")[2]
    return int(key) if kind == "escalation" and key.isdigit() else None


@dataclass(frozen=True, slots=True)
class About:
    """What a task is about, as far as the person may see it.

    :param to_read: whether the case has submissions that the person may read.
    :param died: the victim of the case has died.
    """

    case: Case | None
    case_open: bool
    parties: list[str]
    meeting: Meeting | None
    agency: str
    roles: str
    late: Late | None = None
    to_read: bool = False
    died: bool = False


def about(item: WorkItem, person: Person) -> About:
    """The case, meeting, agency and roles of a task."""
    case = find_case(item.case_key) if item.case_key is not None else None
    cleared = case is not None and may_see_case(person, case)
    return About(
        case=case,
        case_open=cleared,
        parties=names_for(person, case) if case is not None else [],
        meeting=planning.find(item.meeting_key) if item.meeting_key is not None else None,
        agency=agencies.agency(item.agency_key).name if item.agency_key is not None else "",
        roles=", ".join(role_title(str(role)) for role in item.roles),
        late=late_subjects([item]).get(item.key),
        to_read=case is not None and cleared and readings.any_of(person, case, facts_of(case)),
        died=case is not None and cleared and has_died(case.key),
    )


def if_late(item: WorkItem) -> list[tuple[Consequence, str]]:
    """What happens if the task is late, each with its sentence."""
    return [(one, _sentence(one)) for one in consequences(item)]


def _sentence(one: Consequence) -> str:
    who = _listed(list(one.who))
    if one.kind is Kind.REMIND:
        told = _listed([*(["whoever has the task"] if one.holder else []), *(f"the {role}" for role in one.who)])
        return f"A reminder goes to {told}." if told else "Nobody is told."
    if one.kind is Kind.ASKED:
        return f"The {who} has been asked to decide."
    if one.kind is Kind.DECIDE:
        told = " Whoever has the task is told." if one.holder else ""
        return f"The {who} is asked to decide.{told}"
    taken = "The task is closed" if one.closes else "The task stays open"
    return f"{taken} and the procedure goes on with “{one.leads_to}”." if one.leads_to else f"{taken}."


def _listed(parts: list[str]) -> str:
    return " and ".join(filter(None, (", ".join(parts[:-1]), *parts[-1:])))


def _rule(item: WorkItem) -> rules.Rule | None:
    """The rule of the deadline that the task sets."""
    dossier = item.case_key or item.meeting_key
    row = deadlines.current(dossier, item.deadline) if dossier is not None and item.deadline else None
    return rules.rule_of(row) if row is not None else None


@blueprint.get("/<key:key>")
def show(key: int) -> str:
    """The task, and what the person may do with it."""
    person = current_person()
    view = items.open_item(key, person)
    return page(view, person)


def page(view: ItemView, person: Person, *, errors: list[tuple[str, str]] | None = None) -> str:
    """The page of a task."""
    item = view.item
    if item.case_key is not None:
        audit.view(person, "task", subject=f"item:{item.key}", case_key=item.case_key)
    form = form_of(item)
    saved = drafts.load(item, person) if form is not None and item.dossier_key is not None else None
    return render_template(
        "work/task.html",
        view=view,
        item=item,
        about=about(item, person),
        form=form,
        saved_at=saved[1] if saved else None,
        completed_by=items.name_of(item.completed_by),
        targets=items.hand_over_targets(item) if view.may_hand_over else [],
        open=item.state == ItemState.OPEN,
        late=if_late(item),
        rule=_rule(item) if item.state == ItemState.OPEN else None,
        errors=errors or [],
        typed=request.form,
    )


@blueprint.post("/<key:key>/claim")
def claim(key: int) -> Response:
    """Take a task and begin."""
    item = items.claim(key, current_person())
    return redirect(url_for("answers.begin", key=item.key))


@blueprint.post("/<key:key>/release")
def release(key: int) -> Response:
    """Give a task back to the team."""
    items.release(key, current_person())
    flash("You have given the task back to your team. What you typed is kept for you.", "success")
    return redirect(url_for("tasks.show", key=key))


@blueprint.post("/<key:key>/hand-over")
def hand_over(key: int) -> Response | str:
    """Give a task to somebody else, with a reason."""
    person = current_person()
    to_user = request.form.get("to", type=read_key)
    reason, errors = typed.reason("Enter why you hand the task over")
    if to_user is None:
        errors.insert(0, ("to", "Select who takes the task over"))
    if errors or to_user is None:
        return page(items.open_item(key, person), person, errors=errors)
    items.hand_over(key, to_user, reason, person)
    flash(f"{items.name_of(to_user)} has the task now and has been told.", "success")
    return redirect(url_for("work.inbox"))
