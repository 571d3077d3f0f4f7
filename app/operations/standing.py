"""Who attends every meeting (01-marac §2; DMN-M6 row 2)."""

from __future__ import annotations

from app.agencies import service as agencies
from app.agencies.models import Tier
from app.identity import register
from app.identity.roles import Role
from app.meetings import attendance, planning
from app.meetings.attendance import Who


def invite_standing(meeting_key: int) -> None:
    """Chair, co-ordinator, and each core agency's representatives and IDVA: they attend every meeting.

    Whoever is on the list already stays as they are: called again, it adds those who have come since.
    """
    meeting = planning.find(meeting_key)
    names = agencies.names(meeting.area_key)
    core = {a.key for a in agencies.agencies(meeting.area_key, (Tier.CORE,))}
    standing = (
        Role.MARAC_CHAIR,
        Role.MARAC_COORDINATOR,
        Role.AGENCY_REPRESENTATIVE,
        Role.POLICE_REPRESENTATIVE,
        Role.IDVA,
    )
    known = register.holders_of([(str(role), None, meeting.area_key) for role in standing])
    for role in standing:
        for person in known[(str(role), None, meeting.area_key)]:
            agency = person.acting_for({role})
            if role.of_agency and agency not in core:
                continue
            attendance.add(
                meeting_key,
                Who(person.name, role.title, names.get(agency or 0, "")),
                user_key=person.key,
                agency_key=agency,
            )
