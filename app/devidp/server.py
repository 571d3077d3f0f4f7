"""The authorisation server itself: Authlib's classes with our people, clients and key behind them."""

from __future__ import annotations

import time
from typing import Any

from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749 import ClientMixin, OAuth2Request
from authlib.oauth2.rfc6749.errors import InvalidRequestError
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant, ClientCredentialsGrant
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oauth2.rfc9068 import JWTBearerTokenGenerator
from authlib.oidc.core import UserInfo
from authlib.oidc.core.grants import OpenIDCode
from authlib.oidc.rpinitiated import EndSessionEndpoint
from flask import Flask
from joserfc.jwk import KeySet, RSAKey

from app.devidp.clients import SCOPES, DevelopmentClient, find_client
from app.devidp.keys import ALGORITHM, public_keys, signing_key
from app.devidp.memory import CODE_SECONDS, Code, Memory
from app.identity.models import User
from app.settings import Settings
from app.store.database import db

ID_TOKEN_SECONDS = 300


class Subject:
    """A person as the authorisation server hands them around."""

    def __init__(self, user: User, auth_time: int) -> None:
        self.user = user
        self.auth_time = auth_time

    def get_user_id(self) -> str:
        return subject_of(self.user)


def subject_of(user: User) -> str:
    """The `sub` of a demo person."""
    return user.subject or user.username


def claims_of(user: User) -> dict[str, Any]:
    """What the provider tells about a person."""
    claims: dict[str, Any] = {"sub": subject_of(user), "preferred_username": user.username, "name": user.name}
    if user.email:
        claims |= {"email": user.email, "email_verified": True}
    return claims


def build(app: Flask, settings: Settings, memory: Memory) -> AuthorizationServer:
    """The authorisation server of one application."""

    class CodeGrant(AuthorizationCodeGrant):  # type: ignore[misc]
        TOKEN_ENDPOINT_AUTH_METHODS = ["none", "client_secret_basic", "client_secret_post"]

        def save_authorization_code(self, code: str, request: OAuth2Request) -> None:
            asked = request.payload.data
            memory.keep_code(
                Code(
                    code=code,
                    client_id=request.client.get_client_id(),
                    redirect_uri=request.payload.redirect_uri,
                    scope=request.scope,
                    user_key=request.user.user.key,
                    auth_time=request.user.auth_time,
                    nonce=asked.get("nonce"),
                    code_challenge=asked.get("code_challenge"),
                    code_challenge_method=asked.get("code_challenge_method"),
                    until=time.time() + CODE_SECONDS,
                )
            )

        def query_authorization_code(self, code: str, client: ClientMixin) -> Code | None:
            return memory.take_code(code, client.get_client_id())

        def delete_authorization_code(self, authorization_code: Code) -> None:
            """It was taken when it was looked up."""

        def authenticate_user(self, authorization_code: Code) -> Subject | None:
            user = db.session.get(User, authorization_code.user_key)
            return Subject(user, authorization_code.auth_time) if user is not None and user.active else None

    class Challenge(CodeChallenge):  # type: ignore[misc]
        SUPPORTED_CODE_CHALLENGE_METHOD = ["S256"]

        def validate_code_challenge(self, grant: Any, redirect_uri: str) -> None:
            if grant.request.payload.data.get("code_challenge_method") != "S256":
                raise InvalidRequestError("PKCE with S256 is required.")
            super().validate_code_challenge(grant, redirect_uri)

    class IdToken(OpenIDCode):  # type: ignore[misc]
        def resolve_client_private_key(self, client: ClientMixin) -> RSAKey:
            return signing_key(settings)

        def get_encode_header(self, client: ClientMixin) -> dict[str, Any]:
            return {"alg": ALGORITHM, "typ": "JWT", "kid": signing_key(settings).kid}

        def get_client_claims(self, client: ClientMixin) -> dict[str, Any]:
            return {
                "iss": settings.issuer,
                "aud": [client.get_client_id()],
                "exp": int(time.time()) + ID_TOKEN_SECONDS,
            }

        def exists_nonce(self, nonce: str, request: OAuth2Request) -> bool:
            return False

        def generate_user_info(self, user: Subject, scope: str) -> UserInfo:
            return UserInfo(claims_of(user.user)).filter(scope)

    class ForPeople(ClientCredentialsGrant):  # type: ignore[misc]
        TOKEN_ENDPOINT_AUTH_METHODS = ["client_secret_basic", "client_secret_post"]

    class AccessToken(JWTBearerTokenGenerator):  # type: ignore[misc]
        def get_jwks(self) -> KeySet:
            return KeySet([signing_key(settings)])

        def get_audiences(self, client: ClientMixin, user: Subject | None, scope: str) -> str:
            return settings.api_audience

        def get_extra_claims(
            self, client: DevelopmentClient, grant_type: str, user: Subject | None, scope: str
        ) -> dict[str, Any]:
            person = user.user if user is not None else client.user
            if person is None:
                return {}
            at = user.auth_time if user is not None else int(time.time())
            return {"sub": subject_of(person), "preferred_username": person.username, "auth_time": at}

    class SignOut(EndSessionEndpoint):  # type: ignore[misc]
        def get_server_jwks(self) -> KeySet:
            return KeySet.import_key_set(public_keys(settings))  # type: ignore[arg-type]

        def end_session(self, end_session_request: Any) -> None:
            """The page forgets the browser's session, since it holds the cookie."""

    server = AuthorizationServer()
    server.init_app(app, query_client=lambda client_id: find_client(settings, client_id), save_token=lambda *_: None)
    server.scopes_supported = list(SCOPES)
    server.register_token_generator(
        "default",
        AccessToken(
            issuer=settings.issuer,
            alg=ALGORITHM,
            expires_generator=lambda *_: settings.fresh_authentication_minutes * 60,
        ),
    )
    server.register_grant(CodeGrant, [IdToken(require_nonce=True), Challenge(required=True)])
    server.register_grant(ForPeople)
    server.register_endpoint(SignOut)
    return server
