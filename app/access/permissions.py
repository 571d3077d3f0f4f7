"""Every permission there is, named scope:resource:action. What is not granted by a rule in this room is refused."""

from __future__ import annotations

from enum import StrEnum


class Permission(StrEnum):
    """One thing that a person may be allowed to do or see."""

    # A case as a whole: reference, state, dates; no names and nothing typed.
    CASE_START = "case:case:start"
    CASE_LIST = "case:case:list"
    CASE_SUMMARY_READ = "case:summary:read"
    CASE_TIMELINE_READ = "case:timeline:read"
    CASE_DEADLINES_READ = "case:deadline:read"
    CASE_DIAGRAM_READ = "case:diagram:read"
    # The whole way of the case; without it timeline and diagram show the own agency's part only.
    CASE_PATH_READ = "case:path:read"
    CASE_VARIABLES_READ = "case:variable:read"
    CASE_LOG_READ = "case:log:read"

    # What the case says.
    CASE_PARTIES_READ = "case:party:read"
    CASE_VICTIM_ADDRESS_READ = "case:victim-address:read"
    CASE_VICTIM_SAFETY_READ = "case:victim-safety:read"
    CASE_REFERRAL_READ = "case:referral:read"
    CASE_RISK_CHECKLIST_READ = "case:risk-checklist:read"
    CASE_CONSENT_READ = "case:consent:read"
    CASE_SHARING_READ = "case:sharing-without-consent:read"
    CASE_PERPETRATOR_DECISION_READ = "case:perpetrator-decision:read"
    CASE_ADVOCACY_READ = "case:advocacy:read"
    CASE_RESEARCH_READ_OWN = "case:research:read-own"
    CASE_RESEARCH_READ_RELEASED = "case:research:read-released"
    CASE_NOTHING_HELD_READ = "case:nothing-held:read"
    CASE_MINUTES_READ = "case:minutes:read"
    CASE_ACTIONS_READ = "case:action:read"
    CASE_FEEDBACK_READ = "case:victim-feedback:read"
    CASE_HANDLING_READ = "case:handling:read"
    CASE_MATCHES_READ = "case:match:read"

    # What is done with a case.
    CASE_RESEARCH_ANSWER = "case:research:answer"
    CASE_RESEARCH_RELEASE = "case:research:release"
    CASE_MATCH_DECIDE = "case:match:decide"
    CASE_AGENCIES_INVITE = "case:agency:invite"
    CASE_DEADLINE_MOVE = "case:deadline:move"
    CASE_CONFLICT_RECORD = "case:conflict:record"
    CASE_MINUTES_DRAFT = "case:minutes:draft"
    CASE_MINUTES_APPROVE = "case:minutes:approve"
    CASE_HOLD_DECIDE = "case:hold:decide"

    # A conference.
    MEETING_READ = "meeting:meeting:read"
    MEETING_PLAN = "meeting:meeting:plan"
    MEETING_MOVE = "meeting:meeting:move"
    MEETING_AGENDA_READ = "meeting:agenda:read"
    MEETING_AGENDA_READ_OWN_LINE = "meeting:agenda:read-own-line"
    MEETING_ROOM_ENTER = "meeting:room:enter"
    MEETING_ROOM_CHAIR = "meeting:room:chair"
    MEETING_ATTENDANCE_SIGN = "meeting:attendance:sign"
    MEETING_ATTENDANCE_WITNESS = "meeting:attendance:witness"
    MEETING_ATTENDANCE_RULE = "meeting:attendance:rule"
    MEETING_FILE_READ = "meeting:file:read"
    MEETING_PAPERS_DESTROY = "meeting:paper:destroy"

    # A task on the work list.
    WORK_ITEM_SEE = "work:item:see"
    WORK_ITEM_OPEN = "work:item:open"
    WORK_ITEM_CLAIM = "work:item:claim"
    WORK_ITEM_RELEASE = "work:item:release"
    WORK_ITEM_COMPLETE = "work:item:complete"
    WORK_ITEM_HAND_OVER = "work:item:hand-over"
    WORK_ITEM_REASSIGN = "work:item:reassign"

    # Documents.
    DOCUMENT_AGENDA_DOWNLOAD = "document:agenda:download"
    DOCUMENT_ATTENDANCE_DOWNLOAD = "document:attendance:download"
    DOCUMENT_MINUTES_DOWNLOAD = "document:minutes:download"
    DOCUMENT_MINUTES_EXTRACT_DOWNLOAD = "document:minutes-extract:download"
    DOCUMENT_ACTION_PLAN_DOWNLOAD = "document:action-plan:download"
    DOCUMENT_SHARING_DOWNLOAD = "document:sharing-without-consent:download"

    # Running the service and its procedures.
    ADMIN_USER_READ = "admin:user:read"
    ADMIN_USER_DEACTIVATE = "admin:user:deactivate"
    ADMIN_ROLE_GRANT = "admin:role:grant"
    ADMIN_AGENCY_CHANGE = "admin:agency:change"
    ADMIN_CONTACT_CHANGE = "admin:contact:change"
    ADMIN_PARAMETER_READ = "admin:parameter:read"
    ADMIN_PARAMETER_CHANGE = "admin:parameter:change"
    PROCEDURE_READ = "workshop:procedure:read"
    DRAFT_EDIT = "workshop:draft:edit"
    RELEASE_PUBLISH = "workshop:release:publish"
    RELEASE_DEPLOY_LIVE = "workshop:release:deploy-live"
    INSTANCE_READ = "engine:instance:read"
    INSTANCE_START = "engine:instance:start"
    INSTANCE_MOVE = "engine:instance:move"
    INSTANCE_CANCEL = "engine:instance:cancel"
    INSTANCE_MODIFY = "engine:instance:modify"
    ENGINE_VARIABLE_READ = "engine:variable:read"
    ENGINE_VARIABLE_CHANGE = "engine:variable:change"
    DECISION_EVALUATE = "engine:decision:evaluate"
    MESSAGE_PUBLISH = "engine:message:publish"
    JOB_WORK = "engine:job:work"
    JOB_READ = "engine:job:read"
    BATCH_READ = "engine:batch:read"
    INCIDENT_READ = "engine:incident:read"
    INCIDENT_RETRY = "engine:incident:retry"
    INCIDENT_MEND = "engine:incident:mend"
    INCIDENT_APPROVE = "engine:incident:approve"
    AUDIT_ENTRY_READ = "audit:entry:read"
    AUDIT_ENTRY_VERIFY = "audit:entry:verify"
    AUDIT_HEAD_EXPORT = "audit:head:export"

    @property
    def scope(self) -> str:
        """The first part: what kind of facts the decision needs."""
        return self.value.partition(":")[0]
