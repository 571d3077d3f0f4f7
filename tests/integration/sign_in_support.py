"""A small application with only what signing in needs, over a database file of its own."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

from flask import Blueprint, Flask, g, jsonify, request
from flask_wtf import CSRFProtect
from jinja2 import ChoiceLoader, DictLoader, FileSystemLoader, PackageLoader, PrefixLoader

from app import audit
from app.devidp import init_app as init_development_provider
from app.errors import ConvenorError
from app.identity import service as identity
from app.identity.errors import FreshSignInNeeded, SignInNeeded
from app.identity.transport import Transport
from app.settings import Settings
from app.store.database import db, prepare_engine, set_reading
from app.store.vault import Vault
from app.web import auth

TEMPLATES = Path(auth.__file__).parent / "templates"
LAYOUT = "<!DOCTYPE html><title>{% block title %}{% endblock %}</title>{% block sign_in %}{% endblock %}{% block content %}{% endblock %}"
KEY = "A" * 43 + "="


def settings_for(folder: Path, **overrides: Any) -> Settings:
    """Settings of a test installation."""
    values: dict[str, Any] = {
        "env": "test",
        "data": folder,
        "base_url": "http://localhost",
        "secret_key": secrets.token_urlsafe(32),
        "master_keys": f"1:{KEY}",
        "index_key": KEY,
        "audit_key": KEY,
    }
    return Settings(**(values | overrides))


def small_app(
    settings: Settings, *, transport: Transport | None = None, create: bool = True, **auth_options: Any
) -> Flask:
    """The application: sign-in pages, the development provider unless another is set, and pages that say who asks."""
    app = Flask("small")
    app.config.update(
        SECRET_KEY=settings.secret_key,
        SQLALCHEMY_DATABASE_URI=settings.sqlalchemy_url,
        WTF_CSRF_ENABLED=False,
        TESTING=True,
    )
    app.jinja_loader = ChoiceLoader(
        [
            DictLoader({"layout.html": LAYOUT}),
            FileSystemLoader(TEMPLATES),
            PrefixLoader({"govuk_frontend_jinja": PackageLoader("govuk_frontend_jinja")}),
        ]
    )
    app.jinja_env.filters["moment"] = str
    db.init_app(app)
    app.extensions["convenor.vault"] = Vault(settings.master_key_ring, settings.single_key("index_key"))

    @app.before_request
    def _begin() -> None:
        g.request_id = secrets.token_hex(8)
        set_reading(request.method == "GET")

    @app.after_request
    def _finish(response: Any) -> Any:
        if db.session.registry.has():
            db.session.commit()
        set_reading(False)
        return response

    csrf = CSRFProtect(app)
    with app.app_context():
        prepare_engine(db.engine)
    audit.init_app(app, settings)
    identity.init_app(app, settings, transport=transport)
    auth.init_app(app, **auth_options)
    if settings.development_provider:
        init_development_provider(app, settings, csrf)
    app.context_processor(lambda: {"person": identity.person_or_none()})

    @app.errorhandler(ConvenorError)
    def _refused(error: ConvenorError) -> tuple[str, int]:
        db.session.rollback()
        if isinstance(error, FreshSignInNeeded):
            return f"fresh:{error.back}", 403
        return ("sign in", 401) if isinstance(error, SignInNeeded) else (error.message, error.status)

    open_pages = Blueprint("public", __name__)

    @open_pages.get("/")
    def _home() -> str:
        person = identity.person_or_none()
        return person.username if person else "nobody"

    @app.get("/who")
    def _who() -> Any:
        person = identity.current_person()
        return jsonify(username=person.username, roles=sorted(person.role_slugs), fresh=identity.is_fresh(person))

    @app.get("/release")
    def _release() -> str:
        identity.require_fresh(identity.current_person())
        return "released"

    @app.get("/v2/who")
    def _api() -> Any:
        person = identity.person_from_bearer()
        return jsonify(username=person.username, client=person.client, fresh=identity.is_fresh(person))

    app.register_blueprint(open_pages)
    if create:
        with app.app_context():
            db.create_all()
    return app
