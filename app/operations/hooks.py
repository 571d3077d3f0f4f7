"""What else happens when certain forms are completed: register rows that lists and access work from, beside the sealed submission."""

from __future__ import annotations

from datetime import date
from typing import Any

from app import audit, documents
from app.agencies import service as agencies
from app.agencies.models import ContactRole
from app.cases import actions, deadlines, submissions
from app.cases.matching import decide, undecide
from app.cases.models import ActionStatus, Party
from app.cases.timeline import note
from app.errors import NotAllowed
from app.identity import register
from app.identity.person import Person
from app.identity.roles import Role
from app.meetings import attendance, planning
from app.meetings.models import MeetingState, Ruling
from app.operations.holding import dispose
from app.runtime import service as runtime
from app.store.clock import business_now, end_of_day, start_of_day, wall_now
from app.store.database import db
from app.work.models import WorkItem
from app.work.ports import Check, Hook

RULINGS = {"CONTINUE": Ruling.CONTINUE, "CONTINUE_RESTRICTED": Ruling.RESTRICTED, "EXCLUDED": Ruling.EXCLUDED}
STATUSES = {
    "DONE": ActionStatus.DONE,
    "NOT_POSSIBLE": ActionStatus.NOT_POSSIBLE,
    "NOT_DONE": ActionStatus.NOT_DONE,
    "SUPERSEDED": ActionStatus.SUPERSEDED,
}


def triage(item: WorkItem, answers: dict[str, Any], _submission: int, person: Person) -> None:
    """B7: the co-ordinator's decision on each candidate."""
    for row in answers.get("decidedMatches") or []:
        mine, _, other = str(row.get("value") or "").partition("-")
        said = str(row.get("samePerson"))
        same = {"SAME": True, "DIFFERENT": False}.get(said)
        if not mine.isdigit() or not other.isdigit() or item.case_key is None:
            continue
        earlier = db.session.get(Party, int(other))
        if said == "NOT_SURE":
            undecide(int(mine), int(other))
        elif same is not None and earlier is not None:
            decide(item.case_key, int(mine), earlier.case_key, int(other), same=same, by=person.key)


def rulings(item: WorkItem, answers: dict[str, Any], _submission: int, person: Person) -> None:
    """D1: who cannot comply, and the Chair's ruling before the start."""
    for row in answers.get("rulings") or []:
        if not str(row.get("value") or "").isdigit():
            continue
        ruled = attendance.record_compliance(
            int(row["value"]),
            can_comply=row.get("canComply") in ("yes", True),
            reason=str(row.get("cannotComplyReason") or ""),
            ruling=RULINGS.get(str(row.get("chairDecision"))),
            by=person.key,
        )
        if ruled.ruling == Ruling.RESTRICTED:
            attendance.restrict(ruled.key, {int(k) for k in row.get("casesAdmitted") or [] if str(k).isdigit()})


def statement_read(item: WorkItem, _answers: dict[str, Any], _submission: int, person: Person) -> None:
    """D3: the statement has been read aloud."""
    if item.meeting_key is not None:
        attendance.read_statement(item.meeting_key, by=person.key)


def signature(item: WorkItem, answers: dict[str, Any], _submission: int, person: Person) -> None:
    """D4: somebody has signed, on their own account or on the room's device witnessed by the co-ordinator."""
    key = item.named_key("signature")
    if key is None:
        return
    row = attendance.find(key)
    own = row.user_key == person.key
    privacy = answers.get("virtualPrivacyConfirmed")
    if privacy is not None:
        row.virtual_privacy = privacy in ("yes", True)
    row.mode = "virtual" if answers.get("attendanceMode") == "VIRTUAL" else "inPerson"
    says = answers.get("canComply") in ("yes", True)
    if not says and row.ruling is None:
        attendance.cannot_comply(row.key, reason=str(answers.get("cannotComplyReason") or ""), by=person.key)
        return
    if row.can_comply is None:
        row.can_comply = says
    attendance.sign(row.key, via="account" if own else "device", witnessed_by=None if own else person.key)


def may_sign(item: WorkItem, answers: dict[str, Any], _person: Person) -> None:
    """:raises MeetingMoved: the Chair has excluded who would sign, or has not yet ruled."""
    key = item.named_key("signature")
    row = attendance.find(key) if key is not None else None
    if row is not None and (answers.get("canComply") in ("yes", True) or row.ruling is not None):
        attendance.require_admitted(row)


def previous_actions(_item: WorkItem, answers: dict[str, Any], _submission: int, person: Person) -> None:
    """D5: where earlier actions stand; not possible is kept apart from not done."""
    reviews = [row for row in answers.get("reviews") or [] if str(row.get("value") or "").isdigit()]
    actions.fetch_all([int(row["value"]) for row in reviews])
    for row in reviews:
        action = actions.find(int(row["value"]))
        status = STATUSES.get(str(row.get("status")))
        if status is not None:
            done = date.fromisoformat(row["completedOn"]) if row.get("completedOn") else None
            actions.record_outcome(
                action.key, status, completed_on=done, outcome={"outcome": row.get("outcome")}, by=person.key
            )
        elif row.get("newDue"):
            due = date.fromisoformat(row["newDue"])
            action.due_date = due
            name = f"action-{action.key}"
            if deadlines.current(action.case_key, name) is not None:
                deadlines.move(
                    action.case_key,
                    name,
                    end_of_day(due),
                    by=person.key,
                    reason=str(row.get("outcome") or "The meeting agreed a new date."),
                    rearm=runtime.rearm_deadline,
                )


