"""Convenor's side of OpenID Connect: authorisation code flow with PKCE, by Authlib, with nothing left to its defaults.

Checked in every answer: `state` (single use, bound to the browser's session), the code verifier, the signature, `iss`, `aud` (must be
there and hold our client id), `azp`, `exp`, `iat`, `nonce`, `at_hash`, and `auth_time` when the person was asked to sign in again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any

from authlib.common.errors import AuthlibBaseError
from authlib.integrations.base_client import OAuthError
from authlib.integrations.flask_client import FlaskOAuth2App, OAuth
from authlib.integrations.requests_client import OAuth2Session
from flask import Flask, request, session
from joserfc.errors import JoseError
from requests import ConnectionError as NotConnected
from requests import PreparedRequest, RequestException, Response
from requests.adapters import BaseAdapter

from app.errors import Unavailable
from app.identity.errors import SignInRefused
from app.identity.freshness import CLOCK_SKEW
from app.identity.published import NO_ANSWER, Published
from app.identity.transport import NoAnswer, Transport
from app.settings import Settings
from app.store.clock import wall_now

_UNFINISHED = 4
_NOT_TRUSTED = "The answer of the sign-in service could not be trusted. Start again from the sign-in page."
_USED = "This sign-in has already been used or has run out of time. Start again from the sign-in page."
_CANCELLED = "The sign-in was cancelled or refused by the sign-in service."


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A sign-in that has been checked.

    :param claims: the ID token's claims.
    :param id_token: kept for signing out at the provider.
    :param fresh: the person was asked to prove again who they are, and did.
    """

    claims: dict[str, Any]
    id_token: str
    auth_time: datetime
    next: str
    fresh: bool


class Provider:
    """The identity provider as Convenor sees it. One for each application."""

    def __init__(self, app: Flask, settings: Settings, published: Published, transport: Transport) -> None:
        self._settings = settings
        self._published = published
        self._oauth = OAuth(app)
        self._client: FlaskOAuth2App = self._oauth.register(
            name="provider",
            client_id=settings.oidc_client_id,
            client_secret=settings.oidc_client_secret,
            client_cls=_client_over(published, transport),
            client_kwargs={"scope": settings.oidc_scope, "code_challenge_method": "S256"},
        )

    def begin(self, next_address: str, *, fresh: bool) -> Any:
        """Send the browser to the provider.

        :param fresh: ask the person to prove again who they are, whatever session the provider has.
        :raises Unavailable: the provider does not answer, or is not the configured one.
        """
        oldest = int(timedelta(hours=self._settings.session_hours).total_seconds())
        extra: dict[str, Any] = {"prompt": "login", "max_age": 0} if fresh else {"max_age": oldest}
        _forget_abandoned()
        answer = self._client.create_authorization_url(self._redirect_uri, **extra)
        self._client.save_authorize_data(
            redirect_uri=self._redirect_uri,
            next=next_address,
            fresh=fresh,
            asked_at=int(wall_now().timestamp()),
            **answer,
        )
        return answer["url"]

    def complete(self) -> SignedIn:
        """Check the provider's answer in the current request.

        :raises SignInRefused: anything about it is wrong; the message does not say what, the log does.
        :raises Unavailable: the provider does not answer.
        """
        state = request.args.get("state", "")
        asked = self._client.framework.get_state_data(session, state) if state else None
        if asked is None:
            raise SignInRefused(_USED)
        if "error" in request.args:
            self._client.framework.clear_state_data(session, state)
            raise SignInRefused(_CANCELLED)
        if not request.args.get("code"):
            raise SignInRefused(_NOT_TRUSTED)
        self._check_issuer_parameter(self._published.metadata())
        try:
            token = self._client.authorize_access_token(
                claims_options={
                    "iss": {"essential": True, "values": [self._settings.issuer]},
                    "aud": {"essential": True, "values": [self._settings.oidc_client_id]},
                    "sub": {"essential": True},
                    "nonce": {"essential": True},
                },
                leeway=int(CLOCK_SKEW.total_seconds()),
            )
        except RequestException:
            raise Unavailable(NO_ANSWER) from None
        except (OAuthError, AuthlibBaseError, JoseError, ValueError, KeyError, TypeError) as error:
            raise SignInRefused(_NOT_TRUSTED, resource_id=type(error).__name__) from None
        claims = dict(token.get("userinfo") or {})
        if not claims.get("sub") or not isinstance(claims["sub"], str) or not claims.get("aud"):
            raise SignInRefused(_NOT_TRUSTED, resource_id="id_token")
        return SignedIn(
            claims=claims,
            id_token=str(token["id_token"]),
            auth_time=_auth_time(claims, asked),
            next=str(asked.get("next") or "/"),
            fresh=bool(asked.get("fresh")),
        )

    def logout_address(self, id_token: str | None, back: str, state: str) -> str | None:
        """Where to send the browser so that the session ends at the provider too; None when the provider offers no way."""
        try:
            if not self._published.metadata().get("end_session_endpoint"):
                return None
            answer = self._client.create_logout_url(
                post_logout_redirect_uri=back,
                id_token_hint=id_token,
                state=state,
                client_id=self._settings.oidc_client_id,
            )
        except Unavailable:
            return None
        return str(answer["url"])

    @property
    def _redirect_uri(self) -> str:
        return f"{self._settings.base_url}/sign-in/callback"

    def _check_issuer_parameter(self, metadata: Mapping[str, Any]) -> None:
        """RFC 9207: a provider that says who answers must be the one that was asked."""
        named = request.args.get("iss")
        promised = metadata.get("authorization_response_iss_parameter_supported") is True
        if (named is None and promised) or (named is not None and named != self._settings.issuer):
            raise SignInRefused(_NOT_TRUSTED, resource_id="iss")


