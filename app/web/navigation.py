"""What the bar at the top of every page offers a person. It only hides; each page checks for itself."""

from __future__ import annotations

from dataclasses import dataclass

from flask import request, url_for

from app.identity.person import Person
from app.identity.roles import Role


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the bar."""

    text: str
    href: str
    here: bool


_CASES = frozenset(
    {
        Role.REFERRING_PRACTITIONER,
        Role.IDVA,
        Role.IDVA_MANAGER,
        Role.MARAC_COORDINATOR,
        Role.MARAC_CHAIR,
        Role.DEPUTY_CHAIR,
        Role.AGENCY_SPOC,
        Role.AGENCY_DEPUTY,
        Role.AGENCY_REPRESENTATIVE,
        Role.AGENCY_STRATEGIC_LEAD,
        Role.AUTHORISING_MANAGER,
        Role.POLICE_REPRESENTATIVE,
        Role.CSU_DETECTIVE_INSPECTOR,
        Role.GUEST_REPRESENTATIVE,
    }
)
_MANAGES = frozenset({Role.PROCESS_OWNER, Role.MARAC_COORDINATOR, Role.OPERATOR, Role.AUDITOR})

# Text, endpoint, the start of the addresses it covers, the roles that see it (none: everyone signed in).
_ENTRIES: tuple[tuple[str, str, str, frozenset[Role]], ...] = (
    ("Work", "work.inbox", "/work", frozenset()),
    ("Cases", "cases.index", "/cases", _CASES),
    ("Meetings", "meetings.index", "/meetings", _CASES),
    ("Procedures", "procedures.index", "/procedures", frozenset()),
    ("Audit", "audit.index", "/audit", frozenset({Role.AUDITOR})),
    ("Manage", "manage.index", "/admin", _MANAGES),
)


def home(person: Person) -> str:
    """Where somebody begins: at their work, or where they check or run the service when that is all they do."""
    if not person.role_slugs:
        return url_for("auth.no_role")
    if person.role_slugs <= {Role.AUDITOR}:
        return url_for("audit.index")
    if person.role_slugs <= {Role.OPERATOR}:
        return url_for("manage.index")
    return url_for("work.inbox")


def entries(person: Person) -> list[Entry]:
    """The bar's entries for a person, in order. Somebody without a role has none."""
    held = person.role_slugs
    if not held:
        return []
    return [
        Entry(text, url_for(endpoint), request.path == start or request.path.startswith(f"{start}/"))
        for text, endpoint, start, roles in _ENTRIES
        if not roles or held & roles
    ]
