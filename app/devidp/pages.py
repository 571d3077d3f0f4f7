"""The development provider's addresses: discovery, keys, sign-in page, tokens, user information, sign-out."""

from __future__ import annotations

import time
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Flask, Response, current_app, jsonify, redirect, render_template, request
from flask_wtf import CSRFProtect
from sqlalchemy import select
from werkzeug.wrappers import Response as AnyResponse

from app.agencies.models import Agency
from app.devidp.keys import ALGORITHM, public_keys
from app.errors import NotAllowed
from app.identity.models import RoleGrant, User
from app.identity.register import held_at
from app.identity.roles import role_title
from app.identity.service import person_from_bearer
from app.settings import Settings, SettingsError
from app.store.clock import wall_now
from app.store.database import db

if TYPE_CHECKING:
    from authlib.integrations.flask_oauth2 import AuthorizationServer

    from app.devidp.memory import BrowserSession, Memory
    from app.devidp.server import Subject

COOKIE = "convenor-development-provider"
_EXTENSION = "convenor.devidp"

blueprint = Blueprint("devidp", __name__, template_folder="templates")


class DevelopmentProvider:
    """What the development provider keeps for one application.

    Authlib's server is made when somebody first asks for it: a start should not wait for it.
    """

    def __init__(self, app: Flask, settings: Settings) -> None:
        self.settings = settings
        self._app, self._lock = app, Lock()
        self._made: tuple[AuthorizationServer, Memory] | None = None

    @property
    def server(self) -> AuthorizationServer:
        return self._both[0]

    @property
    def memory(self) -> Memory:
        return self._both[1]

    @property
    def _both(self) -> tuple[AuthorizationServer, Memory]:
        with self._lock:
            if self._made is None:
                from app.devidp.memory import Memory
                from app.devidp.server import build

                memory = Memory()
                self._made = build(self._app, self.settings, memory), memory
        return self._made


@dataclass(frozen=True, slots=True)
class Choice:
    """A person to sign in as."""

    key: int
    username: str
    name: str
    roles: str
    agency: str


def init_app(app: Flask, settings: Settings, csrf: CSRFProtect | None = None) -> None:
    """Add the development provider to an application.

    :raises SettingsError: the settings are those of production, or name another provider.
    """
    if not settings.development_provider:
        raise SettingsError("The development identity provider runs only in the demo.", resource_id="CONVENOR_ENV")
    app.extensions[_EXTENSION] = DevelopmentProvider(app, settings)
    app.register_blueprint(blueprint)
    if csrf is not None:
        csrf.exempt(token)


def _provider() -> DevelopmentProvider:
    found: DevelopmentProvider = current_app.extensions[_EXTENSION]
    return found


