"""``incidents``: what has stopped, and trying it again, from the command line of whoever runs the service.

No case is changed from here: a correction, a skip or a move needs two people with their names, on the pages or through the API.
"""

from __future__ import annotations

import argparse
import json
from typing import Any

from app.cli import numbers
from app.cli.people import person_called


def register(commands: Any) -> None:
    """Add this module's commands."""
    incidents = commands.add_parser("incidents", help="what has stopped and waits for somebody to mend it")
    acts = incidents.add_subparsers(dest="act", required=True, metavar="ACT")
    listing = acts.add_parser("list", help="open incidents, oldest first")
    _filters(listing)
    listing.add_argument("--json", action="store_true", help="as JSON, one object for each")
    listing.set_defaults(run=_list)
    show = acts.add_parser("show", help="one incident: cause, what it saw, how it may be mended")
    show.add_argument("key", type=numbers.key, metavar="KEY")
    show.set_defaults(run=_show)
    retry = acts.add_parser("retry", help="try again: the incidents named, or all that match")
    retry.add_argument("keys", nargs="*", type=numbers.key, metavar="KEY")
    _filters(retry)
    retry.set_defaults(run=_retry)
    leave = acts.add_parser(
        "leave", help="never send notices that failed: who they were for knows, or is not there any more"
    )
    leave.add_argument("keys", nargs="+", type=numbers.key, metavar="KEY")
    leave.add_argument("--by", required=True, metavar="USER", help="the operator who answers for it")
    leave.set_defaults(run=_leave)


def _filters(parser: Any) -> None:
    parser.add_argument("--kind", default="", help="for instance CONDITION, OPERATION, ROLE, NOTICE")
    parser.add_argument("--procedure", default="", help="the id of a process")
    parser.add_argument("--element", default="", help="the id of an element")
    parser.add_argument("--older-than", type=numbers.small, default=None, metavar="HOURS")


def _rows(given: argparse.Namespace) -> Any:
    from app.operations.mending import Filters, finding

    filters = Filters(given.kind, given.procedure, given.element, older_than=given.older_than)
    return finding.matching(filters)


def _app() -> Any:
    from app.cli.serve_commands import application
    from app.settings import load_settings

    return application(load_settings())


def _list(given: argparse.Namespace) -> int:
    with _app().app_context():
        rows = _rows(given)
        for row in rows:
            if given.json:
                print(
                    json.dumps(
                        {
                            "key": str(row.key),
                            "kind": row.kind,
                            "process": row.process_id,
                            "element": row.element_id,
                            "instance": str(row.instance_key) if row.instance_key else None,
                            "message": row.message,
                            "since": row.created_at.isoformat(),
                        }
                    )
                )
            else:
                where = f"{row.process_id}/{row.element_id}".strip("/")
                print(f"{row.key}  {row.created_at:%Y-%m-%d %H:%M}  {row.kind}  {where}  {row.message}")
        if not rows and not given.json:
            print("Nothing has stopped.")
    return 0


def _show(given: argparse.Namespace) -> int:
    from app.operations.mending import finding
    from app.runtime import mending as engine
    from app.runtime import service as runtime
    from app.runtime.models import IncidentState

    with _app().app_context():
        row = engine.find_incident(given.key, active=False)
        print(f"{row.kind} at {row.element_id or '-'} in {row.process_id or '-'}, instance {row.instance_key or '-'}")
        if reference := finding.case_of(row):
            print(f"Case {reference}: tell its co-ordinator that it stands still.")
        if recipient := finding.recipient_of(row):
            print(f"To {recipient}.")
        print(runtime.cause_of(row))
        if row.details.get("expression"):
            print(f"Expression: {row.details['expression']}")
        if row.state != IncidentState.ACTIVE:
            print("Over.")
            return 0
        offered = engine.choices(row.key)
        print(f"Variables that may be corrected: {', '.join(offered.variables) or 'none'}")
        print(f"Skip: {offered.not_skipped or 'may be proposed'}")
        print(f"Move: {', '.join(t.element_id for t in offered.targets) or offered.not_moved}")
    return 0


def _retry(given: argparse.Namespace) -> int:
    from app.errors import ConvenorError
    from app.operations import mending
    from app.store.database import db

    with _app().app_context():
        keys = given.keys or [row.key for row in _rows(given)]
        stopped = 0
        for key in keys:
            try:
                went_on = mending.retry_unattended(key)
                db.session.commit()
                told = "went on" if went_on else "stopped again"
            except ConvenorError as error:  # over already, perhaps; the others are tried all the same
                db.session.rollback()
                went_on, told = False, error.message
            stopped += not went_on
            print(f"{key}  {told}")
        if not keys:
            print("Nothing has stopped.")
    return 1 if stopped else 0


def _leave(given: argparse.Namespace) -> int:
    from app.errors import ConvenorError
    from app.operations import mending
    from app.store.database import db

    with _app().app_context():
        refused = 0
        for key in given.keys:
            try:
                mending.leave_unsent(person_called(given.by), key)
                db.session.commit()
                told = "left"
            except ConvenorError as error:
                db.session.rollback()
                refused, told = refused + 1, error.message
            print(f"{key}  {told}")
    return 1 if refused else 0
