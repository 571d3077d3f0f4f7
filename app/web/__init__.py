"""The pages: server-rendered in the manner of the GOV.UK Design System. Views ask a room below and draw the answer; no rules here."""

from __future__ import annotations

from flask import Flask
from flask_wtf.csrf import CSRFProtect

from app.settings import Settings
from app.web import (
    answers,
    assets,
    auditing,
    case_acts,
    case_changes,
    chairing,
    diagrams,
    errors,
    inbox,
    incidents,
    manage_agencies,
    manage_parameters,
    manage_people,
    meetings,
    papers,
    public,
    room,
    security,
    sheet,
    signing,
    tasks,
    templating,
)
from app.web.keys import KeyConverter

PAGES = (
    assets,
    public,
    inbox,
    tasks,
    answers,
    sheet,
    case_acts,
    case_changes,
    chairing,
    meetings,
    room,
    signing,
    papers,
    diagrams,
    manage_people,
    manage_agencies,
    manage_parameters,
    incidents,
    auditing,
)

csrf = CSRFProtect()


def init_app(app: Flask, settings: Settings) -> None:
    """Put the pages into an application. Blueprints that authenticate with tokens must be exempted from :data:`csrf`."""
    app.config.update(WTF_CSRF_TIME_LIMIT=None, WTF_CSRF_SSL_STRICT=settings.base_url.startswith("https://"))
    app.url_map.converters["key"] = KeyConverter
    templating.init_app(app, settings)  # first: it says what kind of template environment there is
    csrf.init_app(app)
    security.init_app(app, settings)
    errors.init_app(app)
    for blueprint in dict.fromkeys(module.blueprint for module in PAGES):  # some modules share one
        app.register_blueprint(blueprint)