@blueprint.get("/.well-known/openid-configuration")
def discovery() -> Response:
    from app.devidp.clients import SCOPES

    settings = _provider().settings
    base = settings.base_url
    return jsonify(
        {
            "issuer": settings.issuer,
            "authorization_endpoint": f"{base}/devidp/authorize",
            "token_endpoint": f"{base}/devidp/token",
            "userinfo_endpoint": f"{base}/devidp/userinfo",
            "jwks_uri": f"{base}/devidp/jwks",
            "end_session_endpoint": f"{base}/devidp/end-session",
            "scopes_supported": list(SCOPES),
            "response_types_supported": ["code"],
            "grant_types_supported": ["authorization_code", "client_credentials"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": [ALGORITHM],
            "token_endpoint_auth_methods_supported": ["none", "client_secret_basic", "client_secret_post"],
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": True,
            "claims_supported": ["sub", "name", "preferred_username", "email", "auth_time"],
        }
    )


@blueprint.get("/devidp/jwks")
def jwks() -> Response:
    return jsonify(public_keys(_provider().settings))


@blueprint.route("/devidp/authorize", methods=["GET", "POST"])
def authorize() -> AnyResponse | str | tuple[str, int]:
    from authlib.oauth2 import OAuth2Error

    from app.devidp.server import Subject

    provider = _provider()
    session = provider.memory.session(request.cookies.get(COOKIE))
    user = db.session.get(User, session.user_key) if session else None
    try:
        grant = provider.server.get_consent_grant(end_user=user)
    except OAuth2Error as error:
        return render_template("devidp/error.html", error=error.get_error_description() or error.error), 400
    if request.method == "GET":
        if session is not None and user is not None and user.active and not _ask_again(session):
            return _answer(provider, grant, Subject(user, session.auth_time))
        return _page(user)
    chosen = db.session.execute(
        select(User).where(User.username == request.form.get("person", ""), User.active.is_(True))
    ).scalar_one_or_none()
    if chosen is None:
        return _page(user, error="Select who you want to sign in as"), 400
    session_id, session = provider.memory.sign_in(chosen.key)
    response = _answer(provider, grant, Subject(chosen, session.auth_time))
    response.set_cookie(COOKIE, session_id, path="/devidp", httponly=True, samesite="Lax")
    return response


@blueprint.post("/devidp/token")
def token() -> Any:
    return _provider().server.create_token_response()


@blueprint.route("/devidp/userinfo", methods=["GET"])
def userinfo() -> Response:
    from app.devidp.server import claims_of

    user = db.session.get(User, person_from_bearer().key)
    if user is None:
        raise NotAllowed("There is no such person.")
    return jsonify(claims_of(user))


@blueprint.route("/devidp/end-session", methods=["GET", "POST"])
def end_session() -> AnyResponse | str | tuple[str, int]:
    from authlib.oauth2 import OAuth2Error

    provider = _provider()
    try:
        asked = provider.server.validate_endpoint_request("end_session")
    except OAuth2Error as error:
        return render_template("devidp/error.html", error=error.get_error_description() or error.error), 400
    if asked.needs_confirmation and request.method == "GET":
        return render_template("devidp/end-session.html")
    provider.memory.sign_out(request.cookies.get(COOKIE))
    response: AnyResponse = (
        redirect(asked.redirect_uri) if asked.redirect_uri else Response(render_template("devidp/signed-out.html"))
    )
    response.delete_cookie(COOKIE, path="/devidp", httponly=True, samesite="Lax")
    return response


def _ask_again(session: BrowserSession) -> bool:
    if "login" in request.args.get("prompt", "").split():
        return True
    max_age = request.args.get("max_age", "")
    return max_age.isdigit() and time.time() - session.auth_time >= int(max_age)


def _answer(provider: DevelopmentProvider, grant: Any, subject: Subject) -> AnyResponse:
    response: AnyResponse = provider.server.create_authorization_response(grant_user=subject, grant=grant)
    where = response.headers.get("Location")
    if where:
        joiner = "&" if "?" in where else "?"
        response.headers["Location"] = f"{where}{joiner}iss={provider.settings.issuer}"
    return response


def _page(current: User | None, error: str | None = None) -> str:
    return render_template(
        "devidp/sign-in.html",
        people=_people(),
        current=current.username if current is not None else None,
        error=error,
        action=request.full_path,
    )


def _people() -> list[Choice]:
    agencies = {key: name for key, name in db.session.execute(select(Agency.key, Agency.name))}
    users = db.session.execute(select(User).where(User.active.is_(True)).order_by(User.name, User.key)).scalars().all()
    roles: dict[int, list[str]] = {}
    held = select(RoleGrant.user_key, RoleGrant.role).where(held_at(wall_now())).order_by(RoleGrant.key)
    for user_key, role in db.session.execute(held):
        roles.setdefault(user_key, []).append(role_title(role))
    return [
        Choice(
            user.key,
            user.username,
            user.name,
            ", ".join(roles.get(user.key, [])) or "No role",
            agencies.get(user.agency_key, "") if user.agency_key is not None else "",
        )
        for user in users
    ]
