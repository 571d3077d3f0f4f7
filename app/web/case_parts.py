"""What each part of a case page shows. Access decides; what may not be read is left out or said to be withheld."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby

from flask import request, url_for

from app import audit
from app.access.permissions import Permission
from app.agencies import service as agencies
from app.cases import actions, deadlines, involvement, timeline
from app.cases.clearance import may_see_case, may_see_names
from app.cases.dossiers import find_case
from app.cases.matching import Candidate
from app.cases.models import Action, Deadline, Party, TimelineEvent
from app.cases.parties import PartyDetails, details_of, parties
from app.identity import directory, register
from app.operations import inviting, telling
from app.operations.people import candidates_of
from app.runtime import service as runtime
from app.store.database import db
from app.web import decided, diagrams, labels, paging, papers, readings, words
from app.web.case_file import File
from app.work import inbox
from app.work.inbox import InboxRow

EVENTS = 100  # of a timeline, on a page
SAME_STEP = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Somebody:
    """A person of the case. An empty address with ``withheld`` may not be read by whoever looks."""

    role: str
    details: PartyDetails
    withheld: bool
    safe_contact: list[tuple[str, str]]


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
        "soon": [d for d in _known_deadlines(file) if d.met_at is None][:4]
        if file.may(Permission.CASE_DEADLINES_READ)
        else [],
        "may_hold": file.may(Permission.CASE_HOLD_DECIDE),
        "changes": changes_offered(file),
        "created_by": register.names_of([file.case.created_by]).get(file.case.created_by, ""),
    }


def changes_offered(file: File) -> dict[str, bool]:
    """What the person may tell now of what has changed."""
    return {
        "may_invite": file.may(Permission.CASE_AGENCIES_INVITE) and inviting.may_invite(file.case),
        "may_change_agreement": file.may(Permission.CASE_ADVOCACY_READ)
        and telling.may_change_agreement(file.case, file.person),
        "may_change_involvement": file.may(Permission.CASE_AGENCIES_INVITE)
        and telling.may_change_involvement(file.case),
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


def _of_others(file: File, agency_key: int | None) -> bool:
    """Whether something tells what another agency was asked or has answered: only the log's readers know (01-marac C2, §9)."""
    return agency_key is not None and agency_key not in file.person.agencies and not file.may(Permission.CASE_LOG_READ)


def _known_deadlines(file: File) -> list[Deadline]:
    """The deadlines in force that the person may know of: not those that other agencies have to keep."""
    names = agencies.names(file.case.area_key)

    def agency_of(row: Deadline) -> int | None:
        tail = row.name.rpartition("-")[2]
        return int(tail) if tail.isdigit() and int(tail) in names else None

    return [row for row in deadlines.in_force(file.case.key) if not _of_others(file, agency_of(row))]


def _deadlines(file: File) -> dict[str, object]:
    found = _known_deadlines(file)
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
    events = [event for event in timeline.events(file.case.key) if not _of_others(file, event.agency_key)]
    tasks = inbox.of_subject(file.person, case_key=file.case.key)
    if not file.may(Permission.CASE_PATH_READ):
        events = [event for event in events if _is_own(file, event, tasks)]
    shown = paging.page(lambda limit: events[:limit], EVENTS)
    actors = register.names_of({event.actor for event in shown.rows if event.actor is not None})
    told = []
    for event in shown.rows:
        row = _completed_task(event, tasks) if event.kind == "completed" else None
        who = actors.get(event.actor or 0) or (row.holder_name if row else None) or ""
        agency = agencies.names(file.case.area_key).get(event.agency_key or 0) or (row.agency_name if row else "")
        told.append((event, labels.event_title(event.kind, event.title), ", ".join(filter(None, (who, agency)))))
    days = [(day, list(found)) for day, found in groupby(told, key=lambda entry: words.local(entry[0].at).date())]
    return {
        "events": told,
        "days": days,
        "shown": shown,
        "why": decided.tables_of if file.may(Permission.CASE_LOG_READ) else None,
    }


