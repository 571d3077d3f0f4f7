"""``check``, ``publish``, ``feel``: diagrams, decisions and forms from the command line."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from app.errors import Invalid
from app.problems import Problem, Severity


def register(commands: Any) -> None:
    """Add this module's commands."""
    check = commands.add_parser("check", help="check diagrams, decisions and forms together")
    check.add_argument("files", nargs="+", type=Path, metavar="FILE")
    check.set_defaults(run=_check)
    publish = commands.add_parser("publish", help="publish diagrams, decisions and forms as one release")
    publish.add_argument("--area", required=True, help="the area's short name")
    publish.add_argument("files", nargs="+", type=Path, metavar="FILE")
    publish.set_defaults(run=_publish)
    feel = commands.add_parser("feel", help="evaluate a FEEL expression and explain it")
    feel.add_argument("expression")
    feel.add_argument("--with", dest="variables", default="{}", metavar="JSON", help="the variables, as JSON")
    feel.set_defaults(run=_feel)


def read_files(paths: list[Path]) -> dict[str, bytes]:
    """Files by name; folders are searched for .bpmn, .dmn and .form.

    :raises Invalid: a file cannot be read, or two have one name.
    """
    found: dict[str, bytes] = {}
    for path in paths:
        members = (
            sorted(p for p in path.rglob("*") if p.suffix in {".bpmn", ".dmn", ".form"}) if path.is_dir() else [path]
        )
        if not members:
            raise Invalid(f"{path} holds no diagram, decision or form.", resource_id=str(path))
        for member in members:
            try:
                content = member.read_bytes()
            except OSError:
                raise Invalid(f"{member} cannot be read.", resource_id=str(member)) from None
            if found.setdefault(member.name, content) != content:
                raise Invalid(f"Two files are named {member.name}.", resource_id=member.name)
    return found


def _check(given: argparse.Namespace) -> int:
    from app.operations.publishing import check_files

    problems: list[Problem] = check_files(read_files(given.files))
    for problem in problems:
        print(problem.line())
    return 1 if any(p.severity is Severity.ERROR for p in problems) else 0


def _publish(given: argparse.Namespace) -> int:
    from app.cli.serve_commands import application
    from app.operations.publishing import publish_to_area
    from app.runtime.errors import ReleaseRefused
    from app.settings import load_settings
    from app.store.database import db

    app = application(load_settings())
    with app.app_context():
        try:
            release = publish_to_area(given.area, read_files(given.files), by=None)
        except ReleaseRefused as refused:
            for problem in refused.problems:
                print(problem.line())
            raise
        db.session.commit()
        print(f"Release {release.number} is published in {given.area}.")
    return 0


def _feel(given: argparse.Namespace) -> int:
    from app.feel.cli import told

    text, evaluated = told(given.expression, given.variables)
    sys.stdout.write(text.rstrip("\n") + "\n")
    return 0 if evaluated else 1
