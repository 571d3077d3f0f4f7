"""``audit verify`` and ``audit export``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any


def register(commands: Any) -> None:
    """Add this module's commands."""
    audit = commands.add_parser("audit", help="verify the sealed audit, or export its signed head")
    actions = audit.add_subparsers(dest="action", required=True, metavar="ACTION")
    verify = actions.add_parser("verify", help="find a changed, removed or cut-off entry")
    verify.add_argument("--head", type=Path, metavar="FILE", help="a signed head exported earlier")
    verify.set_defaults(run=_verify)
    export = actions.add_parser("export", help="print the signed head of the chain")
    export.set_defaults(run=_export)


def _verify(given: argparse.Namespace) -> int:
    from app.audit import cli
    from app.cli.serve_commands import application
    from app.settings import load_settings

    app = application(load_settings())
    with app.app_context():
        return cli.verify(given.head)


def _export(_given: argparse.Namespace) -> int:
    from app.audit import cli
    from app.cli.serve_commands import application
    from app.settings import load_settings

    app = application(load_settings())
    with app.app_context():
        return cli.export()
