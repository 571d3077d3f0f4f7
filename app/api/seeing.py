"""Which instances' insides a person may look into: where their tokens are, and their variables."""

from __future__ import annotations

from app import audit
from app.access import decide
from app.access.facts import AreaFacts
from app.access.permissions import Permission
from app.agencies import service as agencies
from app.api.blueprints import caller
from app.api.process_instances import find
from app.cases.dossiers import find_case
from app.cases.facts import facts_of
from app.errors import NotAllowed, NotFound
from app.runtime.models import Instance, ProcessDefinition

_UNKNOWN = "There is no such instance."


def path_of(key: str) -> tuple[Instance, ProcessDefinition]:
    """An instance of which the person may see how far it is: every element, not its outline.

    :raises NotFound: none, or the person may not know of it.
    :raises NotAllowed: the person may know of it, and not of its path.
    """
    return _inside(key, Permission.INSTANCE_READ, "path")


def variables_of(key: str) -> tuple[Instance, ProcessDefinition]:
    """An instance whose variables the person may see. Those of a case are the case's: the look is recorded.

    :raises NotFound, NotAllowed: see :func:`path_of`.
    """
    return _inside(key, Permission.ENGINE_VARIABLE_READ, "variables")


def _inside(key: str, permission: Permission, what: str) -> tuple[Instance, ProcessDefinition]:
    row, definition = find(key)
    person = caller()
    if row.case_key is not None:
        # Where a case has got to tells what was decided in it: the same people as its variables.
        decide.require(person, Permission.CASE_VARIABLES_READ, facts_of(find_case(row.case_key)), resource_id=key)
        audit.view(person, f"instance-{what}", subject=f"instance:{row.key}", case_key=row.case_key)
        return row, definition
    facts = AreaFacts(row.area_key, demo=agencies.area(row.area_key).demo, starter=row.started_by)
    if row.meeting_key is not None:
        # The co-ordinator and those who chair look after meetings; who may come to one does not see into it.
        if not decide.allowed(person, Permission.INSTANCE_READ, AreaFacts(row.area_key)):
            raise NotAllowed("You may not see what is inside this procedure.", resource_id=key)
        audit.view(person, f"instance-{what}", subject=f"instance:{row.key}", meeting_key=row.meeting_key)
        return row, definition
    if not decide.allowed(person, permission, facts):
        raise NotFound(_UNKNOWN, resource_id=key)
    return row, definition
