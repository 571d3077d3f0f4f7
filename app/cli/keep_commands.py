"""``backup``, ``restore``, ``rotate-key``: keeping an installation."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any


def register(commands: Any) -> None:
    """Add this module's commands."""
    backup = commands.add_parser("backup", help="back the database up into a new file, while people work")
    backup.add_argument("file", type=Path, metavar="FILE")
    backup.set_defaults(run=_backup)
    restore = commands.add_parser("restore", help="restore a backup into an empty database")
    restore.add_argument("file", type=Path, metavar="FILE")
    restore.add_argument(
        "--head", type=Path, metavar="HEAD", help="a signed head of the audit exported before the backup"
    )
    restore.set_defaults(run=_restore)
    rotate = commands.add_parser("rotate-key", help="wrap every case's key under the newest master key")
    rotate.set_defaults(run=_rotate)


def _backup(given: argparse.Namespace) -> int:
    from app.cli.serve_commands import application
    from app.keeping import backup
    from app.settings import load_settings

    app = application(load_settings())
    with app.app_context():
        made = backup.make(given.file)
    print(f"{made.file}: {made.rows:,} rows, {made.size:,} bytes. Keep the keys and the ledgers elsewhere.")
    return 0


def _restore(given: argparse.Namespace) -> int:
    from app import audit
    from app.cli.serve_commands import application
    from app.keeping.restore import restore
    from app.settings import load_settings

    app = application(load_settings(), check=False)
    with app.app_context():
        done = restore(app, given.file)
        print(f"{done.rows:,} rows are restored. Everybody must sign in again.")
        print(f"Cases destroyed again because the ledger lists them: {done.destroyed}.")
        print(f"Notices that had gone out already and will not be sent again: {done.sent}.")
        if done.set_aside:
            print(
                f"Batches of the audit sealed after the backup, and lost with it: {done.set_aside} (their heads are set aside)."
            )
        report = audit.verify(given.head)
    for finding in report.findings:
        print(finding)
    if given.head is not None and not report.sound:
        print("A head that is given with --head must have been exported before the backup was made.")
    print(
        "The audit is complete and unchanged."
        if report.sound
        else "The audit does not verify: do not serve from this database."
    )
    return 0 if report.sound else 1


def _rotate(_given: argparse.Namespace) -> int:
    from app.cli.serve_commands import application
    from app.keeping import rotation
    from app.settings import load_settings

    app = application(load_settings())
    with app.app_context():
        done = rotation.rotate()
        in_use = rotation.versions()
    print(f"{done.wrapped:,} keys were wrapped again; version {done.version} wraps every key.")
    if older := sorted(set(in_use) - {done.version}):
        print(f"Still in use: {', '.join(map(str, older))}. Run the command again.")
        return 1
    print("Earlier versions can be taken out of CONVENOR_MASTER_KEYS, except where backups still need them.")
    return 0
