"""Lists of people, for those who may read them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import or_, select

from app.identity.models import RoleGrant, User
from app.store.clock import wall_now
from app.store.database import db


@dataclass(frozen=True, slots=True)
class Entry:
    """Somebody in the register.

    :param roles: those held now: (role slug, agency key or None).
    :param coming: those that begin later: (role slug, agency key or None, from when).
    """

    user: User
    roles: tuple[tuple[str, int | None], ...]
    coming: tuple[tuple[str, int | None, datetime], ...] = ()


def people_in(area_key: int | None, *, inactive: bool = False, system: bool = False) -> list[Entry]:
    """The people of an area, and those whom nobody has given a place or a role yet, by name; everybody for None.

    Who works for the system as a whole, or has a role in another area, is not among them: no area decides about them.

    :param inactive: those shut out as well.
    :param system: those who work for the system as a whole as well.
    """
    now = wall_now()
    query = select(User).order_by(User.name, User.key)
    if area_key is not None:
        query = query.where(or_(User.area_key == area_key, User.area_key.is_(None)))
    if not inactive:
        query = query.where(User.active)
    users = list(db.session.execute(query).scalars())
    grants: dict[int, list[RoleGrant]] = {}
    known = select(RoleGrant).where(or_(RoleGrant.to_at.is_(None), RoleGrant.to_at > now)).order_by(RoleGrant.role)
    for grant in db.session.execute(known).scalars():
        grants.setdefault(grant.user_key, []).append(grant)
    found = []
    for user in users:
        theirs = grants.get(user.key, [])
        if area_key is None or _belongs(user, theirs, area_key, system):
            held = tuple((grant.role, grant.agency_key) for grant in theirs if grant.from_at <= now)
            later = tuple((g.role, g.agency_key, g.from_at) for g in theirs if g.from_at > now)
            found.append(Entry(user, held, later))
    return found


def _belongs(user: User, grants: list[RoleGrant], area_key: int, system: bool) -> bool:
    """The same as :func:`app.identity.register.person_from_rows` says of who has no place, and whoever has no role either."""
    if user.area_key is not None or not grants:
        return True
    placed = sorted((grant for grant in grants if grant.area_key is not None), key=lambda grant: grant.key)
    return placed[0].area_key == area_key if placed else system
