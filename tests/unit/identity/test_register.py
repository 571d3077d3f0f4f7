"""The register of people and roles."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select

from app.errors import NotFound
from app.identity import register
from app.identity.errors import UsernameTaken
from app.identity.models import RoleGrant, User
from app.identity.roles import Role
from app.store.database import db

pytestmark = pytest.mark.usefixtures("app")


def enter(username: str, *roles: tuple[str, int | None], agency: int | None = 7, area: int | None = 1) -> int:
    user = register.register_person(
        username, username.title(), email=f"{username}@example.org", agency_key=agency, area_key=area, roles=roles
    )
    return user.key


def test_a_person_holds_the_roles_given_at_the_agency_given() -> None:
    key = enter("ada", (Role.IDVA, 7), (Role.MARAC_CHAIR, None))
    person = register.person_for(key)
    assert person.roles == {("idva", 7), ("marac-chair", None)}
    assert person.has_role(Role.IDVA)
    assert person.has_role(Role.IDVA, 7)
    assert not person.has_role(Role.IDVA, 8)
    assert person.roles_at(7) == {"idva"}
    assert person.roles_at(None) == {"marac-chair"}
    assert (person.area_key, person.agency_key, person.agencies) == (1, 7, {7})


def test_a_user_name_belongs_to_one_person() -> None:
    enter("ada")
    with pytest.raises(UsernameTaken):
        enter("ada")


def test_giving_a_role_twice_changes_nothing_and_ending_it_keeps_the_record() -> None:
    key = enter("ada")
    first = register.grant_role(key, Role.IDVA, agency_key=7, area_key=1, granted_by=5)
    assert register.grant_role(key, Role.IDVA, agency_key=7, area_key=1) is first
    register.end_role(key, Role.IDVA, agency_key=7)
    db.session.flush()
    assert register.person_for(key).roles == frozenset()
    assert db.session.execute(select(func.count()).select_from(RoleGrant)).scalar() == 1
    assert register.grant_role(key, Role.IDVA, agency_key=7, area_key=1) is not first


def test_a_role_given_until_an_instant_ends_there() -> None:
    key = enter("ada")
    grant = register.grant_role(key, Role.IDVA, agency_key=7, until=datetime.now(UTC) + timedelta(hours=1))
    assert register.person_for(key).has_role(Role.IDVA)
    grant.to_at = datetime.now(UTC) - timedelta(seconds=1)
    db.session.flush()
    assert not register.person_for(key).roles


def test_somebody_deactivated_holds_nothing_until_they_are_let_in_again() -> None:
    key = enter("ada", (Role.IDVA, 7))
    register.deactivate(key)
    assert register.person_for(key).roles == frozenset()
    assert register.holders(Role.IDVA) == []
    assert register.emails_of([key]) == {}
    assert register.users_at(7) == []
    assert register.names_of([key]) == {key: "Ada"}, "history still names them"
    first = db.session.get(User, key).deactivated_at  # type: ignore[union-attr]
    register.deactivate(key)
    assert db.session.get(User, key).deactivated_at == first  # type: ignore[union-attr]
    register.reactivate(key)
    assert register.person_for(key).has_role(Role.IDVA)


def test_holders_are_found_by_role_agency_and_area() -> None:
    ada = enter("ada", (Role.AGENCY_SPOC, 7), (Role.IDVA, 7))
    ben = enter("ben", (Role.AGENCY_SPOC, 8), agency=8)
    far = enter("far", (Role.AGENCY_SPOC, 9), agency=9, area=2)
    found = register.holders(Role.AGENCY_SPOC, area_key=1)
    assert [person.key for person in found] == [ada, ben]
    assert found[0].has_role(Role.IDVA), "each comes with every role held"
    assert [person.key for person in register.holders(Role.AGENCY_SPOC, agency_key=8)] == [ben]
    assert [person.key for person in register.holders(Role.AGENCY_SPOC)] == [ada, ben, far]
    assert register.holders(Role.MARAC_CHAIR) == []


def test_people_at_an_agency_are_those_at_home_there_and_those_with_a_role_there() -> None:
    home = enter("home")
    guest = enter("visitor", (Role.IDVA, 7), agency=8)
    enter("elsewhere", agency=8)
    assert set(register.users_at(7)) == {home, guest}


def test_names_and_addresses_come_in_one_go() -> None:
    ada, ben = enter("ada"), enter("ben")
    assert register.names_of({ada, ben, 5}) == {ada: "Ada", ben: "Ben"}
    assert register.emails_of([ada]) == {ada: "ada@example.org"}
    assert register.names_of([]) == register.emails_of([]) == {}


def test_nobody_is_found_under_an_unknown_key() -> None:
    for verb in (register.person_for, register.deactivate, register.reactivate):
        with pytest.raises(NotFound):
            verb(12345)


def test_somebody_is_found_by_user_name_active_or_not(app: Flask) -> None:
    key = enter("ada")
    register.deactivate(key)
    found = register.find_user("ada")
    assert found is not None
    assert found.key == key
    assert register.find_user("nobody") is None


def test_several_people_are_found_at_once_with_the_roles_held_now() -> None:
    ada, ben = enter("ada", (Role.IDVA, 7), (Role.AUDITOR, None)), enter("ben")
    cleo = enter("cleo", (Role.AUDITOR, None))
    register.deactivate(cleo)
    found = register.people_for({ada, ben, cleo, 1})
    assert {key: one.name for key, one in found.items()} == {ada: "Ada", ben: "Ben", cleo: "Cleo"}
    assert found == {key: register.person_for(key) for key in (ada, ben, cleo)}
    assert found[ada].roles == {("idva", 7), ("auditor", None)}
    assert not found[ben].roles | found[cleo].roles
    assert register.people_for(()) == {}
