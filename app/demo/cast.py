"""The invented borough of Ambleford: agencies and people. Any likeness to real people or places is chance."""

from __future__ import annotations

from dataclasses import dataclass

from app.agencies.models import Tier
from app.identity.roles import Role


@dataclass(frozen=True)
class DemoAgency:
    slug: str
    name: str
    kind: str
    tier: Tier
    spoc: str
    deputy: str
    lead: str


@dataclass(frozen=True)
class DemoPerson:
    username: str
    name: str
    roles: tuple[Role, ...]
    agency: str | None = None


AREA_SLUG = "ambleford"
AREA_NAME = "Ambleford"

AGENCIES = (
    DemoAgency("police", "Ambleford Police", "police", Tier.CORE, "Priya Nand", "Owen Hale", "Marcus Steele"),
    DemoAgency("idva", "Harbour IDVA Service", "idva", Tier.CORE, "Leila Haddad", "Jo Farrow", "Ines Moreau"),
    DemoAgency(
        "children", "Ambleford Children's Services", "children", Tier.CORE, "Sian Pryce", "Tom Abara", "Helen Voss"
    ),
    DemoAgency("adults", "Ambleford Adult Social Care", "adults", Tier.CORE, "Grace Obi", "Paul Renn", "Anita Desh"),
    DemoAgency("housing", "Ambleford Housing", "housing", Tier.CORE, "Kwame Boat", "Ellen Marsh", "Rachel Stow"),
    DemoAgency(
        "probation", "Probation Service, Ambleford", "probation", Tier.CORE, "Dan Keel", "Farah Aziz", "Simon Lund"
    ),
    DemoAgency(
        "hospital", "Ambleford General Hospital", "health", Tier.CORE, "Moira Quill", "Ben Tarr", "Dr Yusuf Amin"
    ),
    DemoAgency(
        "mental-health",
        "Lakeside Mental Health Trust",
        "mental-health",
        Tier.CORE,
        "Nina Stroud",
        "Carl Venn",
        "Ruth Adeyo",
    ),
    DemoAgency(
        "substance",
        "Turning Tide Drug and Alcohol Service",
        "substance",
        Tier.CORE,
        "Lewis Park",
        "Asha Menon",
        "Gareth Bly",
    ),
    DemoAgency(
        "education", "Ambleford Education Welfare", "education", Tier.CORE, "Joyce Teal", "Imran Sadiq", "Clare Wren"
    ),
    DemoAgency("youth", "Ambleford Youth Offending Service", "yos", Tier.CORE, "Meg Stone", "Ravi Lall", "Peter Croft"),
    DemoAgency("fire", "Ambleford Fire and Rescue", "fire", Tier.CORE, "Hugh Barr", "Tess Orde", "Alan Pike"),
    DemoAgency(
        "community-safety",
        "Ambleford Community Safety Team",
        "community-safety",
        Tier.NON_CORE,
        "Lorna Fisk",
        "Abel Roy",
        "Judith Kerr",
    ),
    DemoAgency(
        "riverside",
        "Riverside Housing Association",
        "housing-association",
        Tier.NON_CORE,
        "Nadia Bloom",
        "Rob Tinn",
        "Sue Lark",
    ),
    DemoAgency("mill-lane", "Mill Lane Surgery", "gp", Tier.GUEST, "Anya Petrov", "Kit Doyle", "Dr Sam Iqbal"),
)

PEOPLE = (
    DemoPerson("rosa", "Rosa Reyes", (Role.REFERRING_PRACTITIONER,), "children"),
    DemoPerson("mark", "Mark Mensah", (Role.AUTHORISING_MANAGER,), "children"),
    DemoPerson("maya", "Maya Lindqvist", (Role.AUTHORISING_MANAGER,), "children"),
    DemoPerson("ida", "Ida Osei", (Role.IDVA, Role.AGENCY_REPRESENTATIVE), "idva"),
    DemoPerson("ivor", "Ivor Dane", (Role.IDVA_MANAGER,), "idva"),
    DemoPerson("cora", "Cora Coyle", (Role.MARAC_COORDINATOR,), "community-safety"),
    DemoPerson("chidi", "Inspector Chidi Okafor", (Role.MARAC_CHAIR,), "police"),
    DemoPerson("dee", "Dee Dunne", (Role.DEPUTY_CHAIR,), "community-safety"),
    DemoPerson("petra", "Sergeant Petra Vale", (Role.POLICE_REPRESENTATIVE, Role.AGENCY_REPRESENTATIVE), "police"),
    DemoPerson("rhys", "Rhys Tanner", (Role.AGENCY_REPRESENTATIVE,), "housing"),
    DemoPerson("rita", "Rita Cole", (Role.AGENCY_REPRESENTATIVE,), "children"),
    DemoPerson("rafe", "Rafe Idowu", (Role.AGENCY_REPRESENTATIVE,), "probation"),
    DemoPerson("gwen", "Dr Gwen Marlow", (Role.GUEST_REPRESENTATIVE,), "mill-lane"),
    DemoPerson("isla", "Detective Inspector Isla Thorne", (Role.CSU_DETECTIVE_INSPECTOR,), "police"),
    DemoPerson("olive", "Olive Brandt", (Role.PROCESS_OWNER,)),
    DemoPerson("otto", "Otto Lindgren", (Role.PROCESS_OWNER,)),
    DemoPerson("audrey", "Audrey Finch", (Role.AUDITOR,)),
    DemoPerson("oscar", "Oscar Byrne", (Role.OPERATOR,)),
    DemoPerson("nora", "Nora Quist", ()),
)


def agency_people(agency: DemoAgency) -> tuple[DemoPerson, ...]:
    """SPOC, deputy and strategic lead of an agency. A core agency without a representative of its own sends its SPOC."""
    has_own = any(p.agency == agency.slug and Role.AGENCY_REPRESENTATIVE in p.roles for p in PEOPLE)
    spoc_roles: tuple[Role, ...] = (Role.AGENCY_SPOC,)
    if agency.tier is not Tier.GUEST and not has_own:
        spoc_roles += (Role.AGENCY_REPRESENTATIVE,)
    return (
        DemoPerson(f"spoc.{agency.slug}", agency.spoc, spoc_roles, agency.slug),
        DemoPerson(f"deputy.{agency.slug}", agency.deputy, (Role.AGENCY_DEPUTY,), agency.slug),
        DemoPerson(f"lead.{agency.slug}", agency.lead, (Role.AGENCY_STRATEGIC_LEAD,), agency.slug),
    )


def everybody() -> tuple[DemoPerson, ...]:
    """All demo people."""
    return PEOPLE + tuple(p for agency in AGENCIES for p in agency_people(agency))
