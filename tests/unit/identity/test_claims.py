"""From the provider's claims to the register."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import select

from app.identity.claims import auth_time_of, user_signing_in, username_of
from app.identity.errors import SignInRefused
from app.identity.models import RoleGrant, User
from app.identity.register import deactivate, holders, person_for, register_person
from app.identity.roles import Role
from app.settings import Settings
from app.store.database import db

pytestmark = pytest.mark.usefixtures("app")


def claims(**more: Any) -> dict[str, Any]:
    return {"sub": "s-1", "preferred_username": "ada"} | more


def test_a_registered_person_is_bound_by_user_name_once(settings: Settings) -> None:
    key = register_person("ada", "Ada", area_key=1).key
    assert user_signing_in(claims(), settings).key == key
    assert user_signing_in(claims(preferred_username="renamed"), settings).key == key, "afterwards the subject counts"
    with pytest.raises(SignInRefused):
        user_signing_in(claims(sub="s-2"), settings)


def test_the_subject_wins_over_a_user_name_somebody_else_was_registered_under(settings: Settings) -> None:
    mine = register_person("old-name", "Ada", area_key=1, subject="s-1").key
    register_person("ada", "Another Ada", area_key=1)
    assert user_signing_in(claims(), settings).key == mine


def test_somebody_unknown_is_entered_without_a_role(settings: Settings) -> None:
    user = user_signing_in(claims(name="Ada Marsh", email="ada@example.org"), settings)
    assert (user.username, user.name, user.email, user.agency_key) == ("ada", "Ada Marsh", "ada@example.org", None)
    assert person_for(user.key).roles == frozenset()


def test_an_address_that_the_provider_has_not_verified_is_not_taken(settings: Settings) -> None:
    assert user_signing_in(claims(email="x@example.org", email_verified=False), settings).email is None
    by_email = replace(settings, oidc_username_claim="email")
    assert username_of({"sub": "1", "email": "a@b.example"}, by_email) is None
    assert username_of({"sub": "1", "email": "a@b.example", "email_verified": True}, by_email) == "a@b.example"


def test_nothing_of_whom_the_provider_names_is_cut(settings: Settings) -> None:
    assert user_signing_in(claims(email=f"{'x' * 250}@example.org"), settings).email is None
    with pytest.raises(SignInRefused, match="longer than 120 characters"):
        user_signing_in(claims(sub="s-2", preferred_username="y" * 121), settings)


def test_somebody_deactivated_is_refused_and_not_entered_again(settings: Settings) -> None:
    key = register_person("ada", "Ada", area_key=1, subject="s-1").key
    deactivate(key)
    with pytest.raises(SignInRefused):
        user_signing_in(claims(), settings)
    assert len(db.session.execute(select(User)).all()) == 1


def test_roles_from_claims_replace_what_was_held_and_leave_out_what_is_none_of_ours(settings: Settings) -> None:
    from_claims = replace(settings, oidc_roles_claim="groups")
    key = register_person("ada", "Ada", agency_key=5, area_key=1, roles=[(Role.AUDITOR, None)]).key

    def find(name: str, _area: int | None) -> tuple[int, int] | None:
        return (7, 1) if name == "refuge" else None

    told = claims(groups=["/idva", "marac-chair", "admins", 5], agency="refuge")
    user_signing_in(told, from_claims, find)
    assert person_for(key).roles == {("idva", 7), ("marac-chair", None)}
    user_signing_in(claims(groups="idva", agency="nobody-knows"), from_claims, find)
    assert person_for(key).roles == frozenset(), (
        "nobody keeps the papers of an agency that the provider does not name any more"
    )
    user_signing_in(claims(groups="idva", agency="refuge"), from_claims, find)
    assert person_for(key).roles == {("idva", 7)}
    user_signing_in(claims(), from_claims, find)
    assert person_for(key).roles == frozenset()
    assert len(db.session.execute(select(RoleGrant)).all()) == 4, "what was held stays on record"


def test_who_is_moved_to_another_area_takes_no_role_along(settings: Settings) -> None:
    from_claims = replace(settings, oidc_roles_claim="groups")
    at = {"north": (7, 1), "south": (8, 2)}
    told = {"groups": ["marac-coordinator", "idva"]}
    key = user_signing_in(claims(**told, agency="north"), from_claims, lambda name, _area: at.get(name)).key
    user_signing_in(claims(**told, agency="south"), from_claims, lambda name, _area: at.get(name))
    moved = person_for(key)
    assert (moved.area_key, moved.roles) == (2, {("marac-coordinator", None), ("idva", 8)})
    assert [one.key for one in holders("marac-coordinator", area_key=2)] == [key], "and its tasks find them there"
    assert holders("marac-coordinator", area_key=1) == []


def test_an_agency_role_without_an_agency_is_not_given(settings: Settings) -> None:
    from_claims = replace(settings, oidc_roles_claim="groups")
    user = user_signing_in(claims(groups=["idva", "auditor"]), from_claims, lambda _name, _area: None)
    assert person_for(user.key).roles == {("auditor", None)}


def test_own_register_ignores_roles_in_claims(settings: Settings) -> None:
    user = user_signing_in(claims(groups=["operator"], roles=["operator"]), settings)
    assert person_for(user.key).roles == frozenset()


def test_when_somebody_proved_who_they_are_is_told_only_by_a_time() -> None:
    assert auth_time_of(claims(auth_time=1.5)) == datetime(1970, 1, 1, 0, 0, 1, 500_000, UTC)
    for unsaid in ({}, {"auth_time": None}, {"auth_time": True}, {"auth_time": "1"}):
        assert auth_time_of(claims(**unsaid)) is None
    for no_time in (10**18, 10**400, float("inf"), float("nan")):
        with pytest.raises(ValueError, match="auth_time"):
            auth_time_of(claims(auth_time=no_time))
