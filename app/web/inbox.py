"""The work list, and starting a procedure."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from app import audit
from app.agencies import service as agencies
from app.identity.person import Person
from app.identity.roles import Role, role_title
from app.identity.service import current_person
from app.meetings import planning
from app.meetings.models import Meeting
from app.runtime import releases
from app.store.shelf import fetch
from app.web import searching
from app.web.keys import key as read_key
from app.web.manage import UNPROCESSABLE
from app.web.tasks import late_subjects
from app.work import inbox as lists
from app.work import starting
from app.work.overview import overview

blueprint = Blueprint("work", __name__, url_prefix="/work")

SIZE = 25
VIEWS = {"mine": "My tasks", "team": "My team’s", "all": "Everybody’s"}


@dataclass(frozen=True, slots=True)
class Filters:
    """What the person asked the list for."""

    view: str
    text: str
    process: str | None
    role: str | None
    agency: int | None
    overdue: bool
    page: int

    @property
    def any(self) -> bool:
        """Whether the list is narrowed."""
        return bool(self.text or self.process or self.role or self.agency or self.overdue)


def _filters(counts: dict[str, int]) -> Filters:
    """What the address asks for. Somebody with nothing of their own sees what their team has waiting."""
    args = request.args
    view = args.get("view", "")
    usual = "team" if not counts["mine"] and counts["team"] else "mine"
    return Filters(
        view=view if view in counts else usual,
        text=searching.words("work"),
        process=args.get("process", "")[:120] or None,
        role=args.get("role", "")[:60] or None,
        agency=args.get("agency", type=read_key),
        overdue=args.get("overdue") == "1",
        page=max(1, args.get("page", 1, type=int)),
    )


@blueprint.get("")
def inbox() -> str:
    """The person's work: their own, their team's, and for those who oversee it everybody's."""
    person = current_person()
    waiting = overview(person)
    counts = waiting.counts
    asked = _filters(counts)
    found = lists.search(
        person,
        view=asked.view,
        overdue=asked.overdue,
        process=asked.process,
        role=asked.role,
        agency=asked.agency,
        text=asked.text,
        page=asked.page,
        size=SIZE,
        total=None if asked.any else counts[asked.view],
    )
    for row in found.rows:
        if row.parties:
            audit.view(person, "work-list", case_key=row.item.case_key)
    tabs = [
        {
            "text": VIEWS[view],
            "href": url_for("work.inbox", view=view),
            "here": view == asked.view,
            "count": f"{lists.LISTED:,}+" if count > lists.LISTED else count,
        }
        for view, count in counts.items()
    ]
    return render_template(
        "work/inbox.html",
        asked=asked,
        found=found,
        tab_entries=tabs,
        listed=lists.LISTED,
        meetings=_meeting_references([row.item.meeting_key for row in found.rows]),
        late=late_subjects([row.item for row in found.rows]),
        startable=starting.startable(person),
        sheets=_sheets(waiting.sheets),
        processes=_processes(person),
        roles=_roles(person, asked.view),
        agencies=_agencies(person) if asked.view == "all" else [],
    )


def _meeting_references(keys: list[int | None]) -> dict[int, str]:
    fetch(Meeting, keys)
    return {key: planning.find(key).reference for key in {k for k in keys if k is not None}}


def _sheets(waiting: dict[int, int]) -> list[tuple[Meeting, int]]:
    """Research sheets that wait: the meeting and how many cases."""
    fetch(Meeting, waiting.keys())
    return [(planning.find(key), count) for key, count in waiting.items()]


def _processes(person: Person) -> list[tuple[str, str]]:
    if person.area_key is None:
        return []
    return sorted(
        ((d.process_id, d.name or d.process_id) for d in releases.latest_definitions(person.area_key)),
        key=lambda pair: pair[1],
    )


def _roles(person: Person, view: str) -> list[str]:
    """The roles to choose from: the person's own, or for the whole area every role."""
    slugs = {str(role) for role in Role} if view == "all" else person.role_slugs
    return sorted(slugs, key=role_title)


def _agencies(person: Person) -> list[tuple[int, str]]:
    return [(a.key, a.name) for a in agencies.agencies(person.area_key)] if person.area_key is not None else []


@blueprint.post("/find")
def find() -> Response:
    """Search the list."""
    return searching.keep("work", "work.inbox", "view", "process", "role", "agency", "overdue")


@blueprint.post("/start/<process_id>")
def start(process_id: str) -> Response | str | tuple[str, int]:
    """Start a procedure and go to its first task. Somebody who may start it for several agencies says for which."""
    person = current_person()
    several = starting.agencies_for(process_id, person)
    chosen = request.form.get("agency", type=read_key) if len(several) > 1 else None
    if len(several) > 1 and chosen not in several:
        wrong = [("agency", "Select the agency that you do this for")] if "asked" in request.form else []
        names = [(key, name) for key, name in _agencies(person) if key in several]
        page = render_template("work/start.html", process_id=process_id, agencies=names, errors=wrong)
        return (page, UNPROCESSABLE) if wrong else page
    item = starting.start(process_id, person, agency_key=chosen)
    if item is None:
        return redirect(url_for("work.inbox"))
    return redirect(url_for("answers.begin", key=item.key))
