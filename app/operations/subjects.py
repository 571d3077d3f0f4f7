"""What a procedure is about when it starts: a case or a meeting of its own."""

from __future__ import annotations

from collections.abc import Mapping

from app.cases.dossiers import open_case
from app.cases.involvement import involve
from app.cases.models import CaseState, Ground
from app.identity.person import Person
from app.meetings import planning
from app.work.ports import Subject
from app.work.starting import starters


def case(area_key: int, process_id: str, person: Person, properties: Mapping[str, str]) -> Subject:
    """Open a case in the state that the diagram names; the agency that the starter acts for is the referrer."""
    state = CaseState(str(properties.get("initialState") or CaseState.DRAFT))
    series = process_id.partition("-")[0].upper()
    agency_key = person.acting_for(starters(properties))
    row = open_case(area_key, process_id, by=person.key, agency_key=agency_key, state=state, series=series)
    if agency_key is not None:
        involve(row.key, agency_key, Ground.REFERRER)
    return Subject(row.key, None, {"caseId": str(row.key)})


def meeting(area_key: int, _process_id: str, person: Person, _properties: Mapping[str, str]) -> Subject:
    """Open a meeting without a date."""
    row = planning.create(area_key, by=person.key)
    return Subject(None, row.key, {"meetingId": str(row.key)})


SUBJECTS = {"case": case, "meeting": meeting}
