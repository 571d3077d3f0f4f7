"""``demo`` and ``token``: the demo's people and clock. Refused in production."""

from __future__ import annotations

import argparse
import json
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from app.errors import Invalid, NotAllowed
from app.settings import Env, Settings, load_settings

if TYPE_CHECKING:
    from flask import Flask

LAST_YEAR = 2999


def register(commands: Any) -> None:
    """Add this module's commands."""
    demo = commands.add_parser("demo", help="the demo's people and its clock")
    actions = demo.add_subparsers(dest="action", required=True, metavar="ACTION")
    people = actions.add_parser("people", help="whom to sign in as")
    people.add_argument("--json", action="store_true", help="as JSON, with client secrets for scripts")
    people.set_defaults(run=_people)
    advance = actions.add_parser("advance", help="move the demo's business time, for instance P3D or PT6H")
    advance.add_argument("duration", help="an ISO 8601 duration")
    advance.set_defaults(run=_advance)
    token = commands.add_parser("token", help="print an API token for a demo person")
    token.add_argument("person", help="the person's user name")
    token.set_defaults(run=_token)


def _demo_settings() -> Settings:
    import os

    os.environ.setdefault("CONVENOR_ENV", "demo")
    settings = load_settings()
    if settings.env is Env.PRODUCTION:
        raise NotAllowed("The demo's commands are refused in production.")
    return settings


def _demo_application(settings: Settings) -> Flask:
    from app.cli.serve_commands import application
    from app.demo import seed

    app = application(settings)
    with app.app_context():
        seed.require_none_real()
    return app


def _people(given: argparse.Namespace) -> int:
    from app.demo import people

    app = _demo_application(_demo_settings())
    with app.app_context():
        print(json.dumps(people.as_json(app), indent=2) if given.json else people.who_to_be())
    return 0


def _advance(given: argparse.Namespace) -> int:
    from app import feel
    from app.store.clock import LONDON, business_now, load_offset, store_advance
    from app.store.database import db

    micro = feel.to_python(feel.evaluate('duration(d) / duration("PT0.000001S")', {"d": given.duration}))
    if micro is None:
        raise Invalid(f"“{given.duration}” is not a duration of days and time: write it like P3D or PT6H.")
    if micro < 0:
        raise Invalid("Business time only moves forwards.")
    settings = _demo_settings()
    app = _demo_application(settings)
    with app.app_context():
        load_offset()
        store_advance(_within_reach(int(micro), business_now()), settings.data)
        db.session.commit()
        now = business_now().astimezone(LONDON)
    print(f"In the demo it is now {now:%A} {now.day} {now:%B %Y, %H:%M}. Timers that are due fire within seconds.")
    return 0


def _within_reach(microseconds: int, now: datetime) -> timedelta:
    """:raises Invalid: time would go on to where deadlines cannot be reckoned any more; nothing brings it back."""
    try:
        by = timedelta(microseconds=microseconds)
        reached = (now + by).year <= LAST_YEAR
    except OverflowError:
        reached = False
    if not reached:
        raise Invalid(f"In the demo time goes no further than the year {LAST_YEAR}.")
    return by


def _token(given: argparse.Namespace) -> int:
    from app.demo import people

    app = _demo_application(_demo_settings())
    with app.app_context():
        print(people.token_for(app, given.person))
    return 0
