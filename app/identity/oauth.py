"""Authlib's OAuth 2.0 client and its check of ID tokens, over Convenor's own transport and over what the provider publishes.

Authlib does the protocol. Its integrations with HTTP libraries are not used: they would keep megabytes of code in memory for one request
a sign-in.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from authlib.integrations.base_client import OAuthError, OpenIDMixin
from authlib.oauth2 import ClientAuth, OAuth2Client

from app.identity.published import Published
from app.identity.transport import Answer, NoAnswer, Transport
from app.settings import Settings


class CodeClient(OAuth2Client):  # type: ignore[misc]
    """Builds one authorisation request (PKCE with S256), or exchanges one code at the token endpoint. It is used once."""

    oauth_error_class = OAuthError

    def __init__(self, settings: Settings, transport: Transport, redirect_uri: str) -> None:
        super().__init__(
            _Session(transport),
            client_id=settings.oidc_client_id,
            client_secret=settings.oidc_client_secret,
            scope=settings.oidc_scope,
            redirect_uri=redirect_uri,
            code_challenge_method="S256",
        )


class IdTokens(OpenIDMixin):  # type: ignore[misc]
    """Checks ID tokens, and says where to sign out."""

    def __init__(self, client_id: str, published: Published) -> None:
        self.client_id = client_id
        self._published = published

    def load_server_metadata(self) -> Mapping[str, Any]:
        return self._published.metadata()

    def fetch_jwk_set(self, force: bool = False) -> dict[str, Any]:
        return self._published.jwks(again=force)


class _Session:
    """Our transport, as Authlib's client asks for one: what it uses of a session of `requests`."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def post(self, url: str, *, data: Mapping[str, str], headers: Mapping[str, str], auth: ClientAuth) -> _Said:
        # `prepare` writes the client's secret into the headers that it is given: never into Authlib's own, which every request shares.
        url, sent, body = auth.prepare("POST", url, {**headers, "User-Agent": "Convenor"}, urlencode(data))
        return _Said(self._transport.send("POST", url, sent, body.encode()))


class _Said:
    """An answer, as Authlib's client reads one."""

    def __init__(self, answer: Answer) -> None:
        self.status_code = answer.status
        self.json = answer.json

    def raise_for_status(self) -> None:
        """:raises NoAnswer: it says that something went wrong."""
        if self.status_code >= 400:
            raise NoAnswer
