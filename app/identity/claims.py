"""From what the provider says of a person to Convenor's register."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import String, and_, bindparam, or_, select

from app.forms.addresses import LONGEST_ADDRESS
from app.identity.errors import SignInRefused
from app.identity.models import RoleGrant, User
from app.identity.register import end_role, grant_role, held_at
from app.identity.roles import Role
from app.settings import Settings
from app.store.clock import wall_now
from app.store.database import db

# Gives (agency key, area key) for what a claim calls an agency, and the area where the person is known; None when nobody knows it.
FindAgency = Callable[[str, int | None], tuple[int, int] | None]

_LONGEST_USERNAME = 120
_SHUT_OUT = "Your account has been deactivated. Ask your MARAC Co-ordinator if you think this is wrong."


def username_of(claims: dict[str, Any], settings: Settings) -> str | None:
    """The user name that the provider vouches for. An e-mail address counts only when the provider has verified it."""
    claim = settings.oidc_username_claim
    value = claims.get(claim)
    if not isinstance(value, str) or not value.strip():
        return None
    if claim == "email" and claims.get("email_verified") is not True:
        return None
    return value.strip()


def auth_time_of(claims: Mapping[str, Any]) -> datetime | None:
    """When the person proved who they are; None when the provider does not say.

    :raises ValueError: it says what is no time.
    """
    said = claims.get("auth_time")
    if not isinstance(said, (int, float)) or isinstance(said, bool):
        return None
    try:
        return datetime.fromtimestamp(said, UTC)
    except (OSError, OverflowError, ValueError) as error:
        raise ValueError("auth_time is no time") from error


# The user that claims mean: by `sub`; before the first sign-in, by the user name they were registered under. Built once: the API asks at
# every request. A user name that nobody vouches for is none, and matches nobody.
MEANT = or_(
    User.subject == bindparam("subject", type_=String()),
    and_(User.subject.is_(None), User.username == bindparam("username", type_=String())),
)


def meant(claims: dict[str, Any], settings: Settings) -> dict[str, str | None]:
    """What a statement with :data:`MEANT` is run with."""
    return {"subject": str(claims["sub"]), "username": username_of(claims, settings)}


def user_signing_in(claims: dict[str, Any], settings: Settings, find_agency: FindAgency | None = None) -> User:
    """The user who signs in, within the caller's transaction. Somebody unknown is entered without any role.

    :raises SignInRefused: the person has been deactivated, or their user name belongs to somebody else.
    """
    found = select(User).where(MEANT).order_by(User.subject.is_(None))
    user = db.session.execute(found, meant(claims, settings)).scalars().first()
    if user is None:
        user = _enter(claims, settings)
    elif not user.active:
        raise SignInRefused(_SHUT_OUT, resource_id=str(user.key))
    if user.subject is None:
        user.subject = str(claims["sub"])
    if isinstance(claims.get("name"), str) and claims["name"].strip():
        user.name = claims["name"].strip()[:200]
    email = claims.get("email")
    if isinstance(email, str) and len(email) <= LONGEST_ADDRESS and claims.get("email_verified", True):
        user.email = email
    if settings.oidc_roles_claim:
        _roles_from_claims(user, claims, settings, find_agency)
    db.session.flush()
    return user


def _enter(claims: dict[str, Any], settings: Settings) -> User:
    username = username_of(claims, settings) or str(claims["sub"])
    if db.session.execute(select(User.key).where(User.username == username)).first():
        raise SignInRefused("Your user name already belongs to another account. Tell your administrator.")
    if len(username) > _LONGEST_USERNAME:
        raise SignInRefused(f"Your user name is longer than {_LONGEST_USERNAME} characters. Tell your administrator.")
    user = User(
        username=username,
        name=username[:200],
        subject=str(claims["sub"]),
        active=True,
        created_at=wall_now(),
    )
    db.session.add(user)
    db.session.flush()
    return user


def _roles_from_claims(user: User, claims: dict[str, Any], settings: Settings, find_agency: FindAgency | None) -> None:
    """Make the roles held exactly those that the claim names, in the area and at the agency that they name: who has been moved takes
    nothing along. What is no role of ours is left out, and so is a role of an agency where they name none that is known."""
    agency = claims.get(settings.oidc_agency_claim)
    at = find_agency(agency, user.area_key) if find_agency is not None and isinstance(agency, str) else None
    if at is not None:
        user.agency_key, user.area_key = at
    named = claims.get(settings.oidc_roles_claim)
    slugs = set(_slugs([named] if isinstance(named, str) else named if isinstance(named, list) else []))
    wanted = {
        (role.value, user.agency_key if role.of_agency else None)
        for role in Role
        if role.value in slugs and (at is not None or not role.of_agency)
    }
    grants = select(RoleGrant.role, RoleGrant.agency_key, RoleGrant.area_key)
    for row in db.session.execute(grants.where(RoleGrant.user_key == user.key, held_at(wall_now()))).all():
        if (row.role, row.agency_key) not in wanted or row.area_key not in (user.area_key, None):
            end_role(user.key, row.role, agency_key=row.agency_key)
    for role, agency_key in wanted:
        grant_role(user.key, role, agency_key=agency_key, area_key=user.area_key)


def _slugs(values: Iterable[Any]) -> Iterable[str]:
    return (value.strip().lstrip("/") for value in values if isinstance(value, str))
