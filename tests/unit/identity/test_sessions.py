"""Who a browser's session is of, as read at every request."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.identity import register
from app.identity.roles import Role
from app.identity.sessions import ServerSession
from app.settings import Settings
from app.store.clock import wall_now
from app.store.database import db

DAY = timedelta(days=1)

pytestmark = pytest.mark.usefixtures("app")


@pytest.fixture
def token(settings: Settings) -> str:
    """Ada is signed in. She has a role of the area."""
    roles = [(Role.MARAC_CHAIR, None)]
    ada = register.register_person("ada", "Ada", agency_key=7, area_key=1, roles=roles)
    session = ServerSession(None, settings)
    session.start(ada.key, wall_now())
    db.session.commit()
    assert session.token is not None
    return session.token


def constant(settings: Settings, token: str) -> bool:
    db.session.commit()
    person = ServerSession(token, settings).person
    assert person is not None
    assert person.constant is False or person.roles == register.person_for(person.key).roles
    return person.constant


def test_roles_are_constant_until_one_ends_is_to_end_or_is_to_begin(settings: Settings, token: str) -> None:
    ada = register.find_user("ada")
    assert ada is not None
    assert constant(settings, token)
    register.grant_role(ada.key, Role.IDVA, agency_key=7, area_key=1)
    assert constant(settings, token), "one more, without an end"
    register.end_role(ada.key, Role.IDVA, agency_key=7)
    assert not constant(settings, token), "one that is lost"


def test_a_role_that_is_to_end_or_to_begin_is_not_constant(settings: Settings, token: str) -> None:
    ada = register.find_user("ada")
    assert ada is not None
    grant = register.grant_role(ada.key, Role.IDVA, agency_key=7, area_key=1, until=wall_now() + DAY)
    assert not constant(settings, token)
    grant.to_at = None
    assert constant(settings, token)
    grant.from_at = wall_now() + DAY
    assert not constant(settings, token)


def test_a_role_of_another_area_is_a_role_besides(settings: Settings, token: str) -> None:
    ada = register.find_user("ada")
    assert ada is not None
    register.grant_role(ada.key, Role.IDVA, agency_key=9, area_key=2)
    assert not constant(settings, token)


def test_of_whom_nobody_asked_it_is_not_known(settings: Settings, token: str) -> None:
    ada = register.find_user("ada")
    assert ada is not None
    assert not register.person_for(ada.key).constant
