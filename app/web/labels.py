"""Codes in words: states, statuses, kinds. One place, so that a state reads the same on every page."""

from __future__ import annotations

from collections.abc import Mapping

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
    "action": "Action",
    "actionListDue": "Action lists go out",
    "actionPlan": "Action plan agreed",
    "agencyApproval": "The Chair approves further agencies",
    "agendaIssue": "Agenda and research requests go out",
    "agendaReminder": "Reminder to prepare the agenda",
    "agreement": "The victim’s agreement sought",
    "assureMailAccounts": "Mail accounts assured",
    "clientNotice": "The client told of the sharing",
    "changedAgreement": "What the victim now says is recorded",
    "changedAgreementEffect": "What the change of the agreement means is settled",
    "closeConference": "Conference closed",
    "closeOrRelist": "Case closed or listed again",
    "contacts": "Contacts registered",
    "decideRetention": "Papers to keep decided",
    "disclosure": "Disclosure considered",
    "discussion": "Discussion recorded",
    "emergencyDecision": "Decision on an emergency meeting",
    "declined": "The agency answers for a declined action",
    "declinedDecision": "Decision on a declined action",
    "emergencyRequest": "Request for an emergency meeting",
    "escalation": "Decision on a late task",
    "fgmReport": "Report of female genital mutilation",
    "flag": "Flag placed",
    "flagUntil": "Flags end",
    "idvaFirstContact": "The advocate makes first contact",
    "invitations": "Further agencies invited",
    "iswcChecklist": "The ten sharing questions",
    "iswcConsultation": "Advice on sharing",
    "iswcForm": "Form for sharing without consent",
    "heldPapersDestroyed": "Papers destroyed that a hold kept",
    "listing": "Case listed",
    "managerDecision": "The manager decides on sharing",
    "meetingPlan": "Meeting planned",
    "meetingStart": "The meeting starts",
    "minutesApproval": "Minutes approved",
    "minutesDue": "Minutes go out",
    "noContact": "Agency without a contact settled",
    "notShared": "Not sharing recorded",
    "nothingHeld": "Nothing held: request destroyed",
    "papersDestroyedDue": "Papers destroyed",
    "perpetratorDecision": "Decision on the perpetrator’s data",
    "readStatement": "Statement read",
    "referral": "Referral sent",
    "referralCorrection": "Referral completed",
    "referralCutoff": "Last moment to refer to this meeting",
    "remindVirtualAttendees": "People by video reminded",
    "research": "Research return",
    "researchDue": "Research returns are due",
    "retentionReview": "Retention review",
    "returns": "Research owed for this meeting",
    "retrospectiveDecision": "Decision after sharing in an emergency",
    "reviewPreviousActions": "Earlier actions reviewed",
    "riskChecklist": "Risk checklist",
    "riskReview": "Risk looked at again",
    "ruleOnConfidentiality": "Ruling on who cannot comply",
    "sharingRecord": "What was shared is recorded",
    "sharingReview": "Review of the sharing",
    "signature": "Signature",
    "signposting": "Signposted",
    "transfer": "Transfer arranged",
    "triage": "Referral checked",
    "unflag": "Flags taken off",
    "updateOnly": "Decision on an update",
    "victimFeedback": "The victim told of the outcome",
    "victimFeedbackDue": "The victim told of the outcome",
}


def deadline_title(name: str, agencies: Mapping[int, str] | None = None) -> str:
    """A deadline's name in words: known ones as written above, others from their camel case.

    :param agencies: names by key, for deadlines of one agency.
    """
    head, _, tail = name.partition("-")
    words = "".join(f" {c.lower()}" if c.isupper() else c for c in head).strip()
    title = _DEADLINES.get(head, f"{words[:1].upper()}{words[1:]}")
    agency = (agencies or {}).get(int(tail), "") if tail.isdigit() else ""
    return f"{title}, {agency}" if agency else title


