"""Convenor's own register of people and roles. Every function works within the caller's transaction."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, bindparam, delete, or_, select

from app.errors import NotFound
from app.identity.errors import UsernameTaken
from app.identity.models import RoleGrant, User, WebSession
from app.identity.person import Person, RoleHeld
from app.store.clock import wall_now
from app.store.database import UtcDateTime, db
from app.store.remembering import tell, told

Asked = tuple[str, int | None, int | None]  # a role, at an agency, in an area


def register_person(
    username: str,
    name: str,
    *,
    email: str | None = None,
    agency_key: int | None = None,
    area_key: int | None = None,
    subject: str | None = None,
    roles: Iterable[RoleHeld] = (),
) -> User:
    """Enter a person and the roles they hold from now on.

    :param subject: the identity provider's ``sub``; None binds it at the first sign-in under this user name.
    :raises UsernameTaken: somebody has this user name.
    """
    if db.session.execute(select(User.key).where(User.username == username)).first():
        raise UsernameTaken("Somebody already has this user name.", resource_id=username)
    user = User(
        username=username,
        name=name,
        email=email,
        agency_key=agency_key,
        area_key=area_key,
        subject=subject,
        active=True,
        created_at=wall_now(),
    )
    db.session.add(user)
    db.session.flush()
    for role, at in roles:
        grant_role(user.key, role, agency_key=at, area_key=area_key)
    return user


def grant_role(
    user_key: int,
    role: str,
    *,
    agency_key: int | None = None,
    area_key: int | None = None,
    granted_by: int | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> RoleGrant:
    """Give a person a role: from now on, or from a time to come. Giving it twice changes nothing; giving it for longer prolongs it.

    Who belongs to no area or agency yet belongs from now on to those of the role; who has left their agency, to the new one.
    """
    now = wall_now()
    since = max(since or now, now)
    same = select(RoleGrant).where(
        RoleGrant.user_key == user_key,
        RoleGrant.role == str(role),
        RoleGrant.agency_key.is_(None) if agency_key is None else RoleGrant.agency_key == agency_key,
        held_at(since),
    )
    grant = db.session.execute(same).scalars().first()
    if grant is None:
        _place(user_key, agency_key, area_key, now)
        grant = RoleGrant(
            user_key=user_key,
            role=str(role),
            agency_key=agency_key,
            area_key=area_key,
            from_at=since,
            to_at=until,
            granted_by=granted_by,
        )
        db.session.add(grant)
        db.session.flush()
    elif grant.to_at is not None and (until is None or until > grant.to_at):
        grant.to_at = until
    return grant


def _place(user_key: int, agency_key: int | None, area_key: int | None, now: datetime) -> None:
    """Where somebody belongs who is given a role. Whoever has a place keeps it, unless every role they had at their agency has ended."""
    user = db.session.get(User, user_key)
    if user is None:
        return
    if user.area_key is None:
        user.area_key = area_key
    if agency_key is None or user.agency_key == agency_key:
        return
    at_home = select(RoleGrant.to_at).where(RoleGrant.user_key == user_key, RoleGrant.agency_key == user.agency_key)
    ends = db.session.execute(at_home).scalars().all() if user.agency_key is not None else []
    if user.agency_key is None or (ends and all(end is not None and end <= now for end in ends)):
        user.agency_key = agency_key


def end_role(user_key: int, role: str, *, agency_key: int | None = None) -> None:
    """End a role now; one that was to begin later never does. The record that it was held stays."""
    now = wall_now()
    given = select(RoleGrant).where(
        RoleGrant.user_key == user_key,
        RoleGrant.role == str(role),
        RoleGrant.agency_key.is_(None) if agency_key is None else RoleGrant.agency_key == agency_key,
        or_(RoleGrant.to_at.is_(None), RoleGrant.to_at > now),
    )
    for grant in db.session.execute(given).scalars():
        grant.to_at = now


def deactivate(user_key: int) -> None:
    """Shut a person out: their sessions end at once, their tokens are refused from now on. Their roles stay on record.

    :raises NotFound: nobody has this key.
    """
    user = _user(user_key)
    if user.active:
        user.active = False
        user.deactivated_at = wall_now()
    db.session.execute(delete(WebSession).where(WebSession.user_key == user_key))


def reactivate(user_key: int) -> None:
    """Let a person in again.

    :raises NotFound: nobody has this key.
    """
    user = _user(user_key)
    user.active, user.deactivated_at = True, None


def load_person(where: ColumnElement[bool]) -> Person | None:
    """The active person that a condition on :class:`User` finds, with the roles held now, in one statement."""
    rows = db.session.execute(person_query().where(where)).all()
    return person_from_rows(rows) if rows and rows[0].active else None


def person_query() -> Any:
    """User and current grants, one row for each grant. Add conditions, and read with :func:`person_from_rows`."""
    return _PEOPLE


def person_from_rows(
    rows: Iterable[Any],
    *,
    auth_time: datetime | None = None,
    session_key: int | None = None,
    client: str | None = None,
    changing: bool = True,
) -> Person:
    """The person whose rows these are. At least one row.

    A person works in one area: a role that was given in another one counts for nothing. Somebody whom the register does not place belongs
    to the area and the agency of the first role that they still have.

    :param changing: what :data:`CHANGING` says of them; whoever has not asked does not know.
    """
    rows = list(rows)
    first = rows[0]
    granted = sorted((row for row in rows if row.role is not None), key=lambda row: row.role_key)
    area = first.area_key
    if area is None:
        area = next((row.role_area for row in granted if row.role_area is not None), None)
    held = [row for row in granted if row.role_area in (area, None)]
    agency = first.agency_key
    if agency is None:
        agency = next((row.role_agency for row in held if row.role_agency is not None), None)
    return Person(
        key=first.key,
        username=first.username,
        name=first.name,
        agency_key=agency,
        area_key=area,
        roles=frozenset((row.role, row.role_agency) for row in held),
        auth_time=auth_time,
        session_key=session_key,
        client=client,
        constant=not changing and len(held) == len(granted),
    )


def person_for(user_key: int) -> Person:
    """A person by key, with the roles held now. Somebody deactivated holds none.

    :raises NotFound: nobody has this key.
    """
    found = people_for((user_key,)).get(user_key)
    if found is None:
        raise NotFound("There is no such person.", resource_id=str(user_key))
    return found


def people_for(user_keys: Collection[int]) -> dict[int, Person]:
    """The same for several people, by key, in one statement; a key that nobody has is left out."""
    by_key: dict[int, list[Row[Any]]] = {}
    if user_keys:
        for row in db.session.execute(_people(), {"keys": list(user_keys)}):
            by_key.setdefault(row.key, []).append(row)
    return {key: _with_roles(rows) for key, rows in by_key.items()}


def _with_roles(rows: list[Row[Any]]) -> Person:
    """The person whose rows these are; somebody deactivated without roles."""
    found = person_from_rows(rows)
    return found if rows[0].active else Person(found.key, found.username, found.name, found.agency_key, found.area_key)


@cache
def _people() -> Any:
    return person_query().where(User.key.in_(bindparam("keys", expanding=True)))


def holders(role: str, *, agency_key: int | None = None, area_key: int | None = None) -> list[Person]:
    """Who holds a role now, at an agency or in an area when given, in the order of names. Only active people."""
    asked = (str(role), agency_key, area_key)
    return holders_of([asked])[asked]


def holders_of(wanted: Collection[Asked]) -> dict[Asked, list[Person]]:
    """Who holds each of several roles now, each as :func:`holders` says, in one statement.

    :param wanted: role, agency and area of each.
    """
    if not wanted:
        return {}
    agencies = {agency for _, agency, _ in wanted}
    asked: dict[str, Any] = {"roles": sorted({role for role, _, _ in wanted})}
    if None not in agencies:
        asked["agencies"] = sorted(agency for agency in agencies if agency is not None)
    by_key: dict[int, list[Row[Any]]] = {}
    for row in db.session.execute(_holders_of(None not in agencies), asked):
        by_key.setdefault(row.key, []).append(row)
    people = [person_from_rows(rows) for rows in by_key.values()]
    return {each: [person for person in people if _holds(person, *each)] for each in wanted}


def _holds(person: Person, role: str, agency_key: int | None, area_key: int | None) -> bool:
    return person.has_role(role, agency_key) and area_key in (None, person.area_key)


@cache
def _holders_of(at_agencies: bool) -> Any:
    """Built once for each way of asking."""
    keys = select(RoleGrant.user_key).where(RoleGrant.role.in_(bindparam("roles", expanding=True)), HELD_NOW)
    if at_agencies:
        keys = keys.where(RoleGrant.agency_key.in_(bindparam("agencies", expanding=True)))
    return person_query().where(User.key.in_(keys), User.active.is_(True)).order_by(User.name, User.key)


def users_at(agency_key: int) -> list[int]:
    """The keys of the active people whose home agency this is, or who hold a role at it, in the order of names."""
    holding = select(RoleGrant.user_key).where(RoleGrant.agency_key == agency_key, held_at(wall_now()))
    query = select(User.key).where(User.active.is_(True), or_(User.agency_key == agency_key, User.key.in_(holding)))
    return list(db.session.execute(query.order_by(User.name, User.key)).scalars())


def people_of(agency_keys: Collection[int]) -> dict[int, list[User]]:
    """The active people whose home agency it is, or who hold a role at it, by agency and then by name; in one statement."""
    found: dict[int, list[User]] = {
        key: known for key in agency_keys if (known := told(("people-of", key))) is not None
    }
    missing = [key for key in agency_keys if key not in found]
    if missing:
        acting = and_(RoleGrant.user_key == User.key, RoleGrant.agency_key.in_(missing), HELD_NOW)
        query = select(User, RoleGrant.agency_key).outerjoin(RoleGrant, acting).where(User.active.is_(True))
        rows = db.session.execute(query.where(or_(User.agency_key.in_(missing), RoleGrant.key.is_not(None)))).all()
        for key in missing:
            read_already(key, {user.key: user for user, at in rows if key in (user.agency_key, at)}.values())
            found[key] = told(("people-of", key))
    return found


def is_of(agency_key: ColumnElement[int]) -> ColumnElement[bool]:
    """That somebody is one of :func:`people_of` an agency."""
    acting = select(RoleGrant.user_key).where(RoleGrant.agency_key == agency_key, HELD_NOW)
    return and_(User.active.is_(True), or_(User.agency_key == agency_key, User.key.in_(acting)))


def read_already(agency_key: int, users: Iterable[User]) -> None:
    """The people of an agency, read by another statement of this transaction."""
    tell(("people-of", agency_key), (User, RoleGrant), sorted(users, key=lambda user: (user.name, user.key)))


def names_of(user_keys: Iterable[int]) -> dict[int, str]:
    """Names by key, in one statement; somebody deactivated included."""
    wanted = set(user_keys)
    if not wanted:
        return {}
    return {key: name for key, name in db.session.execute(select(User.key, User.name).where(User.key.in_(wanted)))}


def emails_of(user_keys: Iterable[int]) -> dict[int, str]:
    """E-mail addresses by key of the active people among these who have one."""
    wanted = set(user_keys)
    if not wanted:
        return {}
    query = select(User.key, User.email).where(User.key.in_(wanted), User.active.is_(True), User.email.is_not(None))
    return {key: email for key, email in db.session.execute(query) if email}


def find_user(username: str) -> User | None:
    """The user of a user name, active or not."""
    return db.session.execute(select(User).where(User.username == username)).scalar_one_or_none()


def _user(user_key: int) -> User:
    user = db.session.get(User, user_key)
    if user is None:
        raise NotFound("There is no such person.", resource_id=str(user_key))
    return user


def held_at(now: datetime) -> ColumnElement[bool]:
    """A grant is in force at an instant."""
    return and_(RoleGrant.from_at <= now, or_(RoleGrant.to_at.is_(None), RoleGrant.to_at > now))


# Built once: it is asked at every request. The instant is put in when it runs.
_NOW: Any = bindparam("held_at", callable_=wall_now, type_=UtcDateTime())
HELD_NOW = held_at(_NOW)
# Whether somebody's roles were ever others than those of now, or will be by what is known.
CHANGING = (
    select(RoleGrant.key)
    .where(RoleGrant.user_key == User.key, or_(RoleGrant.to_at.is_not(None), RoleGrant.from_at > _NOW))
    .correlate(User)
    .exists()
)
_PEOPLE = select(
    User.key,
    User.username,
    User.name,
    User.agency_key,
    User.area_key,
    User.active,
    RoleGrant.key.label("role_key"),
    RoleGrant.role,
    RoleGrant.agency_key.label("role_agency"),
    RoleGrant.area_key.label("role_area"),
).outerjoin(RoleGrant, and_(RoleGrant.user_key == User.key, HELD_NOW))
