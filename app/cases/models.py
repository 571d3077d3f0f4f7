"""Tables of cases. Whatever identifies a person or was typed is sealed; columns hold references, states and instants only."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, Date, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.store.database import Keyed, Model


class DossierKind(StrEnum):
    CASE = "case"
    MEETING = "meeting"


class CaseState(StrEnum):
    """The case's state machine (01-marac §4)."""

    DRAFT = "DRAFT"
    SUBMITTED = "SUBMITTED"
    TRIAGED = "TRIAGED"
    REJECTED_SIGNPOSTED = "REJECTED_SIGNPOSTED"
    MERGED = "MERGED"
    LISTED = "LISTED"
    RESEARCHING = "RESEARCHING"
    READY = "READY"
    HEARD = "HEARD"
    ACTIONS_OPEN = "ACTIONS_OPEN"
    ACTIONS_CLOSED = "ACTIONS_CLOSED"
    FLAGGED = "FLAGGED"
    DORMANT = "DORMANT"
    RETENTION_DUE = "RETENTION_DUE"
    RETAINED = "RETAINED"
    DISPOSED = "DISPOSED"
    EMERGENCY = "EMERGENCY"
    ADJOURNED = "ADJOURNED"
    TRANSFERRED_OUT = "TRANSFERRED_OUT"
    TRANSFER_IN = "TRANSFER_IN"
    VICTIM_DECEASED = "VICTIM_DECEASED"
    LEGAL_HOLD = "LEGAL_HOLD"


class PartyRole(StrEnum):
    VICTIM = "victim"
    PERPETRATOR = "perpetrator"
    CHILD = "child"


class Ground(StrEnum):
    """Why an agency is involved in a case, or no longer is."""

    REFERRER = "referrer"
    RESEARCH_OPEN = "research-open"
    RESEARCH_CLOSED = "research-closed"
    ATTENDEE = "attendee"
    ACTION_OWNER = "action-owner"
    INVOLVED = "involved"
    GUEST = "guest-case"
    LEAD_ADVOCATE = "lead-advocate"
    KEPT = "kept"
    WITHDRAWN = "withdrawn"


class ActionStatus(StrEnum):
    """F-M8 status."""

    OPEN = "open"
    DONE = "done"
    NOT_POSSIBLE = "notPossible"
    NOT_DONE = "notDone"
    SUPERSEDED = "superseded"


class Dossier(Keyed, Model):
    """The owner of sealed content: a case or a meeting. Destroying its wrapped key destroys everything sealed under it."""

    __tablename__ = "dossier"

    kind: Mapped[str] = mapped_column(String(10))
    area_key: Mapped[int] = mapped_column(BigInteger, index=True)
    wrapped_key: Mapped[bytes | None]
    created_at: Mapped[datetime]
    destroyed_at: Mapped[datetime | None]


class Case(Model):
    """One referral of a victim and perpetrator(s). Shares its key with its dossier."""

    __tablename__ = "case"
    __table_args__ = (UniqueConstraint("area_key", "reference"), Index("ix_case_state", "area_key", "state"))

    key: Mapped[int] = mapped_column(BigInteger, ForeignKey("dossier.key"), primary_key=True, autoincrement=False)
    area_key: Mapped[int] = mapped_column(BigInteger)
    reference: Mapped[str] = mapped_column(String(40))
    procedure: Mapped[str] = mapped_column(String(80))
    state: Mapped[str] = mapped_column(String(24), default=CaseState.DRAFT)
    referring_agency_key: Mapped[int | None] = mapped_column(BigInteger)
    created_by: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[datetime]
    submitted_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    meeting_key: Mapped[int | None] = mapped_column(BigInteger, index=True)
    lead_agency_key: Mapped[int | None] = mapped_column(BigInteger)
    repeat: Mapped[bool] = mapped_column(default=False)
    legal_hold: Mapped[bool] = mapped_column(default=False)
    merged_into: Mapped[int | None] = mapped_column(BigInteger)