_EVENTS = {
    "case-opened": "Case opened",
    "state": "Case moved on",
    "listed": "Listed for a meeting",
    "meeting-opened": "Meeting opened",
    "meeting-planned": "Date set",
    "meeting-moved": "Date moved",
    "meeting-cancelled": "Meeting cancelled",
    "presiding-decided": "Who presides was decided",
    "cannot-comply": "Somebody cannot keep to the statement",
    "involved": "Works with the family now",
    "no-longer-involved": "Works with the family no longer",
    "action-reassigned": "An action has a new owner",
    "deadline-moved": "Deadline moved",
    "hold-set": "Legal hold set",
    "hold-lifted": "Legal hold lifted",
    "not-destroyed": "Not destroyed: a legal hold was set after that had been decided",
    "victim-died": "The victim’s death was recorded",
    "victim-died-in-error": "The victim’s death had been recorded in error",
    "research-refused": "The request was refused: the agency does not have the case",
    "conflict-declared": "Conflict of interest declared",
    "conflict-lifted": "Conflict of interest lifted",
    "action-outcome": "Action answered",
    "discussion-opened": "Discussion opened",
    "discussion-closed": "Discussion closed",
    "ruling": "Ruling on an attendee",
    "signed": "Attendance signed",
    "absent": "Recorded as not here",
    "arrived": "Came after all",
    "papers-destroyed": "Papers destroyed",
    "conference-closed": "Conference closed",
    "destroyed": "Destroyed",
    "release-changed": "Goes on by another version of the procedure",
    "release-restored": "Goes on by the earlier version of the procedure again",
}


def event_title(kind: str, title: str) -> str:
    """What happened, in words."""
    if kind == "state":
        return f"Now: {CASE_STATES.get(title, (title, ''))[0]}"
    if kind == "deadline-moved":
        return f"Deadline moved: {deadline_title(title)}"
    if kind == "started":
        return f"Begun: {title}"
    if kind == "ended":
        return f"Ended: {title}"
    if kind == "decided":
        return f"Worked out: {title}"
    if kind == "completed":
        return title
    if kind == "discussion-closed":
        return f"{_EVENTS[kind]}: {AGENDA_STATUSES.get(title.lower(), (title, ''))[0].lower()}"
    if kind == "ruling":
        return RULINGS.get(title, _EVENTS[kind])
    known = _EVENTS.get(kind)
    if known is None:
        return title or kind.replace("-", " ").capitalize()
    return known if not title or title == known else f"{known}: {title}"


