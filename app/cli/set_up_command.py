"""``set-up``: an area, its agencies and its people from a file."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from app.errors import Invalid


def register(commands: Any) -> None:
    """Add this module's command."""
    set_up = commands.add_parser("set-up", help="enter an area, its agencies and its people from a file")
    set_up.add_argument("file", metavar="FILE", help="JSON; - reads it from standard input")
    set_up.set_defaults(run=_set_up)


def _read(name: str) -> object:
    """:raises Invalid: there is no such file, or it is no JSON."""
    called = "Standard input" if name == "-" else name
    try:
        if name == "-":
            content = sys.stdin.buffer.read() if sys.stdin is not None else b""
        else:
            with open(name, "rb") as file:
                content = file.read()
    except OSError:
        raise Invalid(f"{called} cannot be read.", resource_id=name) from None
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        where = f", line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        raise Invalid(f"{called} is not JSON{where}.", resource_id=name) from None


def _set_up(given: argparse.Namespace) -> int:
    from app.cli.serve_commands import application
    from app.operations.setting_up import SetUpRefused, enter
    from app.settings import load_settings
    from app.store.database import db

    said = _read(given.file)
    app = application(load_settings())
    with app.app_context():
        try:
            done = enter(said)
        except SetUpRefused as refused:
            for problem in refused.problems:
                print(problem)
            raise
        db.session.commit()
    print(f"{done.area}: the area {'is entered' if done.new_area else 'was there'}.")
    print(
        f"Entered: {done.agencies} agencies, {done.people} people. There already, and left as they are: {done.known}."
    )
    if not done.published:
        print(f"Publish its procedures: convenor publish --area {done.area} processes forms")
    if not done.co_ordinated:
        print("Nobody is its MARAC Co-ordinator: nobody can give roles.")
    return 0
