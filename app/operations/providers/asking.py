"""Who asks, and the options that hold for everybody in the area: agencies, colleagues, risk tools."""

from __future__ import annotations

from app.agencies import service as agencies
from app.cases.dossiers import find_case
from app.identity import register
from app.identity.models import User
from app.identity.person import Person
from app.identity.roles import Role, role_title
from app.meetings import agenda, planning
from app.operations.providers.case import case_agencies
from app.operations.providers.common import Option, agency_kind, in_words, provides
from app.operations.returns import batch_of, references_of
from app.operations.risk_tools import risk_tools
from app.runtime import service as runtime
from app.store.clock import business_now
from app.store.database import db
from app.work.eligibility import agency_for
from app.work.mirror import holders
from app.work.models import WorkItem


@provides("me")
def me(item: WorkItem, person: Person) -> Option:
    own = item.agency_key in person.agencies or item.agency_key is None
    agency_key = agency_for(item, person) if own else person.agency_key
    user = db.session.get(User, person.key)
    names = agencies.names(person.area_key) if person.area_key else {}
    first = sorted(person.role_slugs)
    return {
        "id": str(person.key),
        "name": person.name,
        "email": user.email if user else None,
        "phone": None,
        "jobTitle": role_title(first[0]) if first else None,
        "agency": str(agency_key) if agency_key else None,
        "agencyName": names.get(agency_key or 0),
        "agencyType": agency_kind(agency_key),
    }


@provides("task")
def task(item: WorkItem, _person: Person) -> Option:
    reference = None
    if item.case_key is not None:
        reference = find_case(item.case_key).reference
    elif item.meeting_key is not None:
        reference = planning.find(item.meeting_key).reference
    agency_key = item.agency_key or item.named_key(
        "noContact"
    )  # the Co-ordinator's task about an agency that nobody can be asked at
    return {
        "reference": reference,
        "agency": str(agency_key) if agency_key else None,
        "agencyName": agencies.agency(agency_key).name if agency_key else None,
        "due": item.due_at.isoformat() if item.due_at else None,
        "overdue": item.due_at is not None and item.due_at < business_now(),
    }


@provides("agencyType")
def agency_type(item: WorkItem, person: Person) -> str | None:
    return agency_kind(agency_for(item, person))


@provides("agencies")
def all_agencies(item: WorkItem, _person: Person) -> list[Option]:
    return [{"value": str(a.key), "label": a.name, "type": a.kind} for a in agencies.agencies(item.area_key)]


def _users_of(agency_keys: set[int]) -> list[Option]:
    """Whoever works for two agencies is named for each."""
    found = [(user, agency) for agency, users in sorted(register.people_of(agency_keys).items()) for user in users]
    found.sort(key=lambda one: one[0].name)
    return [{"value": str(user.key), "label": user.name, "agency": str(agency)} for user, agency in found]


@provides("agencyUsers")
def agency_users(item: WorkItem, person: Person) -> list[Option]:
    wanted = {agency_for(item, person) or 0}
    if item.form_id in ("marac-action-plan", "marac-action-reassign"):
        wanted |= {int(a["value"]) for a in case_agencies(item, person)}
    return _users_of(wanted)


@provides("users")
def users(item: WorkItem, person: Person) -> list[Option]:
    late = _late_item(item)
    if late is not None:
        keys = set(holders(late))
        if late.agency_key:
            keys |= {p.key for p in register.holders(Role.AGENCY_REPRESENTATIVE, agency_key=late.agency_key)}
        keys.discard(late.assignee or 0)
    else:
        keys = set(holders(item)) | {person.key}
    names = register.names_of(keys)
    return [{"value": str(k), "label": n} for k, n in sorted(names.items(), key=lambda pair: pair[1])]


@provides("riskTools")
def tools(item: WorkItem, _person: Person) -> list[Option]:
    return risk_tools(item.area_key)


def _late_item(item: WorkItem) -> WorkItem | None:
    if item.form_id != "escalation-decision":
        return None
    key = str(runtime.plain_variables(item.instance_key, item.task_id).get("subjectItem") or "")
    row = db.session.get(WorkItem, int(key)) if key.isdigit() else None
    if row is None or row.instance_key == item.instance_key:
        return row
    listed = {line.case_key for line in agenda.items(item.meeting_key)} if item.meeting_key is not None else set()
    return row if row.case_key in listed else None


@provides("late")
def late(item: WorkItem, _person: Person) -> Option | None:
    """The late task in words: what, whose, since when; nothing of what is typed in it."""
    row = _late_item(item)
    if row is None:
        return None
    names = agencies.names(row.area_key)
    if row.instance_key != item.instance_key:
        batch = batch_of(row)
        return {
            "label": row.name,
            "holder": names.get(row.agency_key or 0, ""),
            "due": in_words(row.due_at),
            "cases": references_of(batch) or "any case now",
        }
    holder = register.names_of([row.assignee]).get(row.assignee, "") if row.assignee else ""
    return {
        "label": row.name,
        "holder": holder or names.get(row.agency_key or 0) or ", ".join(role_title(str(r)) for r in row.roles),
        "due": in_words(row.due_at),
        "cases": None,
    }
