"""Earlier cases that people of a case may be known from, read together: who their people are, and what decides who may know it."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import BigInteger, bindparam, or_, select

from app.cases import involvement
from app.cases.models import Case, ConflictOfInterest, Dossier, Involvement, Party
from app.meetings.models import AgendaItem, Attendee, AttendeeCase
from app.store.shelf import shelve
from app.work.along import Asked, Found, Kind, together

_CASES = bindparam("cases", type_=BigInteger, expanding=True)
_MERGED = select(Case.merged_into).where(Case.key.in_(_CASES), Case.merged_into.is_not(None))
_MEETINGS = select(AgendaItem.meeting_key).where(AgendaItem.case_key.in_(_CASES))
_PEOPLE = select(Attendee.key).where(Attendee.meeting_key.in_(_MEETINGS))


def _keep_ruled(known: Asked, found: Found) -> None:
    merged = {case.merged_into for case in found[Case] if case.merged_into is not None}
    involvement.read_already_of(known["cases"], found[ConflictOfInterest], found[Involvement])
    involvement.read_already_of(merged, found[ConflictOfInterest], found[Involvement])


def _keep_meetings(known: Asked, found: Found) -> None:
    for case in known["cases"]:
        shelve(AgendaItem.case_key, case, [row for row in found[AgendaItem] if row.case_key == case], AgendaItem)
    for meeting in {row.meeting_key for row in found[AgendaItem]}:
        shelve(Attendee.meeting_key, meeting, [row for row in found[Attendee] if row.meeting_key == meeting], Attendee)
    for person in found[Attendee]:
        admitted = [row for row in found[AttendeeCase] if row.attendee_key == person.key]
        shelve(AttendeeCase.attendee_key, person.key, admitted, AttendeeCase)


_EARLIER = (
    Kind(Case, Case.key.in_(_CASES)),
    Kind(Dossier, Dossier.key.in_(_CASES)),
    Kind(Party, Party.case_key.in_(_CASES)),
    Kind(
        ConflictOfInterest,
        (ConflictOfInterest.lifted_at.is_(None))
        & or_(ConflictOfInterest.case_key.in_(_CASES), ConflictOfInterest.case_key.in_(_MERGED)),
        _keep_ruled,
    ),
    Kind(
        Involvement,
        (Involvement.until.is_(None)) & or_(Involvement.case_key.in_(_CASES), Involvement.case_key.in_(_MERGED)),
    ),
    Kind(AgendaItem, AgendaItem.case_key.in_(_CASES), _keep_meetings),
    Kind(Attendee, Attendee.meeting_key.in_(_MEETINGS)),
    Kind(AttendeeCase, AttendeeCase.attendee_key.in_(_PEOPLE)),
)


def read(case_keys: Collection[int]) -> None:
    """Have them at hand, in one statement however many there are."""
    if case_keys:
        together(_EARLIER, {"cases": sorted(case_keys)})
