"""What changes while a case runs: the victim's agreement, and who works with the family (01-marac X3, DMN-M7)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app import audit, notices
from app.cases.dossiers import find_case
from app.cases.involvement import end, grounds, involve
from app.cases.models import Case, CaseState, Ground
from app.cases.timeline import note
from app.errors import Conflict
from app.identity import register
from app.identity.person import Person
from app.identity.roles import Role
from app.operations import addressees
from app.operations.procedure import tell
from app.operations.registry import case_of, operation
from app.runtime.ports import OperationContext

SHARED = (
    CaseState.SUBMITTED,
    CaseState.TRIAGED,
    CaseState.LISTED,
    CaseState.RESEARCHING,
    CaseState.READY,
    CaseState.ADJOURNED,
    CaseState.HEARD,
    CaseState.ACTIONS_OPEN,
)
HEARD = (CaseState.HEARD, CaseState.ACTIONS_OPEN, CaseState.ACTIONS_CLOSED, CaseState.FLAGGED)
WORDS = {
    "consent-changed": "What may be used and shared of this case has changed. Look at it before you use or share anything."
}


@operation("tell-recipients", "Tell every agency that has the case", inputs={"template": "string", "caseId?": "id"})
def tell_recipients(context: OperationContext, inputs: Mapping[str, Any]) -> None:
    """The contacts of each agency that holds information of the case, and the Co-ordinator and the Chair."""
    case = find_case(case_of(context, inputs))
    notices.send(
        notices.Template.SHARING_CHANGED,
        sorted(recipients(case)),
        reference=case.reference,
        what=WORDS.get(str(inputs["template"])),
        due=None,
        path=f"/cases/{case.key}",
        dedupe=context.idempotency_key,
        area_key=case.area_key,
    )


def recipients(case: Case) -> set[int]:
    """The contacts of each agency that holds information of a case (its strategic lead, where no contact is there), and the Co-ordinator
    and the Chair; nobody to whom the case is closed."""
    holding = [agency_key for agency_key, held in grounds(case.key).items() if held != {Ground.WITHDRAWN}]
    people = set().union(*addressees.of_agencies(holding).values())
    return addressees.open_to(people, case.key, case.area_key) | addressees.leads_of_area(case.key, case.area_key)


def may_change_agreement(case: Case, person: Person) -> bool:
    """The IDVA or the Co-ordinator records what the victim says, once the case has been referred and until it is closed."""
    of_victim = person.has_role(Role.IDVA) or person.has_role(Role.MARAC_COORDINATOR)
    return of_victim and case.state in SHARED


def change_agreement(case: Case, person: Person) -> None:
    """The victim's agreement has changed: the procedure asks the person what was said.

    :raises Conflict: the case has not been referred, or is over.
    """
    if not may_change_agreement(case, person):
        raise Conflict("This case is not being shared at present.", resource_id=str(case.key))
    agency_key = person.acting_for({Role.IDVA})
    if agency_key is None or not register.holders(Role.AUTHORISING_MANAGER, agency_key=agency_key):
        agency_key = case.referring_agency_key
    payload = {"recorder": str(person.key), "recorderAgency": str(agency_key) if agency_key else None}
    tell("consent-changed", case.key, payload, area_key=case.area_key)
    audit.record("case.agreement-changed", actor=person, case_key=case.key)


def may_change_involvement(case: Case) -> bool:
    """Who works with the family is kept up to date from the conference until the case is closed."""
    return case.state in HEARD


def change_involvement(case: Case, agency_key: int, involved: bool, person: Person) -> None:
    """An agency has begun or stopped working with the family: whether it keeps the case is weighed again.

    :raises Conflict: the case has not been heard, or is over.
    """
    if not may_change_involvement(case):
        raise Conflict("Who works with the family is recorded after the conference.", resource_id=str(case.key))
    if involved:
        end(case.key, agency_key, Ground.WITHDRAWN)
        involve(case.key, agency_key, Ground.INVOLVED)
    else:
        end(case.key, agency_key, Ground.INVOLVED)
    note(case.key, "involved" if involved else "no-longer-involved", actor=person.key, agency_key=agency_key)
    payload = {"changedAgency": str(agency_key)}
    tell("involvement-changed", case.key, payload, area_key=case.area_key)
    audit.record("case.involvement", actor=person, subject=f"agency:{agency_key}", case_key=case.key)