def _is_own(file: File, event: TimelineEvent, tasks: list[InboxRow]) -> bool:
    """Whether an event is of the person's own doing or their agency's: what the case went through besides is not theirs to know."""
    if event.actor == file.person.key or event.agency_key in file.person.agencies:
        return True
    row = _completed_task(event, tasks) if event.kind == "completed" else None
    return row is not None and row.item.agency_key in file.person.agencies


def _own_elements(file: File) -> set[tuple[int, str]]:
    """The elements, by instance, at which tasks of the person's own agency were."""
    rows = inbox.of_subject(file.person, case_key=file.case.key)
    return {
        (row.item.instance_key, row.item.element_id)
        for row in rows
        if row.item.agency_key in file.person.agencies or row.item.completed_by == file.person.key
    }


def _completed_task(event: TimelineEvent, tasks: list[InboxRow]) -> InboxRow | None:
    """The task that an event tells of: of its element, the one completed in the same step, whose clock ran on a moment."""
    near = [
        (abs(row.item.completed_at - event.at), row.item.key, row)
        for row in tasks
        if row.item.completed_at is not None and row.item.stood_at(event.facts.get("element"))
    ]
    apart, _, row = min(near, default=(SAME_STEP, 0, None))
    return row if apart < SAME_STEP else None


def _diagram(file: File) -> dict[str, object]:
    found = [
        diagrams.drawing(instance, process_id)
        for instance in runtime.of_case(file.case.key)
        if instance.case_key == file.case.key
        for process_id in runtime.processes_of(instance.key)
    ]
    if not file.may(Permission.CASE_PATH_READ):
        own = _own_elements(file)
        found = [part for one in found if (part := one.only({e for key, e in own if key == one.instance.key})).steps]
    wanted = request.args.get("process", "")
    chosen = next((d for d in found if d.process_id == wanted), found[0] if found else None)
    return {"drawings": found, "chosen": chosen}


@dataclass(frozen=True, slots=True)
class Match:
    """Somebody of an earlier case who may be somebody of this one.

    :param other: who they are there, for those cleared for that case too.
    :param open: whether the person may open the earlier case.
    """

    party_key: int
    mine: PartyDetails
    role: str
    candidate: Candidate
    other: PartyDetails | None
    open: bool


def _matches(file: File) -> dict[str, object]:
    found = []
    for party in parties(file.case.key):
        mine = details_of(party)
        for candidate in candidates_of(party):
            earlier = find_case(candidate.case_key)
            row = db.session.get(Party, candidate.party_key) if may_see_names(file.person, earlier) else None
            other = details_of(row) if row is not None else None
            found.append(Match(party.key, mine, party.role, candidate, other, may_see_case(file.person, earlier)))
    for match in found:
        audit.view(file.person, "case-matches", case_key=match.candidate.case_key)
    return {"matches": found, "may_decide": file.may(Permission.CASE_MATCH_DECIDE)}


def _conflicts(file: File) -> dict[str, object]:
    found = involvement.conflicts(file.case.key)
    return {
        "conflicts": [(row, involvement.reason_of_conflict(row)) for row in found],
        "people_names": register.names_of(
            {key for row in found for key in (row.user_key, row.ruled_by) if key is not None}
        ),
        "choices": [
            (entry.user.key, entry.user.name)
            for entry in directory.people_in(file.case.area_key)
            if entry.roles or entry.coming
        ],
        "agencies": agencies.agencies(file.case.area_key),
    }


CONTENT: dict[str, Callable[[File], dict[str, object]]] = {
    "overview": _overview,
    "papers": _papers,
    "actions": _actions,
    "tasks": _tasks,
    "deadlines": _deadlines,
    "documents": _documents,
    "timeline": _timeline,
    "diagram": _diagram,
    "matches": _matches,
    "conflicts": _conflicts,
}