class ReferenceCounter(Model):
    """The last number given in an area, series and year."""

    __tablename__ = "reference_counter"

    area_key: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    series: Mapped[str] = mapped_column(String(20), primary_key=True)
    year: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    last: Mapped[int] = mapped_column(default=0)


class Party(Keyed, Model):
    """A data subject of a case; details sealed under the case's key. Never a user account (01-marac §12)."""

    __tablename__ = "party"

    case_key: Mapped[int] = mapped_column(BigInteger, ForeignKey("case.key"), index=True)
    role: Mapped[str] = mapped_column(String(12))
    position: Mapped[int] = mapped_column(default=0)
    sealed: Mapped[bytes]


class MatchToken(Keyed, Model):
    """One keyed blind-index token of a party; destroyed with the case."""

    __tablename__ = "match_token"
    __table_args__ = (Index("ix_match_token_token", "token"),)

    case_key: Mapped[int] = mapped_column(BigInteger, ForeignKey("case.key"), index=True)
    party_key: Mapped[int] = mapped_column(BigInteger)
    kind: Mapped[str] = mapped_column(String(20))
    token: Mapped[str] = mapped_column(String(32))


class MatchDecision(Keyed, Model):
    """The co-ordinator's decision on a candidate: the same person, or not (B7)."""

    __tablename__ = "match_decision"
    __table_args__ = (UniqueConstraint("party_key", "other_party_key"),)

    case_key: Mapped[int] = mapped_column(BigInteger, index=True)
    party_key: Mapped[int] = mapped_column(BigInteger)
    other_case_key: Mapped[int] = mapped_column(BigInteger)
    other_party_key: Mapped[int] = mapped_column(BigInteger)
    same: Mapped[bool]
    decided_by: Mapped[int] = mapped_column(BigInteger)
    decided_at: Mapped[datetime]


class Submission(Keyed, Model):
    """What somebody typed in one task: sealed under a key of its own, owned by an agency, kept with the dossier."""

    __tablename__ = "submission"
    __table_args__ = (Index("ix_submission_dossier", "dossier_key", "form_id"),)

    dossier_key: Mapped[int] = mapped_column(BigInteger, ForeignKey("dossier.key"))
    agency_key: Mapped[int | None] = mapped_column(BigInteger)
    form_id: Mapped[str] = mapped_column(String(80))
    release_key: Mapped[int] = mapped_column(BigInteger)
    element_id: Mapped[str] = mapped_column(String(120))
    work_item_key: Mapped[int | None] = mapped_column(BigInteger, unique=True)
    submitted_by: Mapped[int] = mapped_column(BigInteger)
    submitted_at: Mapped[datetime]
    digest: Mapped[str] = mapped_column(String(64))
    wrapped_key: Mapped[bytes | None]
    ciphertext: Mapped[bytes | None]


class ReleasedItem(Keyed, Model):
    """One row of a research return that its agency has released to the meeting (F-M4; shared item by item)."""

    __tablename__ = "released_item"
    __table_args__ = (UniqueConstraint("submission_key", "item"),)

    case_key: Mapped[int] = mapped_column(BigInteger, index=True)
    submission_key: Mapped[int] = mapped_column(BigInteger)
    item: Mapped[int]
    agency_key: Mapped[int] = mapped_column(BigInteger)
    released_by: Mapped[int] = mapped_column(BigInteger)
    released_at: Mapped[datetime]


class Involvement(Keyed, Model):
    """An agency's involvement in a case on one ground, from an instant until another."""

    __tablename__ = "involvement"
    __table_args__ = (Index("ix_involvement_agency", "agency_key", "case_key"),)

    case_key: Mapped[int] = mapped_column(BigInteger, ForeignKey("case.key"), index=True)
    agency_key: Mapped[int] = mapped_column(BigInteger)
    ground: Mapped[str] = mapped_column(String(20))
    since: Mapped[datetime]
    until: Mapped[datetime | None]


