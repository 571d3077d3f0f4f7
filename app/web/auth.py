"""Signing in and out, and what somebody without a role is told."""

from __future__ import annotations

import logging
import secrets
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Flask, current_app, redirect, render_template, request, session, url_for
from sqlalchemy import select
from werkzeug.wrappers import Response

from app import audit
from app.agencies import service as agencies
from app.agencies.models import Agency, Area
from app.errors import Unavailable
from app.identity.active import end_sessions, open_sessions
from app.identity.addresses import HOME, safe_next
from app.identity.claims import FindAgency, user_signing_in
from app.identity.errors import SignInRefused
from app.identity.freshness import require_fresh
from app.identity.limits import count_sign_in
from app.identity.register import person_for
from app.identity.roles import role_title
from app.identity.service import current_person, person_or_none
from app.identity.sessions import ServerSession
from app.identity.state import identity
from app.store.database import db, short_write

if TYPE_CHECKING:
    from app.identity.provider import SignedIn

log = logging.getLogger(__name__)
blueprint = Blueprint("auth", __name__)

_FIND_AGENCY = "convenor.auth.find_agency"


# Blueprints that anybody may use without signing in. The API checks tokens by itself.
OPEN = frozenset({"auth", "devidp", "health", "public", "signing", "web"})
API = "/v2"


def init_app(app: Flask, *, find_agency: FindAgency | None = None) -> None:
    """Add the pages, and close every other page to who is not signed in or has no role.

    :param find_agency: what an agency claim means, where roles come from the provider's claims; an agency's slug when None.
    """
    app.extensions[_FIND_AGENCY] = find_agency or agency_by_slug
    app.register_blueprint(blueprint)
    app.before_request(gate)


def gate() -> Response | None:
    """Default deny: a page is open only if its blueprint is named as open.

    :raises SignInNeeded: nobody is signed in.
    """
    if (
        request.endpoint is None
        or request.blueprint in OPEN
        or request.path == API
        or request.path.startswith(f"{API}/")
    ):
        return None
    return None if current_person().roles else redirect(url_for("auth.no_role"))


def agency_by_slug(name: str, area_key: int | None) -> tuple[int, int] | None:
    """(agency key, area key) of the one active agency that a name means: its slug, or ``area/agency`` where several areas have one of that
    slug; without an area the one of the area where the person is known. None when it means none, or more than one."""
    area, _, slug = name.rpartition("/")
    query = select(Agency.key, Agency.area_key).where(Agency.slug == slug, Agency.active)
    if area:
        query = query.join(Area, Area.key == Agency.area_key).where(Area.slug == area)
    found = db.session.execute(query).all()
    if len(found) > 1:
        found = [row for row in found if row.area_key == area_key]
    return (found[0].key, found[0].area_key) if len(found) == 1 else None


@blueprint.get("/sign-in")
def sign_in() -> Response:
    """Off to the identity provider, unless the person is signed in already and need not prove it again."""
    count_sign_in()
    back = safe_next(request.args.get("next"))
    held = _session()
    fresh = request.args.get("fresh") == "1" or held.ended_idle or bool(held.get("prove"))
    if held.person is not None and not fresh:
        return redirect(back)
    if held.ended_idle:
        held["prove"] = True
    return redirect(identity().provider.begin(back, fresh=fresh))


@blueprint.get("/sign-in/callback")
def callback() -> Response | tuple[str, int]:
    """Back from the identity provider."""
    held = _session()
    before = held.person
    if before is not None and not _waiting(request.args.get("state", "")):
        # The browser's "back" after signing in: nothing is wrong, and nothing is done.
        return redirect(HOME)
    try:
        signed = identity().provider.complete()
        key = _begin_session(held, signed)
    except SignInRefused as error:
        return _refused(error)
    except Unavailable as error:
        return render_template("auth/refused.html", title=error.title, message=error.message), error.status
    person = person_for(key)
    if not person.roles:
        return redirect(url_for("auth.no_role"))
    if signed.fresh and before is not None and before.key != key:
        return redirect(HOME)
    return redirect(safe_next(signed.next))


@blueprint.route("/sign-out", methods=["GET", "POST"])
def sign_out() -> Response | str:
    """End the session here, then at the provider. A link can only ask; the button does."""
    held = _session()
    person = held.person
    if request.method == "GET":
        return render_template("auth/sign-out.html") if person is not None else redirect(url_for("auth.sign_out_done"))
    id_token = held.get("id_token")
    with short_write():
        held.end()
        if person is not None:
            audit.record("sign-out", actor=person, subject=f"user:{person.key}")
    done = url_for("auth.sign_out_done")
    if person is None:
        return redirect(done)
    base = identity().settings.base_url
    at_provider = identity().provider.logout_address(id_token, f"{base}{done}", secrets.token_urlsafe(16))
    return redirect(at_provider or done)


@blueprint.get("/sign-out/done")
def sign_out_done() -> str:
    """You have signed out."""
    return render_template("auth/signed-out.html")


@blueprint.get("/no-role")
def no_role() -> Response | str:
    """Signed in, and nobody has given the person anything to do."""
    person = person_or_none()
    if person is None or person.roles:
        return redirect(HOME)
    return render_template("auth/no-role.html")


@blueprint.get("/account")
def account() -> str:
    """Who the person is to Convenor, and in which browsers they are signed in."""
    person = current_person()
    names = agencies.names(person.area_key) if person.area_key is not None else {}
    roles = sorted((role_title(role), names.get(at, "") if at is not None else "") for role, at in person.roles)
    return render_template("auth/account.html", roles=roles, sessions=open_sessions(person.key))


@blueprint.post("/account/sign-out-elsewhere")
def sign_out_elsewhere() -> Response:
    """End the person's sessions in other browsers. They prove first that it is them."""
    person = current_person()
    require_fresh(person, back=url_for("auth.account"))
    end_sessions((person.key,), except_key=person.session_key)
    audit.record("sign-out.elsewhere", actor=person, subject=f"user:{person.key}")
    db.session.commit()
    return redirect(url_for("auth.account"))


def _begin_session(held: ServerSession, signed: SignedIn) -> int:
    """Enter the person, rotate the session and record it, in one transaction; the user's key.

    :raises SignInRefused: the person may not use Convenor, or another answer to the same sign-in was first.
    """
    find_agency: FindAgency | None = current_app.extensions.get(_FIND_AGENCY)
    with short_write():
        user = user_signing_in(signed.claims, identity().settings, find_agency)
        try:
            held.start(user.key, signed.auth_time, id_token=signed.id_token)
        except LookupError:
            raise SignInRefused("This sign-in has already been used. Start again from the sign-in page.") from None
        audit.record("sign-in.again" if signed.fresh else "sign-in", actor=user.key, subject=f"user:{user.key}")
        return user.key


def _refused(error: SignInRefused) -> tuple[str, int]:
    db.session.rollback()
    log.warning("sign-in refused", extra={"reason": error.resource_id or "state"})
    with short_write():
        audit.record("sign-in.refused", subject=(error.resource_id or "state")[:60])
    return render_template("auth/refused.html", title=error.title, message=error.message), error.status


def _waiting(state: str) -> bool:
    return bool(state) and any(name.startswith("_state_") and name.endswith(f"_{state}") for name in session)


def _session() -> ServerSession:
    held: Any = session._get_current_object()  # type: ignore[attr-defined]
    assert isinstance(held, ServerSession)
    return held
