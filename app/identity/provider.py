"""Convenor's side of OpenID Connect: authorisation code flow with PKCE, by Authlib, with nothing left to its defaults.

Checked in every answer: `state` (single use, bound to the browser's session), the code verifier, the signature, `iss`, `aud` (must be
there and hold our client id), `azp`, `exp`, `iat`, `nonce`, `at_hash`, and `auth_time` when the person was asked to sign in again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from authlib.common.errors import AuthlibBaseError
from authlib.common.security import generate_token
from authlib.integrations.base_client import FrameworkIntegration
from flask import request, session
from joserfc.errors import JoseError

from app.errors import Unavailable
from app.identity.claims import auth_time_of
from app.identity.errors import SignInRefused
from app.identity.freshness import CLOCK_SKEW
from app.identity.oauth import CodeClient, IdTokens
from app.identity.published import NO_ANSWER, Published
from app.identity.transport import NoAnswer, Transport
from app.settings import Settings
from app.store.clock import wall_now

_UNFINISHED = 4
_NOT_TRUSTED = "The answer of the sign-in service could not be trusted. Start again from the sign-in page."
_USED = "This sign-in has already been used or has run out of time. Start again from the sign-in page."
_CANCELLED = "The sign-in was cancelled or refused by the sign-in service."
_INCOMPLETE = "The sign-in service does not say all that is needed to sign in. Tell your administrator."


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

    def __init__(self, settings: Settings, published: Published, transport: Transport) -> None:
        self._settings = settings
        self._published = published
        self._transport = transport
        self._states = FrameworkIntegration("provider")
        self._id_tokens = IdTokens(settings.oidc_client_id, published)

    def begin(self, next_address: str, *, fresh: bool) -> str:
        """Where to send the browser at the provider.

        :param fresh: ask the person to prove again who they are, whatever session the provider has.
        :raises Unavailable: the provider does not answer, or is not the configured one.
        """
        oldest = int(timedelta(hours=self._settings.session_hours).total_seconds())
        extra: dict[str, Any] = {"prompt": "login", "max_age": 0} if fresh else {"max_age": oldest}
        verifier, nonce = generate_token(48), generate_token(20)
        address, state = self._client(self._redirect_uri).create_authorization_url(
            self._endpoint("authorization_endpoint"), code_verifier=verifier, nonce=nonce, **extra
        )
        _forget_abandoned()
        asked = {
            "redirect_uri": self._redirect_uri,
            "next": next_address,
            "fresh": fresh,
            "asked_at": int(wall_now().timestamp()),
            "code_verifier": verifier,
            "nonce": nonce,
        }
        self._states.set_state_data(session, state, asked)
        return str(address)

    def complete(self) -> SignedIn:
        """Check the provider's answer in the current request.

        :raises SignInRefused: anything about it is wrong; the message does not say what, the log does.
        :raises Unavailable: the provider does not answer.
        """
        asked = self._asked(request.args.get("state", ""))
        if "error" in request.args:
            raise SignInRefused(_CANCELLED)
        code = request.args.get("code")
        if not code:
            raise SignInRefused(_NOT_TRUSTED)
        self._check_issuer_parameter(self._published.metadata())
        try:
            id_token, claims = self._exchange(code, asked)
            auth_time = _auth_time(claims, asked)
        except NoAnswer:
            raise Unavailable(NO_ANSWER) from None
        except (AuthlibBaseError, JoseError, ArithmeticError, LookupError, TypeError, ValueError) as error:
            raise SignInRefused(_NOT_TRUSTED, resource_id=type(error).__name__) from None
        return SignedIn(
            claims=claims,
            id_token=id_token,
            auth_time=auth_time,
            next=str(asked.get("next") or "/"),
            fresh=bool(asked.get("fresh")),
        )

    def logout_address(self, id_token: str | None, back: str, state: str) -> str | None:
        """Where to send the browser so that the session ends at the provider too; None when the provider offers no way."""
        try:
            self._endpoint("end_session_endpoint")
            answer = self._id_tokens.create_logout_url(
                post_logout_redirect_uri=back,
                id_token_hint=id_token,
                state=state,
                client_id=self._settings.oidc_client_id,
            )
        except Unavailable:
            return None
        return str(answer["url"])

    def _asked(self, state: str) -> dict[str, Any]:
        """What was asked under a state in this browser, once.

        :raises SignInRefused: nothing was, or it was answered, or it is too long ago.
        """
        asked: dict[str, Any] | None = self._states.get_state_data(session, state)
        self._states.clear_state_data(session, state)
        oldest = wall_now().timestamp() - FrameworkIntegration.expires_in
        if not state or not asked or asked.get("asked_at", 0) < oldest:
            raise SignInRefused(_USED)
        return asked

    def _exchange(self, code: str, asked: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        """A code for an ID token that has been checked, and its claims."""
        token = self._client(asked["redirect_uri"]).fetch_token(
            self._endpoint("token_endpoint"),
            grant_type="authorization_code",
            code=code,
            code_verifier=asked["code_verifier"],
        )
        found = self._id_tokens.parse_id_token(
            token,
            nonce=asked["nonce"],
            claims_options={
                "iss": {"essential": True, "values": [self._settings.issuer]},
                "aud": {"essential": True, "values": [self._settings.oidc_client_id]},
                "sub": {"essential": True},
                "nonce": {"essential": True},
            },
            leeway=int(CLOCK_SKEW.total_seconds()),
        )
        claims = dict(found or {})
        if not claims.get("sub") or not isinstance(claims["sub"], str) or not claims.get("aud"):
            raise SignInRefused(_NOT_TRUSTED, resource_id="id_token")
        return token["id_token"], claims

    def _client(self, redirect_uri: str) -> CodeClient:
        return CodeClient(self._settings, self._transport, redirect_uri)

    def _endpoint(self, name: str) -> str:
        """:raises Unavailable: the provider does not answer, or does not say where that is."""
        found = self._published.metadata().get(name)
        if not isinstance(found, str) or not found:
            raise Unavailable(_INCOMPLETE, resource_id=name)
        return found

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
    at = auth_time_of(claims)
    if at is not None:
        if asked.get("fresh") and at < datetime.fromtimestamp(asked["asked_at"], UTC) - CLOCK_SKEW:
            raise SignInRefused("The sign-in service did not ask you to sign in again. Sign out, then sign in again.")
        return min(at, wall_now())
    if asked.get("fresh"):
        raise SignInRefused("The sign-in service does not say when you last signed in. Tell your administrator.")
    return datetime.fromtimestamp(0, UTC)
