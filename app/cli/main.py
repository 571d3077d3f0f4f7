"""``convenor``: parses the command line and calls the rooms below. A refusal is one line on standard error."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Sequence

from app.cli import (
    audit_commands,
    demo_commands,
    incident_commands,
    keep_commands,
    moving_commands,
    procedure_commands,
    serve_commands,
    set_up_command,
)
from app.errors import ConvenorError
from app.settings import SettingsError


def parser() -> argparse.ArgumentParser:
    """Every command and option."""
    root = argparse.ArgumentParser(
        prog="convenor", description="A BPMN process server for multi-agency public protection."
    )
    commands = root.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for module in (
        serve_commands,
        set_up_command,
        demo_commands,
        procedure_commands,
        moving_commands,
        incident_commands,
        audit_commands,
        keep_commands,
    ):
        module.register(commands)
    return root


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command. Exit codes: 0 done, 1 refused or problems found, 2 wrong command line or setting."""
    if arguments is None:
        _as_program()
    given = parser().parse_args(arguments)
    try:
        return int(given.run(given) or 0)
    except SettingsError as error:
        print(f"convenor: {error.message}", file=sys.stderr)
        return 2
    except ConvenorError as error:
        print(f"convenor: {error.message}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # `convenor incidents list | head`: nobody reads on
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:
        said = _outage(error)
        if said is None:
            raise
        print(f"convenor: {said}", file=sys.stderr)
        return 1


def _as_program() -> None:
    """What a process of its own needs: its files are nobody else's business, and a signal ends it. The first process of a container is
    not ended by one that it does not handle."""
    os.umask(0o077)
    signal.signal(signal.SIGTERM, _end)


def _end(*_: object) -> None:
    raise SystemExit(128 + signal.SIGTERM)


def _outage(error: Exception) -> str | None:
    """What an operator is told when the database or the disk is in the way; None for a fault of ours."""
    from app.store.outage import Away, Busy, NoRoom, outage

    told = {
        NoRoom: "A disk is full: that of the database, of CONVENOR_DATA or of the file to be written. "
        "Nothing is half done; make room, then do it again.",
        Busy: "Others kept the database busy for too long. Nothing is half done; do it again.",
        Away: "The database cannot be reached or read, or a file not be written. Is CONVENOR_DATABASE_URL right, is the database running, "
        "and is no disk over its quota?",
    }
    found = outage(error)
    return told.get(type(found)) if found is not None else None


if __name__ == "__main__":
    raise SystemExit(main())