def _forget_abandoned() -> None:
    """Keep only the latest sign-ins that this browser began and did not finish."""
    begun = sorted(
        (name for name in session if name.startswith("_state_")), key=lambda name: float(session[name].get("exp", 0))
    )
    for name in begun[:-_UNFINISHED]:
        session.pop(name, None)


def _auth_time(claims: dict[str, Any], asked: dict[str, Any]) -> datetime:
    """When the person proved who they are.

    :raises SignInRefused: they were asked to do it again and the provider does not say that they did.
    """
    said = claims.get("auth_time")
    if isinstance(said, (int, float)) and not isinstance(said, bool):
        at = datetime.fromtimestamp(said, UTC)
        if asked.get("fresh") and at < datetime.fromtimestamp(asked["asked_at"], UTC) - CLOCK_SKEW:
            raise SignInRefused("The sign-in service did not ask you to sign in again. Sign out, then sign in again.")
        return min(at, wall_now())
    if asked.get("fresh"):
        raise SignInRefused("The sign-in service does not say when you last signed in. Tell your administrator.")
    return datetime.fromtimestamp(0, UTC)


class _Adapter(BaseAdapter):
    """Our transport, as `requests` takes one."""

    def __init__(self, transport: Transport) -> None:
        super().__init__()
        self._transport = transport

    def send(self, request: PreparedRequest, *_: object, **_options: object) -> Response:
        headers = {name: str(value) for name, value in request.headers.items() if name != "Accept-Encoding"}
        body = request.body.encode() if isinstance(request.body, str) else request.body
        try:
            answer = self._transport.send(request.method or "GET", request.url or "", headers, body)
        except NoAnswer as error:
            raise NotConnected(request=request) from error
        found = Response()
        found.status_code = answer.status
        found.headers.update(answer.headers)
        found.raw = BytesIO(answer.body)
        found.url = request.url or ""
        found.request = request
        found.encoding = "utf-8"
        return found

    def close(self) -> None:
        """Nothing is held open."""


def _client_over(published: Published, transport: Transport) -> type[FlaskOAuth2App]:
    class Session(OAuth2Session):  # type: ignore[misc]
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self.trust_env = False  # the transport asks the environment for its proxy
            for scheme in ("https://", "http://"):
                self.mount(scheme, _Adapter(transport))

        def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> Any:
            kwargs.setdefault("allow_redirects", False)
            return super().request(method, url, *args, **kwargs)

    class Client(FlaskOAuth2App):  # type: ignore[misc]
        client_cls = Session

        def load_server_metadata(self) -> Mapping[str, Any]:
            return published.metadata()

        def fetch_jwk_set(self, force: bool = False) -> dict[str, Any]:
            return published.jwks(again=force)

    return Client