class ConflictOfInterest(Keyed, Model):
    """Somebody who must not see a case whatever else they may (01-marac X7). The reason is sealed."""

    __tablename__ = "conflict_of_interest"

    case_key: Mapped[int] = mapped_column(BigInteger, ForeignKey("case.key"), index=True)
    user_key: Mapped[int | None] = mapped_column(BigInteger)
    agency_key: Mapped[int | None] = mapped_column(BigInteger)
    reason: Mapped[bytes]
    ruled_by: Mapped[int] = mapped_column(BigInteger)
    ruled_at: Mapped[datetime]
    lifted_at: Mapped[datetime | None]


class Deadline(Keyed, Model):
    """A named deadline: an instant with the rule, parameter and source it came from. A moved one is superseded, never edited."""

    __tablename__ = "deadline"
    __table_args__ = (Index("ix_deadline_name", "dossier_key", "name"),)

    dossier_key: Mapped[int] = mapped_column(BigInteger, ForeignKey("dossier.key"))
    name: Mapped[str] = mapped_column(String(80))
    due_at: Mapped[datetime]
    rule: Mapped[str] = mapped_column(String(400))
    parameter: Mapped[str] = mapped_column(String(200), default="")
    source: Mapped[str] = mapped_column(String(300), default="")
    set_at: Mapped[datetime]
    set_by: Mapped[int | None] = mapped_column(BigInteger)
    met_at: Mapped[datetime | None]
    superseded_at: Mapped[datetime | None]
    moved_from: Mapped[int | None] = mapped_column(BigInteger)
    reason: Mapped[bytes | None]


class TimelineEvent(Keyed, Model):
    """One thing that happened in a case or meeting: kind and references, no names, no free text."""

    __tablename__ = "timeline_event"
    __table_args__ = (Index("ix_timeline_event_dossier", "dossier_key", "at"),)

    dossier_key: Mapped[int] = mapped_column(BigInteger, ForeignKey("dossier.key"))
    at: Mapped[datetime]
    kind: Mapped[str] = mapped_column(String(40))
    title: Mapped[str] = mapped_column(String(200), default="")
    agency_key: Mapped[int | None] = mapped_column(BigInteger)
    actor: Mapped[int | None] = mapped_column(BigInteger)
    facts: Mapped[dict[str, Any]]


class Action(Keyed, Model):
    """One agreed action (F-M8). Its words are sealed; who, when and how far it is are not."""

    __tablename__ = "action"
    __table_args__ = (Index("ix_action_owner", "owner_agency_key", "status"),)

    case_key: Mapped[int] = mapped_column(BigInteger, ForeignKey("case.key"), index=True)
    meeting_key: Mapped[int] = mapped_column(BigInteger, index=True)
    number: Mapped[int]
    owner_agency_key: Mapped[int] = mapped_column(BigInteger)
    owner_user_key: Mapped[int | None] = mapped_column(BigInteger)
    due_date: Mapped[date] = mapped_column(Date)
    priority: Mapped[str] = mapped_column(String(12), default="")
    status: Mapped[str] = mapped_column(String(12), default=ActionStatus.OPEN)
    completed_on: Mapped[date | None] = mapped_column(Date)
    sealed: Mapped[bytes]
    sealed_outcome: Mapped[bytes | None]


class Attachment(Keyed, Model):
    """An uploaded file: sealed under a key of its own, served as a download only."""

    __tablename__ = "attachment"

    dossier_key: Mapped[int] = mapped_column(BigInteger, ForeignKey("dossier.key"), index=True)
    agency_key: Mapped[int | None] = mapped_column(BigInteger)
    uploaded_by: Mapped[int] = mapped_column(BigInteger)
    uploaded_at: Mapped[datetime]
    content_type: Mapped[str] = mapped_column(String(100))
    size: Mapped[int]
    sealed_name: Mapped[bytes]
    wrapped_key: Mapped[bytes | None]
    ciphertext: Mapped[bytes | None]
    submission_key: Mapped[int | None] = mapped_column(BigInteger)
