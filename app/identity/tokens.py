"""Bearer tokens for the API: signed JWTs of the trusted issuer, for our audience, of a person who is still active."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from threading import Lock
from typing import Any

from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError

from app.identity.claims import MEANT, auth_time_of, meant
from app.identity.errors import SignInNeeded
from app.identity.freshness import CLOCK_SKEW
from app.identity.models import User
from app.identity.person import Person
from app.identity.published import Published
from app.identity.register import CHANGING, person_from_rows, person_query
from app.settings import Settings
from app.store.clock import wall_now
from app.store.database import db

CHECKED_FOR = 300.0  # seconds
CHECKED_AT_MOST = 1_000
_REFUSED = "The access token is not valid. Get a new one and try again."
_PERSON = person_query().add_columns(CHANGING.label("changing")).where(MEANT).order_by(User.subject.is_(None))


def is_machine(claims: Mapping[str, Any]) -> bool:
    """Whether a token was got by client credentials, so that it stands for a program and for nobody who could have signed in.

    Its subject is its client (RFC 9068, section 2.2), or in a provider's own words: ``idtyp``, ``gty``, ``service-account-…``. A token that
    tells when somebody signed in is a person's, whatever else it says.
    """
    client = claims.get("client_id") or claims.get("azp")
    if "auth_time" in claims or not client:
        return False
    return (
        claims.get("sub") in (client, f"{client}@clients")
        or claims.get("gty") == "client-credentials"
        or claims.get("idtyp") == "app"
        or claims.get("preferred_username") == f"service-account-{client}"
    )


class Tokens:
    """Checks bearer tokens. One for each application."""

    def __init__(self, published: Published, settings: Settings) -> None:
        self._published = published
        self._settings = settings
        self._lock = Lock()
        self._checked: OrderedDict[bytes, tuple[float, dict[str, Any]]] = OrderedDict()

    def person(self, token: str) -> Person:
        """The person that a token stands for.

        :raises SignInNeeded: the token is not valid, has expired, or the person may no longer use Convenor.
        """
        claims = self._claims(token)
        rows: Sequence[Any] = db.session.execute(_PERSON, meant(claims, self._settings)).all()
        rows = [row for row in rows if row.key == rows[0].key]
        if not rows or not rows[0].active:
            raise SignInNeeded(_REFUSED)
        client = claims.get("client_id") or claims.get("azp") or "api"
        person = person_from_rows(rows, auth_time=auth_time_of(claims), client=str(client), changing=rows[0].changing)
        return replace(person, machine=is_machine(claims))

    def _claims(self, token: str) -> dict[str, Any]:
        """What a token claims. Its signature is checked once and not again for some minutes: who the person is and what they may do is
        asked of the database at every request all the same."""
        digest, now = sha256(token.encode()).digest(), wall_now().timestamp()
        with self._lock:
            until, claims = self._checked.get(digest, (0.0, {}))
        if now < until:
            return claims
        claims = self._check(token)
        with self._lock:
            self._checked[digest] = min(now + CHECKED_FOR, float(claims["exp"])), claims
            while len(self._checked) > CHECKED_AT_MOST:
                self._checked.popitem(last=False)
        return claims

    def _check(self, token: str) -> dict[str, Any]:
        metadata = self._published.metadata()
        algorithms = metadata["id_token_signing_alg_values_supported"]
        try:
            try:
                found = jwt.decode(token, self._published.keys(), algorithms=algorithms)
            except InvalidKeyIdError:
                found = jwt.decode(token, self._published.keys(again=True), algorithms=algorithms)
            rules = jwt.JWTClaimsRegistry(
                leeway=int(CLOCK_SKEW.total_seconds()),
                iss={"essential": True, "value": self._settings.issuer},
                aud={"essential": True, "value": self._settings.api_audience},
                sub={"essential": True},
                exp={"essential": True},
                iat={"essential": True},
            )
            rules.validate(found.claims)
            auth_time_of(found.claims)
        except (JoseError, ValueError, KeyError, TypeError):
            raise SignInNeeded(_REFUSED) from None
        if "nonce" in found.claims or str(found.header.get("typ", "JWT")).lower() not in {"jwt", "at+jwt"}:
            raise SignInNeeded(_REFUSED)
        return dict(found.claims)
