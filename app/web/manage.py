"""Managing the area: the page that leads to people, agencies, parameters and incidents. No case content anywhere in there.

The pages themselves are in modules of their own, which add to the blueprint here.
"""

from __future__ import annotations

from flask import Blueprint, render_template, url_for

from app.access import decide
from app.access.facts import AreaFacts
from app.access.permissions import Permission
from app.identity.person import Person
from app.identity.service import current_person
from app.operations import mending

blueprint = Blueprint("manage", __name__, url_prefix="/admin")

UNPROCESSABLE = 422


def require(permission: Permission, *, user_key: int | None = None) -> Person:
    """The person, if they may do this in their area.

    :raises NotAllowed: they may not.
    """
    person = current_person()
    decide.require(person, permission, AreaFacts(person.area_key, user_key=user_key))
    return person


def may(person: Person, permission: Permission, *, user_key: int | None = None) -> bool:
    """Whether the person may do this in their area."""
    return decide.allowed(person, permission, AreaFacts(person.area_key, user_key=user_key))


def _waiting(person: Person) -> str:
    """What waits at the incidents: for somebody to mend, and for a process owner to approve."""
    told = "What has stopped and waits for somebody to mend it."
    if not may(person, Permission.INCIDENT_READ):
        return told
    proposed = sum(mending.may_decide(person, one) for one in mending.open_proposals(person))
    count = mending.page(person, mending.Filters()).total
    waits = "waits" if proposed == 1 else "wait"
    return f"{told} Open now: {count}." + (f" {proposed} {waits} for your approval." if proposed else "")


@blueprint.get("")
def index() -> str:
    """What the person may manage."""
    person = current_person()
    entries = [
        (
            Permission.ADMIN_USER_READ,
            "manage.people",
            "People",
            "Who may sign in and what they do. Give roles, shut somebody out.",
        ),
        (
            Permission.ADMIN_CONTACT_CHANGE,
            "manage.agency_list",
            "Agencies and contacts",
            "Who is asked for each agency, and who is away.",
        ),
        (
            Permission.ADMIN_PARAMETER_READ,
            "manage.parameter_list",
            "Parameters",
            "The times and thresholds that your area has agreed.",
        ),
        (
            Permission.INCIDENT_READ,
            "manage.incidents",
            "Incidents",
            _waiting(person),
        ),
    ]
    found = [
        (url_for(endpoint), title, text) for permission, endpoint, title, text in entries if may(person, permission)
    ]
    return render_template("admin/index.html", entries=found)
