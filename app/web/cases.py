"""Cases: the list, and one case in parts. What a part shows, access decides; what may not be read is left out or said to be withheld."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from app import audit
from app.access import decide
from app.access.errors import HIDDEN
from app.access.facts import CaseFacts
from app.access.permissions import Permission
from app.agencies import service as agencies
from app.cases import actions, attachments, deadlines, involvement, submissions, timeline
from app.cases.clearance import names_for
from app.cases.dossiers import find_case
from app.cases.facts import facts_of
from app.cases.models import Action, Case
from app.cases.parties import PartyDetails, details_of, parties
from app.cases.search import cases_for
from app.errors import NotFound
from app.identity import directory, register
from app.identity.person import Person
from app.identity.service import current_person
from app.meetings import planning
from app.runtime import releases
from app.runtime import service as runtime
from app.web import diagrams, labels, papers, readings
from app.web.moments import read_moment
from app.work import inbox

blueprint = Blueprint("cases", __name__, url_prefix="/cases")

MAX_REASON = 1000
SIZE = 25
UNPROCESSABLE = 422

# The parts of a case page: address, title, what a person must be allowed to see it.
PARTS: tuple[tuple[str, str, Permission], ...] = (
    ("overview", "Overview", Permission.CASE_SUMMARY_READ),
    ("papers", "What was submitted", Permission.CASE_SUMMARY_READ),
    ("actions", "Actions", Permission.CASE_ACTIONS_READ),
    ("tasks", "Tasks", Permission.CASE_SUMMARY_READ),
    ("deadlines", "Deadlines", Permission.CASE_DEADLINES_READ),
    ("documents", "Documents", Permission.CASE_SUMMARY_READ),
    ("timeline", "Timeline", Permission.CASE_TIMELINE_READ),
    ("diagram", "Diagram", Permission.CASE_DIAGRAM_READ),
    ("conflicts", "Conflicts of interest", Permission.CASE_CONFLICT_RECORD),
)


@dataclass(frozen=True, slots=True)
class File:
    """A case and the person who reads it."""

    case: Case
    facts: CaseFacts
    person: Person

    def may(self, permission: Permission) -> bool:
        """Whether the person may do or see something in this case."""
        return decide.allowed(self.person, permission, self.facts)


@dataclass(frozen=True, slots=True)
class Somebody:
    """A person of the case. An empty address with ``withheld`` may not be read by whoever looks."""

    role: str
    details: PartyDetails
    withheld: bool
    safe_contact: list[tuple[str, str]]


def find(key: int, permission: Permission = Permission.CASE_SUMMARY_READ) -> File:
    """A case for the person at the browser.

    :raises NotFound: there is none, or none that they may know of. :raises NotAllowed: they may not do this with it.
    """
    person = current_person()
    case = find_case(key)
    facts = facts_of(case)
    decide.require(person, permission, facts, resource_id=str(key))
    return File(case, facts, person)


@blueprint.get("")
def index() -> str:
    """The cases that the person may see; by reference, or by name for those cleared."""
    person = current_person()
    text, state = request.args.get("q", "").strip()[:100], request.args.get("state", "")
    found = cases_for(person, state=state or None, text=text)
    page = max(1, request.args.get("page", 1, type=int))
    pages = max(1, -(-len(found) // SIZE))
    page = min(page, pages)
    shown = [(case, names_for(person, case)) for case in found[(page - 1) * SIZE : page * SIZE]]
    for case, names in shown:
        if names:
            audit.view(person, "case-list", case_key=case.key)
    return render_template(
        "cases/index.html",
        cases=shown,
        total=len(found),
        page=page,
        last=pages,
        text=text,
        state=state,
        states=labels.CASE_STATES,
        agencies=agencies.names(person.area_key) if person.area_key is not None else {},
    )


@blueprint.get("/<int:key>")
def show(key: int) -> str:
    """The overview of a case."""
    return _page(find(key), "overview")


@blueprint.get("/<int:key>/<part>")
def show_part(key: int, part: str) -> str:
    """Another part of a case."""
    needed = next((permission for name, _, permission in PARTS if name == part), None)
    if needed is None:
        raise NotFound(HIDDEN, resource_id=str(key))
    return _page(find(key, needed), part)


def _page(file: File, part: str, status: dict[str, object] | None = None) -> str:
    case, person = file.case, file.person
    audit.view(person, f"case-{part}", case_key=case.key)
    tabs = [
        {"text": title, "href": url_for("cases.show_part", key=case.key, part=name), "here": name == part}
        for name, title, permission in PARTS
        if file.may(permission)
    ]
    return render_template(
        f"cases/{part}.html",
        case=case,
        part=part,
        tab_entries=tabs,
        names=names_for(person, case),
        state=labels.CASE_STATES.get(case.state, (case.state, "grey")),
        meeting=planning.find(case.meeting_key) if case.meeting_key is not None else None,
        agency_names=agencies.names(case.area_key),
        typed=request.form,
        **_CONTENT[part](file),
        **(status or {"errors": []}),
    )


# ------------------------------------------------------------------------------------------------- the parts
def _overview(file: File) -> dict[str, object]:
    rows = inbox.of_subject(file.person, case_key=file.case.key)
    return {
        "people": people_of(file),
        "involved": {
            agency: sorted(str(ground) for ground in grounds)
            for agency, grounds in involvement.grounds(file.case.key).items()
        }
        if file.may(Permission.CASE_LOG_READ)
        else {},
        "grounds": labels.GROUNDS,
        "waiting": [row for row in rows if row.item.state == "open"][:5],
        "soon": [d for d in deadlines.in_force(file.case.key) if d.met_at is None][:4]
        if file.may(Permission.CASE_DEADLINES_READ)
        else [],
        "created_by": register.names_of([file.case.created_by]).get(file.case.created_by, ""),
    }


_SAFE_CONTACT = (
    ("phone", "Telephone"),
    ("safeToCall", "Safe to call"),
    ("safeContactNotes", "How to reach her safely"),
)


def people_of(file: File) -> list[Somebody]:
    """The people of the case, field by field as the person may read them."""
    if not file.may(Permission.CASE_PARTIES_READ):
        return []
    address, safety = file.may(Permission.CASE_VICTIM_ADDRESS_READ), file.may(Permission.CASE_VICTIM_SAFETY_READ)
    found = []
    for party in parties(file.case.key):
        details = details_of(party)
        withheld = party.role != "perpetrator" and not address
        safe = [
            (title, {"yes": "Yes", "no": "No"}.get(str(details.extra[name]), str(details.extra[name])))
            for name, title in _SAFE_CONTACT
            if party.role == "victim" and safety and details.extra.get(name) not in (None, "")
        ]
        found.append(Somebody(party.role, details, withheld, safe))
    return found


def _papers(file: File) -> dict[str, object]:
    return {"readings": readings.of_case(file.person, file.case, file.facts)}


def _actions(file: File) -> dict[str, object]:
    found: list[tuple[Action, actions.ActionWords, dict[str, object]]] = [
        (row, actions.words_of(row), actions.outcome_of(row)) for row in actions.of_case(file.case.key)
    ]
    owners = register.names_of({row.owner_user_key for row, _, _ in found if row.owner_user_key is not None})
    return {"actions": found, "owners": owners, "statuses": labels.ACTION_STATUSES}


def _tasks(file: File) -> dict[str, object]:
    return {"tasks": inbox.of_subject(file.person, case_key=file.case.key)}


def _deadlines(file: File) -> dict[str, object]:
    found = deadlines.in_force(file.case.key)
    move = file.may(Permission.CASE_DEADLINE_MOVE)
    return {
        "deadlines": [d for d in found if d.met_at is None],
        "met": [d for d in found if d.met_at is not None],
        "reasons": {d: deadlines.reason_of(d) for d in found if d.moved_from is not None} if move else {},
        "meeting_deadlines": deadlines.in_force(file.case.meeting_key) if file.case.meeting_key is not None else [],
        "move_url": (lambda name: url_for("cases.move_deadline", key=file.case.key, name=name)) if move else None,
    }


def _documents(file: File) -> dict[str, object]:
    return {"papers": papers.of_case(file.person, file.case)}


def _timeline(file: File) -> dict[str, object]:
    events = timeline.events(file.case.key)
    done = {
        (row.item.element_id, row.item.completed_at): row
        for row in inbox.of_subject(file.person, case_key=file.case.key)
        if row.item.completed_at is not None
    }
    actors = register.names_of({event.actor for event in events if event.actor is not None})
    told = []
    for event in events:
        row = done.get((str(event.facts.get("element", "")), event.at)) if event.kind == "completed" else None
        who = actors.get(event.actor or 0) or (row.holder_name if row else None) or ""
        agency = agencies.names(file.case.area_key).get(event.agency_key or 0) or (row.agency_name if row else "")
        told.append((event, labels.event_title(event.kind, event.title), ", ".join(filter(None, (who, agency)))))
    return {"events": told}


def _diagram(file: File) -> dict[str, object]:
    found = [
        diagrams.drawing(instance, process_id)
        for instance in runtime.of_case(file.case.key)
        if instance.case_key == file.case.key
        for process_id in runtime.processes_of(instance.key)
    ]
    wanted = request.args.get("process", "")
    chosen = next((d for d in found if d.process_id == wanted), found[0] if found else None)
    return {"drawings": found, "chosen": chosen}


def _conflicts(file: File) -> dict[str, object]:
    found = involvement.conflicts(file.case.key)
    return {
        "conflicts": [(row, involvement.reason_of_conflict(row)) for row in found],
        "people_names": register.names_of(
            {key for row in found for key in (row.user_key, row.ruled_by) if key is not None}
        ),
        "choices": [
            (entry.user.key, entry.user.name) for entry in directory.people_in(file.case.area_key) if entry.roles
        ],
        "agencies": agencies.agencies(file.case.area_key),
    }


_CONTENT = {
    "overview": _overview,
    "papers": _papers,
    "actions": _actions,
    "tasks": _tasks,
    "deadlines": _deadlines,
    "documents": _documents,
    "timeline": _timeline,
    "diagram": _diagram,
    "conflicts": _conflicts,
}


# ------------------------------------------------------------------------------------------------- what is done here
@blueprint.post("/<int:key>/release/<int:submission_key>")
def release(key: int, submission_key: int) -> AnyResponse:
    """Release items of one's own agency's research return to the meeting, one by one."""
    file = find(key)
    submission = submissions.find(submission_key)
    if submission.dossier_key != key or not readings.may_release(file.person, file.facts, submission):
        raise NotFound(HIDDEN, resource_id=str(submission_key))
    chosen = {int(n) for n in request.form.getlist("item") if n.isdigit()}
    free = chosen & readings.shareable(submissions.read(submission))
    submissions.release_items(submission, free, by=file.person.key)
    audit.record("research.release", actor=file.person, subject=f"submission:{submission_key}", case_key=key)
    flash("Released. Those who hear the case can read it now.", "success")
    return redirect(url_for("cases.show_part", key=key, part="papers", _anchor=f"submission-{submission_key}"))


@blueprint.route("/<int:key>/deadlines/<name>/move", methods=["GET", "POST"])
def move_deadline(key: int, name: str) -> AnyResponse | str | tuple[str, int]:
    """Move a deadline, with a reason; every timer bound to it moves in the same moment."""
    file = find(key, Permission.CASE_DEADLINE_MOVE)
    current = deadlines.current(key, name)
    if current is None or current.met_at is not None:
        raise NotFound(HIDDEN, resource_id=name)
    errors: list[tuple[str, str]] = []
    if request.method == "POST":
        typed = read_moment(request.form, "date", "new date", needs_time=False)
        reason = request.form.get("reason", "").strip()[:MAX_REASON]
        errors = [typed.error] if typed.error else []
        if not reason:
            errors.append(("reason", "Enter why the deadline moves"))
        if not errors and typed.value is not None:
            deadlines.move(key, name, typed.value, by=file.person.key, reason=reason, rearm=runtime.rearm_deadline)
            audit.record("deadline.move", actor=file.person, subject=f"deadline:{name}", case_key=key, detail=reason)
            flash("The deadline has been moved. Your decision and the reason are kept.", "success")
            return redirect(url_for("cases.show_part", key=key, part="deadlines"))
    page = render_template("cases/move.html", case=file.case, deadline=current, errors=errors, typed=request.form)
    return (page, UNPROCESSABLE) if errors else page


@blueprint.post("/<int:key>/conflicts")
def declare_conflict(key: int) -> AnyResponse | tuple[str, int]:
    """Record that somebody, or an agency, must not see the case."""
    file = find(key, Permission.CASE_CONFLICT_RECORD)
    who, _, text = request.form.get("who", "").partition(":")
    reason = request.form.get("reason", "").strip()[:MAX_REASON]
    number = int(text) if text.isdigit() else None
    errors = []
    if number is None or not _known(file, who, number):
        errors.append(("who", "Select who has the conflict of interest"))
    if not reason:
        errors.append(("reason", "Enter what the conflict is"))
    if errors:
        return _page(file, "conflicts", {"errors": errors}), UNPROCESSABLE
    row = involvement.declare_conflict(
        key,
        user_key=number if who == "user" else None,
        agency_key=number if who == "agency" else None,
        reason=reason,
        by=file.person.key,
    )
    audit.record("conflict.declare", actor=file.person, subject=f"conflict:{row.key}", case_key=key, detail=reason)
    flash("Recorded. The case is closed to them from now on.", "success")
    if decide.allowed(file.person, Permission.CASE_SUMMARY_READ, facts_of(file.case)):
        return redirect(url_for("cases.show_part", key=key, part="conflicts"))
    return redirect(url_for("work.inbox"))


def _known(file: File, who: str, number: int) -> bool:
    if who == "agency":
        return number in agencies.names(file.case.area_key)
    return who == "user" and number in {entry.user.key for entry in directory.people_in(file.case.area_key)}


@blueprint.post("/<int:key>/conflicts/<int:conflict_key>/lift")
def lift_conflict(key: int, conflict_key: int) -> AnyResponse:
    """End a conflict of interest."""
    file = find(key, Permission.CASE_CONFLICT_RECORD)
    if conflict_key not in {row.key for row in involvement.conflicts(key)}:
        raise NotFound(HIDDEN, resource_id=str(conflict_key))
    involvement.lift_conflict(conflict_key, by=file.person.key)
    audit.record("conflict.lift", actor=file.person, subject=f"conflict:{conflict_key}", case_key=key)
    flash("The conflict of interest is lifted.", "success")
    return redirect(url_for("cases.show_part", key=key, part="conflicts"))


@blueprint.get("/<int:key>/files/<int:file_key>")
def attachment(key: int, file_key: int) -> Response:
    """An uploaded file, as a download, for those who may read the answer that it came with."""
    file = find(key)
    row = attachments.find(file_key)
    readable = {
        reference["id"]
        for reading in readings.of_case(file.person, file.case, file.facts)
        for card in reading.cards
        for line in card.rows
        for reference in line.files
    }
    if row.dossier_key != key or str(file_key) not in readable:
        raise NotFound(HIDDEN, resource_id=str(file_key))
    audit.view(file.person, "file", subject=f"attachment:{file_key}", case_key=key)
    response = Response(attachments.read(row), content_type=row.content_type)
    response.headers.set("Content-Disposition", "attachment", filename=attachments.name_of(row))
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return response


@blueprint.get("/<int:key>/diagrams/<int:instance_key>/<process_id>.bpmn")
def diagram_file(key: int, instance_key: int, process_id: str) -> Response:
    """The diagram of the release that the case runs on."""
    find(key, Permission.CASE_DIAGRAM_READ)
    instance = runtime.instance(instance_key)
    if instance.case_key != key:
        raise NotFound(HIDDEN, resource_id=str(instance_key))
    content = releases.diagram_of(instance.release_key, process_id)
    return Response(content, content_type="application/xml; charset=utf-8")
