"""The person on whose behalf something is asked or done."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

RoleHeld = tuple[str, int | None]


@dataclass(frozen=True, slots=True)
class Person:
    """Who asks, as far as access and the record need to know.

    :param key: the user's key.
    :param username: short name, unique; not a secret.
    :param name: as shown to colleagues.
    :param agency_key: home agency; None for people of the area or the system.
    :param area_key: the one area the person works in; None for none.
    :param roles: (role slug, agency key or None) for every role held now.
    :param auth_time: when the person last proved who they are (wall time); None when unknown.
    :param session_key: stands for the web session, for the record; None for tokens and jobs.
    :param client: the OAuth client that acts for the person; None for a person at a browser.
    :param machine: the client acts for itself (client credentials): nobody has signed in, and nobody could sign in again.
    :param constant: known to have had these roles only, none of which has an end; what is asked of the past then needs no answer.
    """

    key: int
    username: str
    name: str
    agency_key: int | None = None
    area_key: int | None = None
    roles: frozenset[RoleHeld] = frozenset()
    auth_time: datetime | None = None
    session_key: int | None = None
    client: str | None = None
    machine: bool = False
    constant: bool = False

    def has_role(self, role: str, agency: int | None = None) -> bool:
        """Whether the person holds a role, at a given agency when one is named."""
        return any(held == role and (agency is None or at == agency) for held, at in self.roles)

    def roles_at(self, agency: int | None) -> frozenset[str]:
        """The roles held at an agency; with None those held for the area or the system."""
        return frozenset(held for held, at in self.roles if at == agency)

    def acting_for(self, roles: Collection[str]) -> int | None:
        """The agency on whose behalf the person does what some roles may do: their own where they hold one of them there, else one where
        they do; their own when at none."""
        at = self.agencies_with(roles)
        return self.agency_key if not at or self.agency_key in at else min(at)

    def agencies_with(self, roles: Collection[str]) -> frozenset[int]:
        """The agencies at which the person holds one of some roles."""
        return frozenset(agency for role, agency in self.roles if role in roles and agency is not None)

    @property
    def role_slugs(self) -> frozenset[str]:
        """Every role held, wherever."""
        return frozenset(held for held, _ in self.roles)

    @property
    def agencies(self) -> frozenset[int]:
        """Every agency the person belongs to or holds a role at."""
        home = {self.agency_key} if self.agency_key is not None else set()
        return frozenset(home | {at for _, at in self.roles if at is not None})
