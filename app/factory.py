"""The application: settings, database, wiring, faces. `create_app` is the only way to make one."""

from __future__ import annotations

import logging
import secrets
from datetime import timedelta
from pathlib import Path

from flask import Flask, Response, g, request
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix

from app import health, keys, logs, wiring
from app.routes import Route
from app.settings import Env, Settings, SettingsError, load_settings, unknown_names
from app.store import faults, promptly, spending
from app.store.clock import load_offset
from app.store.database import db, prepare_engine, reading, set_reading
from app.store.outage import outage
from app.store.vault import Vault

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
# Who asks these needs no business time, and some of them an answer when the database has none.
TIMELESS = (None, "health.healthz", "health.readyz", "web.static")


def create_app(settings: Settings | None = None) -> Flask:
    """Make the application.

    :raises SettingsError: a setting is missing or wrong, in one sentence.
    """
    settings = _with_folder(settings or load_settings())
    _require_known_database(settings)
    faults.arm(settings)
    if settings.env is not Env.TEST:
        logs.configure(settings.log_level)
        if unknown := unknown_names():
            logging.getLogger(__name__).warning("not settings of Convenor: mistyped?", extra={"names": unknown})
    app = Flask("app", static_folder=None, template_folder="web/templates")
    app.url_rule_class = Route
    app.config.update(
        SETTINGS=settings,
        SECRET_KEY=settings.secret_key,
        SQLALCHEMY_DATABASE_URI=settings.sqlalchemy_url,
        SQLALCHEMY_ENGINE_OPTIONS={"hide_parameters": True},
        MAX_CONTENT_LENGTH=(settings.upload_limit_mb + 2) * 1_000_000,
        MAX_FORM_MEMORY_SIZE=4_000_000,
        MAX_FORM_PARTS=4_000,
        PERMANENT_SESSION_LIFETIME=timedelta(hours=settings.session_hours),
        PREFERRED_URL_SCHEME=settings.base_url.partition(":")[0],
        TESTING=settings.env is Env.TEST,
        PROPAGATE_EXCEPTIONS=False,  # a commit that fails is answered in tests as it is elsewhere
    )
    if settings.env is Env.PRODUCTION:  # behind a proxy that ends TLS; in the demo nobody may claim another address
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1, x_host=0)  # type: ignore[method-assign]
    db.init_app(app)
    with app.app_context():
        prepare_engine(db.engine, lease_seconds=settings.lease_seconds)
    app.extensions["convenor.vault"] = Vault(settings.master_key_ring, settings.single_key("index_key"))
    _transactions(app, settings.data if settings.env is not Env.PRODUCTION else None)
    app.register_blueprint(health.bp)
    wiring.wire(app, settings)
    return app


def _with_folder(settings: Settings) -> Settings:
    """The settings with their keys, and the data folder made.

    :raises SettingsError: a key is missing, or there can be no such folder.
    """
    try:
        found = keys.complete(settings)
        found.data.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        if outage(error) is not None:
            raise
        raise SettingsError(
            f"CONVENOR_DATA must be a folder that Convenor may make and write in: {settings.data} is not."
        ) from error
    return found


def _require_known_database(settings: Settings) -> None:
    """:raises SettingsError: the address is of another kind of database, or of none."""
    try:
        kind = make_url(settings.sqlalchemy_url).get_backend_name()
    except (ArgumentError, ValueError):
        kind = ""
    if kind not in ("postgresql", "sqlite"):
        raise SettingsError("CONVENOR_DATABASE_URL must be an address like postgresql://user:password@host/name.")


def _transactions(app: Flask, folder: Path | None) -> None:
    """Returning a response commits, raising rolls back. A GET only reads and takes no write lock.

    :param folder: the data folder of a demo, whose business time may be moved; None in production.
    """

    @app.before_request
    def begin() -> None:
        g.request_id = secrets.token_hex(8)
        set_reading(request.method in SAFE)
        if folder is not None and request.endpoint not in TIMELESS:
            with reading():
                load_offset(folder)
                db.session.rollback()  # a transaction that began as a reader's may not go on to write
        spending.account(request.method not in SAFE)

    @app.after_request
    def finish(response: Response) -> Response:
        response.headers["X-Request-Id"] = g.get("request_id", "")
        if g.get("rolled_back", False):
            db.session.rollback()
        elif db.session.registry.has():
            if request.method not in SAFE:
                faults.point("request.before-commit")
            db.session.commit()
            if request.method not in SAFE:
                faults.point("request.after-commit")
                promptly.begin(app)
        set_reading(False)
        return response

    @app.teardown_request
    def end(error: BaseException | None) -> None:
        set_reading(False)
        spending.account(False)
        if error is not None and not isinstance(error, HTTPException):
            db.session.rollback()
