"""The roles that people hold. A lane's name in a diagram is a role's title; a candidate group is a role's slug.

Source: the consolidated role table of the domain analysis, document 06 section 1, and 01 section 2 (lanes).
"""

from __future__ import annotations

from enum import StrEnum

from app.identity.errors import UnknownRole


class Role(StrEnum):
    """A role by its slug. Roles drawn in a stranger's diagram (demo area only) are plain strings beside these."""

    REFERRING_PRACTITIONER = "referring-practitioner"
    AUTHORISING_MANAGER = "authorising-manager"
    IDVA = "idva"
    IDVA_MANAGER = "idva-manager"
    MARAC_COORDINATOR = "marac-coordinator"
    MARAC_CHAIR = "marac-chair"
    DEPUTY_CHAIR = "deputy-chair"
    AGENCY_SPOC = "agency-spoc"
    AGENCY_DEPUTY = "agency-deputy"
    AGENCY_REPRESENTATIVE = "agency-representative"
    AGENCY_STRATEGIC_LEAD = "agency-strategic-lead"
    GUEST_REPRESENTATIVE = "guest-representative"
    POLICE_REPRESENTATIVE = "police-representative"
    CSU_DETECTIVE_INSPECTOR = "csu-detective-inspector"
    PROCESS_OWNER = "process-owner"
    AUDITOR = "auditor"
    OPERATOR = "operator"
    OUTSIDE_WORKER = "outside-worker"

    @property
    def title(self) -> str:  # type: ignore[override]
        """The role's name as people read it, and as a lane spells it."""
        return _TITLES[self]

    @property
    def of_agency(self) -> bool:
        """Whether the role is held for one agency; the others are held for the area or the system."""
        return self not in _WITHOUT_AGENCY


_TITLES: dict[Role, str] = {
    Role.REFERRING_PRACTITIONER: "Referring practitioner",
    Role.AUTHORISING_MANAGER: "Authorising manager",
    Role.IDVA: "IDVA",
    Role.IDVA_MANAGER: "IDVA manager",
    Role.MARAC_COORDINATOR: "MARAC Co-ordinator",
    Role.MARAC_CHAIR: "MARAC Chair",
    Role.DEPUTY_CHAIR: "Deputy chair",
    Role.AGENCY_SPOC: "Agency SPOC",
    Role.AGENCY_DEPUTY: "Deputy SPOC",
    Role.AGENCY_REPRESENTATIVE: "Agency representative",
    Role.AGENCY_STRATEGIC_LEAD: "Agency strategic lead",
    Role.GUEST_REPRESENTATIVE: "Guest representative",
    Role.POLICE_REPRESENTATIVE: "Police representative",
    Role.CSU_DETECTIVE_INSPECTOR: "CSU Detective Inspector",
    Role.PROCESS_OWNER: "Process owner",
    Role.AUDITOR: "Auditor",
    Role.OPERATOR: "Operator",
    Role.OUTSIDE_WORKER: "Outside worker",
}

_WITHOUT_AGENCY = frozenset(
    {
        Role.MARAC_COORDINATOR,
        Role.MARAC_CHAIR,
        Role.DEPUTY_CHAIR,
        Role.CSU_DETECTIVE_INSPECTOR,
        Role.PROCESS_OWNER,
        Role.AUDITOR,
        Role.OPERATOR,
        Role.OUTSIDE_WORKER,
    }
)

_BY_TITLE: dict[str, Role] = {title.casefold(): role for role, title in _TITLES.items()}


def role_from_slug(slug: str) -> Role:
    """The role of a slug.

    :raises UnknownRole: there is none.
    """
    try:
        return Role(slug)
    except ValueError:
        raise UnknownRole("There is no role of this name.", resource_id=slug) from None


def role_from_title(title: str) -> Role | None:
    """The role that a lane's name means, whatever its capitals and spaces; None when it means none."""
    return _BY_TITLE.get(" ".join(title.split()).casefold())


def role_title(slug: str) -> str:
    """The title of a slug; the slug itself for a role that only a stranger's diagram knows."""
    try:
        return Role(slug).title
    except ValueError:
        return slug
