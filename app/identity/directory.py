"""Lists of people, for those who may read them."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import or_, select

from app.identity.models import RoleGrant, User
from app.identity.register import held_at
from app.store.clock import wall_now
from app.store.database import db


@dataclass(frozen=True, slots=True)
class Entry:
    """Somebody in the register, with the roles held now: (role slug, agency key or None)."""

    user: User
    roles: tuple[tuple[str, int | None], ...]


def people_in(area_key: int | None, *, inactive: bool = False) -> list[Entry]:
    """The people of an area and of the system as a whole, by name; of every area for None.

    :param inactive: those shut out as well.
    """
    query = select(User).order_by(User.name, User.key)
    if area_key is not None:
        query = query.where(or_(User.area_key == area_key, User.area_key.is_(None)))
    if not inactive:
        query = query.where(User.active)
    users = list(db.session.execute(query).scalars())
    held: dict[int, list[tuple[str, int | None]]] = {}
    grants = select(RoleGrant.user_key, RoleGrant.role, RoleGrant.agency_key).where(held_at(wall_now()))
    for user_key, role, agency_key in db.session.execute(grants.order_by(RoleGrant.role)):
        held.setdefault(user_key, []).append((role, agency_key))
    return [Entry(user, tuple(held.get(user.key, ()))) for user in users]


def find(user_key: int) -> Entry | None:
    """One person, shut out or not; None for nobody."""
    return next((entry for entry in people_in(None, inactive=True) if entry.user.key == user_key), None)