def conference_closed(item: WorkItem, _answers: dict[str, Any], _submission: int, person: Person) -> None:
    """D8: the conference has ended."""
    if item.meeting_key is not None:
        meeting = planning.find(item.meeting_key)
        meeting.state, meeting.closed_at = MeetingState.CLOSED, business_now()
        note(item.meeting_key, "conference-closed", actor=person.key)


def papers_destroyed(item: WorkItem, _answers: dict[str, Any], _submission: int, person: Person) -> None:
    """E1: Convenor's own copies go with the paper ones: every agency's agenda, and the file copy unless the meeting keeps it (D7a).

    What tells of a case under a legal hold is put away instead.
    """
    if item.meeting_key is None:
        return
    decided = submissions.latest(item.meeting_key, "marac-retention-list")
    rows = submissions.read(decided).get("documents") or [] if decided is not None else []
    kept = any(row.get("value") == "agenda" and row.get("retain") in ("yes", True) for row in rows)
    for paper in documents.list_for(meeting_key=item.meeting_key):
        standing = paper.kind == documents.Kind.AGENDA and paper.status != documents.DocumentStatus.DESTROYED
        if standing and (paper.for_agency is not None or not kept):
            dispose(paper)
    note(item.meeting_key, "papers-destroyed", actor=person.key)


CONTACT_ROLES = {
    "SPOC": ContactRole.SPOC,
    "DEPUTY": ContactRole.DEPUTY,
    "DO": ContactRole.DESIGNATED_OFFICER,
    "PDO": ContactRole.PRIMARY_DESIGNATED_OFFICER,
    "DPO": ContactRole.DPO,
    "CALDICOTT": ContactRole.CALDICOTT,
    "SENIOR_MANAGER": ContactRole.SENIOR_MANAGER,
}


def contact_reviewed(item: WorkItem, answers: dict[str, Any], _submission: int, person: Person) -> None:
    """F-S8 (P9): the agency's approved contact enters the register; a SPOC or deputy gets the role that goes with it, for as long as they
    are the contact."""
    agency, user = _agency_of(item, answers), str(answers.get("person") or "")
    role = CONTACT_ROLES.get(str(answers.get("role")))
    if role is None or not agency.isdigit() or not user.isdigit() or not answers.get("activeFrom"):
        return
    last = answers.get("activeTo")
    since = start_of_day(date.fromisoformat(answers["activeFrom"]))
    until = end_of_day(date.fromisoformat(last)) if last else None
    agencies.register_contact(
        int(agency),
        int(user),
        role,
        secure_address=str(answers.get("secureAddress") or ""),
        phone=str(answers.get("phone") or ""),
        purposes=", ".join(answers.get("purposeList") or []),
        vetted=answers.get("vetted") in ("yes", True),
        trained=answers.get("trained") in ("yes", True),
        active_from=since,
        active_to=until,
    )
    granted = {ContactRole.SPOC: Role.AGENCY_SPOC, ContactRole.DEPUTY: Role.AGENCY_DEPUTY}.get(role)
    if granted is not None:
        ahead = wall_now() - business_now()  # roles are held in wall time
        register.grant_role(
            int(user),
            granted,
            agency_key=int(agency),
            area_key=item.area_key,
            granted_by=person.key,
            since=since + ahead,
            until=until + ahead if until is not None else None,
        )
    audit.record("agency.contact", actor=person, subject=f"agency:{agency}")


def _agency_of(item: WorkItem, answers: dict[str, Any]) -> str:
    return str(answers.get("agency") or item.agency_key or "")


def may_change_contacts(item: WorkItem, answers: dict[str, Any], person: Person) -> None:
    """:raises NotAllowed: neither the agency itself nor the co-ordinator."""
    agency = _agency_of(item, answers)
    mine = agency.isdigit() and int(agency) in person.agencies
    if not mine and not person.has_role(Role.MARAC_COORDINATOR):
        raise NotAllowed("Only the agency itself or the co-ordinator can change its contacts.", resource_id=agency)


CHECKS: dict[str, Check] = {"marac-signature": may_sign, "agency-contact": may_change_contacts}
HOOKS: dict[str, list[Hook]] = {
    "marac-triage": [triage],
    "marac-confidentiality-rulings": [rulings],
    "marac-statement-read": [statement_read],
    "marac-signature": [signature],
    "marac-previous-actions": [previous_actions],
    "marac-close-conference": [conference_closed],
    "marac-destroy-papers": [papers_destroyed],
    "agency-contact": [contact_reviewed],
}
