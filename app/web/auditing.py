"""The audit for those who check: who saw and did what, and proof that nothing was altered."""

from __future__ import annotations

from datetime import datetime, timedelta

from flask import Blueprint, render_template, request
from sqlalchemy import select

from app import audit
from app.access import decide
from app.access.facts import AreaFacts
from app.access.permissions import Permission
from app.audit import reading
from app.cases.dossiers import cases_by_reference
from app.cases.models import Case
from app.identity import directory, register
from app.identity.person import Person
from app.identity.service import current_person
from app.store.clock import LONDON
from app.store.database import db
from app.web.keys import key as read_key
from app.web.manage import UNPROCESSABLE
from app.web.moments import is_empty, read_day

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
def index() -> str | tuple[str, int]:
    """Entries, newest first. What is asked for and not understood is said, and finds nothing."""
    person = _require(Permission.AUDIT_ENTRY_READ)
    errors: list[tuple[str, str]] = []
    reference = request.args.get("case", "").strip()[:40]
    cases = cases_by_reference(person.area_key, reference) if reference else []
    if reference and not cases:
        errors.append(("case", f"There is no case {reference}"))
    query = reading.Query(
        area_key=person.area_key,
        actor=(request.args.get("actor", type=read_key) or 0) if request.args.get("actor") else None,
        case_keys=[case.key for case in cases] if reference else None,
        action=request.args.get("kind", "")[:80] or None,
        since=_day("from", 0, errors),
        until=_day("to", 1, errors),
    )
    number = max(1, request.args.get("page", 1, type=int))
    found = reading.EntryPage([], 0, 1, 50) if errors else reading.search(query, page=number)
    audit.view(person, "audit", subject=f"case:{cases[0].key}" if cases else None)
    page = render_template(
        "admin/audit.html",
        found=found,
        query=query,
        reference=reference,
        kinds=KINDS,
        people=[
            (entry.user.key, entry.user.name)
            for entry in directory.people_in(person.area_key, inactive=True, system=True)
        ],
        names=register.names_of({entry.actor for entry in found.entries if entry.actor is not None}),
        references=_references({entry.case_key for entry in found.entries if entry.case_key is not None}),
        typed=request.args,
        may_verify=decide.allowed(person, Permission.AUDIT_ENTRY_VERIFY, AreaFacts(person.area_key)),
        errors=errors,
    )
    return (page, UNPROCESSABLE) if errors else page


def _day(name: str, more: int, errors: list[tuple[str, str]]) -> datetime | None:
    day = read_day(request.args, name)
    if day is None:
        if not is_empty(request.args, name):
            word = {"from": "first", "to": "last"}[name]
            errors.append((f"{name}-day", f"Enter the {word} day to look at, for example 27 3 2026"))
        return None
    return datetime(day.year, day.month, day.day, tzinfo=LONDON) + timedelta(days=more)


def _references(keys: set[int]) -> dict[int, str]:
    rows = db.session.execute(select(Case.key, Case.reference).where(Case.key.in_(keys))) if keys else ()
    return {key: reference for key, reference in rows}


@blueprint.post("/verify")
def verify() -> str:
    """Read the whole chain and say whether it is complete and unchanged."""
    person = _require(Permission.AUDIT_ENTRY_VERIFY)
    report = audit.verify()
    audit.record("audit.verify", actor=person)
    return render_template("admin/verified.html", report=report)
