"""What may be asked for: which cases of a process, to which release, with which mapping; checked before anything is begun."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import select

from app.access import decide
from app.access.facts import AreaFacts
from app.access.permissions import Permission
from app.audit.reasons import LONGEST_REASON, TOO_LONG
from app.identity.person import Person
from app.identity.register import person_for
from app.runtime import releases
from app.runtime.dialect.parser import Release
from app.runtime.models import Instance, InstanceStatus, ProcessDefinition
from app.runtime.moving import ElementMap
from app.store.database import db
from app.workshop.errors import MoveRefused

AT_MOST = 10_000


@dataclass(frozen=True)
class Asked:
    """A move as a person asks for it.

    :param source: the version that the cases run on; None: whichever they run on.
    :param target: the version to move to.
    :param mapping: element ids, old to new; ``process/element`` for a called process.
    :param instances: only these; None: every running instance of the process.
    :param recompute: names of deadlines, or ids of timers or tasks, to compute again by the new rules.
    :param reason: why they are computed again; it is kept sealed with each case.
    """

    target: ProcessDefinition
    source: ProcessDefinition | None = None
    mapping: Mapping[str, str] = field(default_factory=dict)
    instances: Sequence[int] | None = None
    recompute: Sequence[str] = ()
    reason: str = ""

    @property
    def elements(self) -> ElementMap:
        return ElementMap(self.target.process_id, self.mapping)


def require_mover(person: Person, area_key: int | None) -> None:
    """:raises NotAllowed: moving cases is for the area's process owners."""
    decide.require(person, Permission.INSTANCE_MOVE, AreaFacts(area_key))


def why_not_mover(user_key: int | None, area_key: int | None) -> str | None:
    """Why a move does not go on in the name of whoever asked for it, or None."""
    person = None if user_key is None else person_for(user_key)
    if person is not None and decide.allowed(person, Permission.INSTANCE_MOVE, AreaFacts(area_key)):
        return None
    return "Whoever asked for it is no process owner of the area any more. Another process owner can take it over."


def by_versions(
    area_key: int,
    process_id: str,
    source: int | None,
    target: int | None,
    *,
    mapping: Mapping[str, str] | None = None,
    instances: Sequence[int] | None = None,
    recompute: Sequence[str] = (),
    reason: str = "",
) -> Asked:
    """The same by version numbers; the newest version when no target is named.

    :raises InstanceNotFound: no such process or version in the area.
    """
    return Asked(
        target=releases.find_definition(area_key, process_id, target),
        source=None if source is None else releases.find_definition(area_key, process_id, source),
        mapping=mapping or {},
        instances=instances,
        recompute=tuple(recompute),
        reason=reason.strip(),
    )


def check(asked: Asked) -> None:
    """:raises MoveRefused, MappingRefused: it makes no sense as a whole."""
    target, source = asked.target, asked.source
    if source is not None and source.key == target.key:
        raise MoveRefused("The cases run on this version already. Name another.", resource_id=target.process_id)
    if asked.recompute and not asked.reason:
        raise MoveRefused("Say why the deadlines are to be computed again: give a reason.", resource_id="reason")
    if len(asked.reason) > LONGEST_REASON:
        raise MoveRefused(TOO_LONG, resource_id="reason")
    elements = asked.elements
    if source is None:
        elements.check_target(_diagrams(target))
    else:
        elements.check(_diagrams(source), _diagrams(target))


def _diagrams(definition: ProcessDefinition) -> Release:
    return releases.parsed(definition.release_key).diagrams


def instances_of(asked: Asked) -> list[int]:
    """The running instances that are meant, oldest first.

    :raises MoveRefused: none, more than can be moved at once, or some that are not of the process in its area.
    """
    query = select(Instance.key).where(
        Instance.area_key == asked.target.area_key,
        Instance.process_id == asked.target.process_id,
        Instance.status == InstanceStatus.ACTIVE,
        Instance.definition_key != asked.target.key,
    )
    if asked.source is not None:
        query = query.where(Instance.definition_key == asked.source.key)
    if asked.instances is not None:
        wanted = list(dict.fromkeys(asked.instances))[: AT_MOST + 1]
        query = query.where(Instance.key.in_(wanted))
    keys = list(db.session.execute(query.order_by(Instance.key).limit(AT_MOST + 1)).scalars())
    if asked.instances is not None and (missing := [key for key in wanted if key not in set(keys)]):
        raise MoveRefused(
            f"The instance {missing[0]} is not a running instance of this process on the version to move from.",
            resource_id=str(missing[0]),
        )
    if not keys:
        raise MoveRefused(
            "No running case is on that version, so there is nothing to move.", resource_id=asked.target.process_id
        )
    if len(keys) > AT_MOST:
        raise MoveRefused(f"More than {AT_MOST:,} cases at once: name the instances, and move them in parts.")
    return keys
