"""The audit for those who check: who saw and did what, and proof that nothing was altered."""

from __future__ import annotations

from datetime import datetime, timedelta

from flask import Blueprint, render_template, request

from app import audit
from app.access import decide
from app.access.facts import AreaFacts
from app.access.permissions import Permission
from app.audit import reading
from app.cases.dossiers import find_case_by_reference
from app.cases.models import Case
from app.identity import directory, register
from app.identity.person import Person
from app.identity.service import current_person
from app.store.clock import LONDON
from app.store.database import db
from app.web.keys import key as read_key
from app.web.moments import read_day

blueprint = Blueprint("audit", __name__, url_prefix="/audit")

KINDS = {
    "view": "Looks at something",
    "work": "Tasks",
    "meeting": "Meetings",
    "research": "Research",
    "deadline": "Deadlines moved",
    "conflict": "Conflicts of interest",
    "person": "People and roles",
    "parameter": "Parameters",
    "incident": "Incidents",
    "sign": "Signing in and out",
    "refusal": "Refused",
}


def _require(permission: Permission) -> Person:
    person = current_person()
    decide.require(person, permission, AreaFacts(person.area_key))
    return person


@blueprint.get("")
def index() -> str:
    """Entries, newest first."""
    person = _require(Permission.AUDIT_ENTRY_READ)
    reference = request.args.get("case", "").strip()[:40]
    case = find_case_by_reference(person.area_key, reference) if reference and person.area_key is not None else None
    query = reading.Query(
        actor=request.args.get("actor", type=read_key),
        case_key=case.key if case is not None else (0 if reference else None),
        action=request.args.get("kind", "")[:80] or None,
        since=_day("from", 0),
        until=_day("to", 1),
    )
    found = reading.search(query, page=max(1, request.args.get("page", 1, type=int)))
    audit.view(person, "audit", subject=f"case:{case.key}" if case is not None else None)
    return render_template(
        "admin/audit.html",
        found=found,
        query=query,
        reference=reference,
        kinds=KINDS,
        people=[(entry.user.key, entry.user.name) for entry in directory.people_in(person.area_key, inactive=True)],
        names=register.names_of({entry.actor for entry in found.entries if entry.actor is not None}),
        references=_references({entry.case_key for entry in found.entries if entry.case_key is not None}),
        typed=request.args,
        may_verify=decide.allowed(person, Permission.AUDIT_ENTRY_VERIFY, AreaFacts(person.area_key)),
    )


def _day(name: str, more: int) -> datetime | None:
    day = read_day(request.args, name)
    if day is None:
        return None
    return datetime(day.year, day.month, day.day, tzinfo=LONDON) + timedelta(days=more)


def _references(keys: set[int]) -> dict[int, str]:
    found = (db.session.get(Case, key) for key in keys)
    return {case.key: case.reference for case in found if case is not None}


@blueprint.post("/verify")
def verify() -> str:
    """Read the whole chain and say whether it is complete and unchanged."""
    person = _require(Permission.AUDIT_ENTRY_VERIFY)
    report = audit.verify()
    audit.record("audit.verify", actor=person)
    return render_template("admin/verified.html", report=report)
