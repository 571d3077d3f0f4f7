"""Cases: the list, and one case in parts. What a part shows, access decides; what may not be read is left out or said to be withheld."""

from __future__ import annotations

from flask import Blueprint, Response, render_template, request, url_for
from werkzeug.wrappers import Response as WerkzeugResponse

from app import audit
from app.access.errors import HIDDEN
from app.access.permissions import Permission
from app.agencies import service as agencies
from app.cases import attachments, deaths
from app.cases.clearance import names_for
from app.cases.search import cases_for
from app.errors import NotFound
from app.identity.service import current_person
from app.meetings import planning
from app.runtime import releases
from app.runtime import service as runtime
from app.web import labels, paging, readings, searching
from app.web.case_file import File, find
from app.web.case_parts import CONTENT

blueprint = Blueprint("cases", __name__, url_prefix="/cases")


# The parts of a case page: address, title, what a person must be allowed to see it.
PARTS: tuple[tuple[str, str, Permission], ...] = (
    ("overview", "Overview", Permission.CASE_SUMMARY_READ),
    ("papers", "What was submitted", Permission.CASE_SUMMARY_READ),
    ("actions", "Actions", Permission.CASE_ACTIONS_READ),
    ("tasks", "Tasks", Permission.CASE_SUMMARY_READ),
    ("deadlines", "Deadlines", Permission.CASE_DEADLINES_READ),
    ("documents", "Documents", Permission.CASE_SUMMARY_READ),
    ("matches", "Earlier cases", Permission.CASE_MATCHES_READ),
    ("timeline", "Timeline", Permission.CASE_TIMELINE_READ),
    ("diagram", "Diagram", Permission.CASE_DIAGRAM_READ),
    ("conflicts", "Conflicts", Permission.CASE_CONFLICT_RECORD),
)


@blueprint.get("")
def index() -> str:
    """The cases that the person may see; by reference, or by name for those cleared."""
    person = current_person()
    text, state = searching.words("cases"), request.args.get("state", "")
    found = paging.page(lambda limit: cases_for(person, state=state or None, text=text, limit=limit))
    shown = [(case, names_for(person, case)) for case in found.rows]
    for case, names in shown:
        if names:
            audit.view(person, "case-list", case_key=case.key)
    return render_template(
        "cases/index.html",
        cases=shown,
        found=found,
        text=text,
        state=state,
        states=labels.CASE_STATES,
        agencies=agencies.names(person.area_key) if person.area_key is not None else {},
    )


@blueprint.post("/find")
def find_cases() -> WerkzeugResponse:
    """Search the cases."""
    return searching.keep("cases", "cases.index", "state")


@blueprint.get("/<key:key>")
def show(key: int) -> str:
    """The overview of a case."""
    return page(find(key), "overview")


@blueprint.get("/<key:key>/<part>")
def show_part(key: int, part: str) -> str:
    """Another part of a case."""
    needed = next((permission for name, _, permission in PARTS if name == part), None)
    if needed is None:
        raise NotFound(HIDDEN, resource_id=str(key))
    return page(find(key, needed), part)


def page(file: File, part: str, status: dict[str, object] | None = None) -> str:
    """A part of a case.

    :param status: errors of what was just tried there.
    """
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
        died=deaths.has_died(case.key),
        typed=request.form,
        **CONTENT[part](file),
        **(status or {"errors": []}),
    )


@blueprint.get("/<key:key>/files/<key:file_key>")
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


@blueprint.get("/<key:key>/diagrams/<key:instance_key>/<process_id>.bpmn")
def diagram_file(key: int, instance_key: int, process_id: str) -> Response:
    """The diagram of the release that the case runs on."""
    find(key, Permission.CASE_DIAGRAM_READ)
    instance = runtime.instance(instance_key)
    if instance.case_key != key:
        raise NotFound(HIDDEN, resource_id=str(instance_key))
    content = releases.diagram_of(instance.release_key, process_id)
    return Response(content, content_type="application/xml; charset=utf-8")
