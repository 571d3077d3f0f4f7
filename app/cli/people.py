"""Who does something from the command line, where that needs a name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.errors import Invalid

if TYPE_CHECKING:
    from app.identity.person import Person


def person_called(username: str) -> Person:
    """The person of a user name, with the roles held now.

    :raises Invalid: there is none.
    """
    from app.identity import register as people

    user = people.find_user(username)
    if user is None:
        raise Invalid(f"There is nobody with the user name {username}.", resource_id=username)
    return people.person_for(user.key)
