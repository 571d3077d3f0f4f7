"""What the identity provider publishes of itself: its description and its public keys. Signing in and checking tokens both rest on it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from app.errors import Unavailable
from app.identity.transport import NoAnswer, Transport
from app.store.clock import wall_now

NO_ANSWER = "The sign-in service does not answer. Try again in a few minutes."
KEYS_AGAIN = timedelta(minutes=1)
_ALGORITHMS = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"})


class Published:
    """The provider's documents, each fetched when it is first needed. One for each application.

    Two requests that need one at once both fetch it; the later answer stays.
    """

    def __init__(self, issuer: str, transport: Transport) -> None:
        self._issuer = issuer
        self._transport = transport
        self._metadata: dict[str, Any] | None = None
        self._keys: tuple[dict[str, Any], KeySet] | None = None
        self._keys_at: datetime | None = None

    def metadata(self) -> Mapping[str, Any]:
        """The provider's own description of itself. Of the algorithms that it signs with, only those are told that may be trusted.

        :raises Unavailable: it does not answer, names another issuer, or signs in no way that may be trusted.
        """
        if self._metadata is None:
            found = self._fetch(f"{self._issuer.rstrip('/')}/.well-known/openid-configuration")
            if found.get("issuer") != self._issuer:
                raise Unavailable("The sign-in service names another issuer than CONVENOR_OIDC_ISSUER.")
            offered = found.get("id_token_signing_alg_values_supported") or ["RS256"]
            trusted = [name for name in offered if name in _ALGORITHMS] if _is_names(offered) else []
            if not trusted:  # what checks signatures would take an empty list for no list, and choose by itself
                raise Unavailable("The sign-in service offers no way of signing that Convenor trusts.")
            found["id_token_signing_alg_values_supported"] = trusted
            self._metadata = found
        return self._metadata

    def keys(self, *, again: bool = False) -> KeySet:
        """The provider's public keys; fetched again when asked, at most once a minute.

        :raises Unavailable: it does not answer.
        """
        again = again and (self._keys_at is None or wall_now() - self._keys_at >= KEYS_AGAIN)
        return self._both(again=again)[1]

    def jwks(self, *, again: bool = False) -> dict[str, Any]:
        """The same as the provider published them; fetched again whenever asked.

        :raises Unavailable: it does not answer.
        """
        return self._both(again=again)[0]

    def _both(self, *, again: bool) -> tuple[dict[str, Any], KeySet]:
        if self._keys is None or again:
            found = self._fetch(str(self.metadata().get("jwks_uri", "")))
            try:
                self._keys = found, KeySet.import_key_set(found)  # type: ignore[arg-type]
            except (JoseError, ValueError, KeyError, TypeError):
                raise Unavailable(NO_ANSWER) from None
            self._keys_at = wall_now()
        return self._keys

    def _fetch(self, address: str) -> dict[str, Any]:
        try:
            answer = self._transport.send("GET", address, {"Accept": "application/json", "User-Agent": "Convenor"})
            found = answer.json() if answer.status == 200 else None
        except (NoAnswer, ValueError):
            found = None
        if not isinstance(found, dict):
            raise Unavailable(NO_ANSWER)
        return found


def _is_names(said: Any) -> bool:
    return isinstance(said, list) and all(isinstance(name, str) for name in said)
