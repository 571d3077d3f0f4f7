"""The OAuth clients that the development provider knows: Convenor's own pages, and every demo person for scripts."""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from typing import Any

from authlib.oauth2.rfc6749 import ClientMixin

from app.devidp.keys import client_secret
from app.identity.models import User
from app.identity.register import find_user
from app.settings import Settings

SCOPES = ("openid", "profile", "email")


@dataclass(frozen=True, slots=True)
class DevelopmentClient(ClientMixin):  # type: ignore[misc]
    """A client. The pages' client is public and uses PKCE; a person's client has a secret and gets tokens for that person."""

    client_id: str
    secret: str = field(repr=False)
    redirect_uris: tuple[str, ...] = ()
    sign_out_uris: tuple[str, ...] = ()
    user: User | None = None

    @property
    def client_metadata(self) -> dict[str, Any]:
        return {"post_logout_redirect_uris": list(self.sign_out_uris)}

    @property
    def id_token_signed_response_alg(self) -> str:
        return "RS256"

    def get_client_id(self) -> str:
        return self.client_id

    def get_default_redirect_uri(self) -> str | None:
        return self.redirect_uris[0] if self.redirect_uris else None

    def get_allowed_scope(self, scope: str | None) -> str:
        return " ".join(each for each in (scope or "").split() if each in SCOPES)

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return redirect_uri in self.redirect_uris

    def check_client_secret(self, secret: str) -> bool:
        return bool(self.secret) and hmac.compare_digest(self.secret.encode(), secret.encode())

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        if self.secret:
            return method in {"client_secret_basic", "client_secret_post"}
        return method == "none"

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code" and bool(self.redirect_uris)

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type == ("client_credentials" if self.user is not None else "authorization_code")


def find_client(settings: Settings, client_id: str | None) -> DevelopmentClient | None:
    """The client of an id; None when there is none, or its person has been deactivated."""
    if not client_id:
        return None
    if client_id == settings.oidc_client_id:
        return DevelopmentClient(
            client_id,
            settings.oidc_client_secret,
            (f"{settings.base_url}/sign-in/callback",),
            (f"{settings.base_url}/sign-out/done",),
        )
    user = find_user(client_id)
    if user is None or not user.active:
        return None
    return DevelopmentClient(client_id, client_secret(settings, client_id), user=user)
