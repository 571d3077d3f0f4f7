"""The register of people and roles."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select

from app.errors import NotFound
from app.identity import directory, register
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


def test_a_role_of_another_area_counts_for_nothing() -> None:
    key = enter("ada", area=1)
    register.grant_role(key, Role.MARAC_COORDINATOR, area_key=2)
    assert register.person_for(key).roles == frozenset()
    assert register.holders(Role.MARAC_COORDINATOR) == []


def test_who_is_given_a_first_role_belongs_where_it_was_given() -> None:
    key = enter("ada", agency=None, area=None)
    register.grant_role(key, Role.IDVA, agency_key=7, area_key=1)
    register.grant_role(key, Role.IDVA, agency_key=8, area_key=1)
    register.grant_role(key, Role.MARAC_COORDINATOR, area_key=2)
    person = register.person_for(key)
    assert (person.area_key, person.agency_key) == (1, 7)
    assert person.roles == {("idva", 7), ("idva", 8)}
    assert [user.key for user in register.people_of((7,))[7]] == [key]


def test_who_was_never_placed_belongs_to_the_first_role_that_they_still_have() -> None:
    key = enter("ada", agency=None, area=None)
    register.grant_role(key, Role.IDVA, agency_key=7, area_key=1)
    register.grant_role(key, Role.MARAC_COORDINATOR, area_key=2)
    user = db.session.get(User, key)
    assert user is not None
    user.area_key = user.agency_key = None  # as before a first role gave a place
    db.session.flush()
    person = register.person_for(key)
    assert (person.area_key, person.agency_key, person.roles) == (1, 7, {("idva", 7)})


def test_who_has_left_an_agency_belongs_to_the_next_one() -> None:
    key = enter("ada", (Role.IDVA, 7))
    register.grant_role(key, Role.IDVA, agency_key=8, area_key=1)
    assert register.person_for(key).agency_key == 7, "who works for two belongs to the first"
    register.end_role(key, Role.IDVA, agency_key=7)
    register.grant_role(key, Role.AGENCY_SPOC, agency_key=8, area_key=1)
    assert register.person_for(key).agency_key == 8


def test_a_role_that_begins_later_is_not_held_yet_and_can_be_taken_back() -> None:
    key, soon = enter("ada"), datetime.now(UTC) + timedelta(hours=1)
    register.grant_role(key, Role.IDVA, agency_key=7, area_key=1, since=soon, until=soon + timedelta(days=1))
    assert not register.person_for(key).roles
    assert [(e.roles, e.coming) for e in directory.people_in(1)] == [((), (("idva", 7, soon),))]
    register.end_role(key, Role.IDVA, agency_key=7)
    db.session.flush()
    assert directory.people_in(1)[0].coming == ()


def test_giving_a_role_for_longer_prolongs_it() -> None:
    key, soon = enter("ada"), datetime.now(UTC) + timedelta(hours=1)
    grant = register.grant_role(key, Role.IDVA, agency_key=7, area_key=1, until=soon)
    register.grant_role(key, Role.IDVA, agency_key=7, area_key=1, until=soon - timedelta(minutes=1))
    assert grant.to_at == soon
    register.grant_role(key, Role.IDVA, agency_key=7, area_key=1)
    assert grant.to_at is None


def test_an_area_lists_its_own_people_and_who_has_no_place_yet() -> None:
    enter("ada", (Role.IDVA, 7))
    enter("bea", agency=9, area=2)
    enter("new", agency=None, area=None)
    register.grant_role(enter("ops", agency=None, area=None), Role.OPERATOR)
    register.grant_role(enter("sue", agency=None, area=None), Role.IDVA, agency_key=9, area_key=2)
    assert [e.user.username for e in directory.people_in(1)] == ["ada", "new"]
    assert [e.user.username for e in directory.people_in(1, system=True)] == ["ada", "new", "ops"]
    assert [e.user.username for e in directory.people_in(None)] == ["ada", "bea", "new", "ops", "sue"]
