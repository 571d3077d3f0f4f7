"""The releases beside one: what other instances of its area run on, or would start on. Messages and signals go between them."""

from __future__ import annotations

from sqlalchemy import func, select, tuple_

from app.runtime import releases
from app.runtime.models import Instance, InstanceStatus, ProcessDefinition
from app.runtime.parsed import ParsedRelease
from app.store.database import db


def beside(release: ParsedRelease, area_key: int) -> list[ParsedRelease]:
    """The other releases of an area that a message of this one may reach, or be sent from, oldest first."""
    running = select(Instance.release_key).where(
        Instance.area_key == area_key, Instance.status == InstanceStatus.ACTIVE
    )
    newest = (
        select(ProcessDefinition.process_id, func.max(ProcessDefinition.version))
        .where(ProcessDefinition.area_key == area_key)
        .group_by(ProcessDefinition.process_id)
    )
    begun = select(ProcessDefinition.release_key).where(
        ProcessDefinition.area_key == area_key,
        tuple_(ProcessDefinition.process_id, ProcessDefinition.version).in_(newest),
    )
    found = set(db.session.execute(running.union(begun)).scalars()) - {release.key}
    return [releases.parsed(key) for key in sorted(found)]