_ACTIONS = {
    "agency.contact": "Changed an agency’s contact",
    "audit.verify": "Verified that nothing was altered",
    "case.agreement-changed": "Recorded that the victim’s agreement has changed",
    "case.involvement": "Recorded who works with the family",
    "case.invite": "Invited an agency to a case",
    "case.hold": "Set a legal hold",
    "case.victim-died": "Recorded that the victim has died",
    "case.victim-died-in-error": "Took back that the victim has died",
    "batch.stop": "Stopped an act on many: whoever asked may not do it any more",
    "batch.take-over": "Took over an act on many",
    "case.lift-hold": "Lifted a legal hold",
    "case.not-destroyed": "Did not destroy a case: a legal hold was set after that had been decided",
    "conflict.declare": "Recorded a conflict of interest",
    "conflict.lift": "Lifted a conflict of interest",
    "contact.add": "Added an agency’s contact",
    "deadline.move": "Moved a deadline",
    "incident.approve": "Approved a mending",
    "incident.call-off": "Left the rest of a mending undone",
    "incident.correct": "Corrected a variable of what had stopped",
    "incident.move": "Moved a token of what had stopped",
    "incident.propose": "Proposed a mending",
    "incident.refuse": "Refused a mending",
    "incident.retry": "Tried again what had stopped",
    "incident.skip": "Skipped an element that had stopped",
    "incident.suspend": "Stopped a mending: whoever answered for it may not do it any more",
    "incident.take-over": "Took over a mending",
    "keys.rotate": "Changed the master key",
    "match.decide": "Decided whether two people are one",
    "meeting.absent": "Recorded somebody as not here",
    "meeting.arrived": "Recorded that somebody came after all",
    "meeting.attendee": "Added somebody to a meeting",
    "meeting.cannot-comply": "Said that they cannot keep to the statement",
    "meeting.cancel": "Cancelled a meeting",
    "meeting.move": "Moved a meeting",
    "meeting.preside": "Decided who presides at a meeting",
    "meeting.rule": "Ruled on somebody who cannot comply",
    "meeting.sign-by-link": "Signed with a one-time link",
    "meeting.sign-link": "Made a one-time link",
    "message.correlate": "Sent a message through the API",
    "message.publish": "Published a message through the API",
    "move.back": "Moved a case back to the release it came from",
    "move.instance": "Moved a case to another release",
    "move.start": "Asked for cases to move to another release",
    "move.stop": "Stopped a move: whoever asked may not do it any more",
    "move.take-over": "Took over a move of cases",
    "move.undo": "Asked for cases to move back",
    "parameter.change": "Changed a parameter",
    "people.sign-out": "Signed everybody of the area out",
    "person.deactivate": "Shut somebody out",
    "person.sign-out": "Signed somebody out everywhere",
    "person.end-role": "Ended a role",
    "person.grant": "Gave a role",
    "person.reactivate": "Let somebody in again",
    "procedure.cancel": "Cancelled a procedure",
    "procedure.start": "Started a procedure",
    "refusal.hidden": "Was told that there is nothing",
    "refusal.not-allowed": "Was refused",
    "release.deploy": "Published a release",
    "research.release": "Released research to the meeting",
    "sign-in": "Signed in",
    "sign-in.again": "Signed in again",
    "sign-in.refused": "Was refused at sign-in",
    "sign-out": "Signed out",
    "sign-out.elsewhere": "Signed out elsewhere",
    "system.restore": "Restored a backup",
    "work.claim": "Took a task",
    "work.complete": "Completed a task",
    "work.escalation": "Decided on a late task",
    "work.hand-over": "Handed a task over",
    "work.release": "Gave a task back",
    "work.give-up": "Ended a task that nobody may do",
    "work.take-over": "Took over a late task",
}
_SEEN = {
    "agenda": "the agenda",
    "audit": "the audit",
    "case-actions": "the actions of a case",
    "case-conflicts": "the conflicts of a case",
    "case-deadlines": "the deadlines of a case",
    "case-death": "the page on a victim’s death",
    "case-diagram": "the diagram of a case",
    "case-documents": "the documents of a case",
    "case-hold": "the legal hold of a case",
    "case-list": "the list of cases",
    "case-matches": "earlier cases",
    "case-overview": "the overview of a case",
    "case-papers": "what was submitted in a case",
    "case-summary": "the summary of a case",
    "case-tasks": "the tasks of a case",
    "case-timeline": "the timeline of a case",
    "document": "a document",
    "file": "an uploaded file",
    "meeting": "a meeting",
    "research-sheet": "the research sheet",
    "room": "the room",
    "task": "a task",
    "task-variables": "the variables of a task",
    "work-list": "the work list",
}


def action_title(code: str) -> str:
    """An action of the audit in words; the code itself for one that is not known here."""
    kind, _, what = code.partition(".")
    if kind == "view":
        return f"Looked at {_SEEN.get(what, what)}"
    return _ACTIONS.get(code, code)


_STARTS = {"marac-case": "Refer a victim to MARAC", "marac-meeting": "Plan a meeting"}


def start_words(process_id: str, title: str) -> str:
    """What the button says that starts a procedure."""
    return _STARTS.get(process_id, f"Start: {title}")
