"""Codes in words: states, statuses, kinds. One place, so that a state reads the same on every page."""

from __future__ import annotations

MEETING_STATES = {
    "planned": ("Planned", "blue"),
    "agendaIssued": ("Agenda issued", "blue"),
    "inSession": ("In session", "yellow"),
    "closed": ("Held", "green"),
    "minutesIssued": ("Minutes issued", "green"),
    "cancelled": ("Cancelled", "grey"),
}
MEETING_MODES = {"inPerson": "In person", "virtual": "By video", "hybrid": "In person and by video"}
AGENDA_STATUSES = {
    "listed": ("Listed", "blue"),
    "circulated": ("Circulated", "blue"),
    "inDiscussion": ("In discussion", "yellow"),
    "heard": ("Heard", "green"),
    "adjourned": ("Adjourned", "orange"),
    "withdrawn": ("Withdrawn", "grey"),
}
ATTENDEE_ROLES = {"core": "Core agency", "nonCore": "Non-core agency", "guest": "Guest", "observer": "Observer"}
RULINGS = {
    "continue": "The Chair ruled: may stay",
    "continueRestricted": "The Chair ruled: may stay for some cases",
    "excluded": "The Chair ruled: excluded",
}
SIGNED_VIA = {"account": "on their own account", "device": "on the device in the room", "link": "with a one-time link"}

CASE_STATES = {
    "DRAFT": ("Draft", "grey"),
    "SUBMITTED": ("Submitted", "blue"),
    "TRIAGED": ("Accepted", "blue"),
    "REJECTED_SIGNPOSTED": ("Signposted", "grey"),
    "MERGED": ("Merged", "grey"),
    "LISTED": ("Listed", "blue"),
    "RESEARCHING": ("Agencies are searching", "yellow"),
    "READY": ("Ready to be heard", "yellow"),
    "HEARD": ("Heard", "green"),
    "ACTIONS_OPEN": ("Actions open", "orange"),
    "ACTIONS_CLOSED": ("Actions closed", "green"),
    "FLAGGED": ("Flagged", "green"),
    "DORMANT": ("Dormant", "grey"),
    "RETENTION_DUE": ("Retention review due", "orange"),
    "RETAINED": ("Retained", "grey"),
    "DISPOSED": ("Destroyed", "grey"),
    "EMERGENCY": ("Emergency", "red"),
    "ADJOURNED": ("Adjourned", "orange"),
    "TRANSFERRED_OUT": ("Transferred out", "grey"),
    "TRANSFER_IN": ("Transferred in", "blue"),
    "VICTIM_DECEASED": ("Victim has died", "red"),
    "LEGAL_HOLD": ("Legal hold", "red"),
}
PARTY_ROLES = {"victim": "Victim", "perpetrator": "Perpetrator", "child": "Child"}
ACTION_STATUSES = {
    "open": ("Open", "blue"),
    "done": ("Done", "green"),
    "notPossible": ("Not possible", "orange"),
    "notDone": ("Not done", "red"),
    "superseded": ("Replaced", "grey"),
}
GROUNDS = {
    "referrer": "Referred the case",
    "research-open": "Asked what it holds",
    "research-closed": "Answered what it holds",
    "attendee": "Was at the meeting",
    "action-owner": "Owns an action",
    "involved": "Works with the family",
    "guest-case": "Guest for this case",
    "lead-advocate": "Leads for the victim",
    "kept": "Keeps the case",
    "withdrawn": "No longer has access",
}
DOCUMENT_STATUSES = {
    "queued": ("Being made", "yellow"),
    "ready": ("Ready", "green"),
    "failed": ("Could not be made", "red"),
    "destroyed": ("Destroyed", "grey"),
}

_DEADLINES = {
    "meetingStart": "The meeting starts",
    "agendaReminder": "Reminder to prepare the agenda",
    "agendaIssue": "Agenda and research requests go out",
    "referralCutoff": "Last moment to refer to this meeting",
    "researchDue": "Research returns are due",
    "papersDestroyedDue": "Papers are destroyed",
    "actionListDue": "Action lists go out",
    "minutesDue": "Minutes go out",
    "victimFeedbackDue": "The victim has been told",
    "idvaFirstContact": "The advocate makes first contact",
    "flagUntil": "Flags end",
    "retentionReview": "Retention review",
}


def deadline_title(name: str) -> str:
    """A deadline's name in words: known ones as written above, others from their camel case."""
    if name in _DEADLINES:
        return _DEADLINES[name]
    head, _, tail = name.partition("-")
    words = "".join(f" {c.lower()}" if c.isupper() else c for c in head).strip()
    return f"{words[:1].upper()}{words[1:]}{' (' + tail[-4:] + ')' if tail else ''}"


_EVENTS = {
    "case-opened": "Case opened",
    "state": "Case moved on",
    "listed": "Listed for a meeting",
    "meeting-opened": "Meeting opened",
    "meeting-planned": "Date set",
    "meeting-moved": "Date moved",
    "deadline-moved": "Deadline moved",
    "conflict-declared": "Conflict of interest declared",
    "conflict-lifted": "Conflict of interest lifted",
    "action-outcome": "Action answered",
    "discussion-opened": "Discussion opened",
    "discussion-closed": "Discussion closed",
    "ruling": "Ruling on an attendee",
    "signed": "Attendance signed",
    "conference-closed": "Conference closed",
    "destroyed": "Destroyed",
}


def event_title(kind: str, title: str) -> str:
    """What happened, in words."""
    if kind == "state":
        return f"Now: {CASE_STATES.get(title, (title, ''))[0]}"
    if kind == "deadline-moved":
        return f"Deadline moved: {deadline_title(title)}"
    if kind in ("completed", "decided", "timer", "operation", "called"):
        return title or kind.capitalize()
    known = _EVENTS.get(kind)
    if known is None:
        return title or kind.replace("-", " ").capitalize()
    return known if not title or title == known else f"{known}: {title}"
