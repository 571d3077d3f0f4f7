"""``move``: running cases follow a procedure to another of its releases. ``plan`` first; it changes nothing."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING, Any

from app.cli import numbers
from app.cli.people import person_called
from app.errors import Invalid
from app.store.keys import key_in

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.identity.person import Person
    from app.runtime.moving import Moving
    from app.workshop.asking import Asked


def register(commands: Any) -> None:
    """Add this module's commands."""
    move = commands.add_parser("move", help="move running cases to another release of their procedure")
    verbs = move.add_subparsers(dest="verb", required=True, metavar="VERB")
    plan = _asking(verbs.add_parser("plan", help="which cases can move, which cannot and why; changes nothing"))
    plan.set_defaults(run=_plan)
    start = _asking(verbs.add_parser("start", help="begin to move them; a worker does it, case by case"))
    start.add_argument("--by", required=True, metavar="USER", help="the process owner who asks for it")
    start.set_defaults(run=_start)
    status = verbs.add_parser("status", help="how far a move is")
    status.add_argument("id", metavar="ID")
    status.add_argument("--json", action="store_true", help="as JSON")
    status.set_defaults(run=_status)
    undo = verbs.add_parser("undo", help="move back every case in which nothing has happened since")
    undo.add_argument("id", metavar="ID")
    undo.add_argument("--by", required=True, metavar="USER", help="the process owner who asks for it")
    undo.add_argument("--json", action="store_true", help="as JSON")
    undo.set_defaults(run=_undo)
    resume = verbs.add_parser("resume", help="take over a move whose process owner may not do it any more")
    resume.add_argument("id", metavar="ID")
    resume.add_argument("--by", required=True, metavar="USER", help="the process owner who takes it over")
    resume.add_argument("--json", action="store_true", help="as JSON")
    resume.set_defaults(run=_resume)


def _asking(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    parser.add_argument("process", metavar="PROCESS", help="the process id")
    parser.add_argument(
        "--from",
        dest="source",
        type=numbers.small,
        metavar="VERSION",
        help="the version they run on; any when left out",
    )
    parser.add_argument(
        "--to",
        dest="target",
        type=numbers.small,
        metavar="VERSION",
        help="the version to move to; the newest when left out",
    )
    parser.add_argument("--map", action="append", default=[], metavar="OLD=NEW", help="an element that has another id")
    parser.add_argument(
        "--instance", action="append", type=numbers.key, metavar="KEY", help="only this instance; may be repeated"
    )
    parser.add_argument(
        "--recompute-deadline",
        dest="recompute",
        action="append",
        default=[],
        metavar="NAME",
        help="a deadline, timer or task whose time is worked out again by the new rule; needs --reason",
    )
    parser.add_argument("--reason", default="", help="why; it is kept with each case")
    parser.add_argument("--area", metavar="AREA", help="the area's short name, where several have the procedure")
    parser.add_argument("--json", action="store_true", help="as JSON")
    return parser


def _mapping(pairs: list[str]) -> dict[str, str]:
    """:raises Invalid: not of the form ``old=new``, or one element twice."""
    found: dict[str, str] = {}
    for pair in pairs:
        old, equals, new = pair.partition("=")
        if not (equals and old.strip() and new.strip()):
            raise Invalid(f"{pair} is no mapping. Write OLD=NEW.", resource_id=pair)
        if found.setdefault(old.strip(), new.strip()) != new.strip():
            raise Invalid(f"The element {old} is mapped twice.", resource_id=old)
    return found


def _area(slug: str | None, process_id: str) -> int:
    """:raises Invalid: no such area, or it must be named."""
    from sqlalchemy import select

    from app.agencies.models import Area
    from app.runtime.models import ProcessDefinition
    from app.store.database import db

    areas = {area.slug: area.key for area in db.session.execute(select(Area)).scalars()}
    if slug is not None:
        if slug not in areas:
            raise Invalid(f"There is no area named {slug}.", resource_id=slug)
        return areas[slug]
    having = select(ProcessDefinition.area_key).where(ProcessDefinition.process_id == process_id).distinct()
    keys = set(db.session.execute(having).scalars())
    if not keys:
        raise Invalid(f"There is no process {process_id}.", resource_id=process_id)
    if len(keys) > 1:
        names = ", ".join(sorted(name for name, key in areas.items() if key in keys))
        raise Invalid(f"Several areas have this process: name one with --area ({names}).", resource_id=process_id)
    return keys.pop()


def _asked(given: argparse.Namespace) -> Asked:
    from app.workshop import asking

    return asking.by_versions(
        _area(given.area, given.process),
        given.process,
        given.source,
        given.target,
        mapping=_mapping(given.map),
        instances=given.instance,
        recompute=given.recompute,
        reason=given.reason,
    )


def _key(text: str) -> int:
    found = key_in(text)
    if found is None:
        raise Invalid(f"{text} is not the id of a move.", resource_id=text)
    return found


def _plan(given: argparse.Namespace) -> int:
    from app.cli.serve_commands import application
    from app.settings import load_settings
    from app.workshop import planning, telling

    app = application(load_settings())
    with app.app_context():
        told = telling.plan(planning.outlook(_asked(given)))
    if given.json:
        print(json.dumps(told, indent=2))
    else:
        _print_plan(told)
    return 0 if told["cannotMove"] == 0 else 1


def _print_plan(told: dict[str, Any]) -> None:
    source = f"version {told['sourceVersion']}" if told["sourceVersion"] is not None else "any version"
    print(f"{told['processDefinitionId']}: from {source} to version {told['targetVersion']}.")
    print(f"{told['canMove']} of {told['instances']} cases can move.")
    for each in told["reasons"]:
        print(f"  {each['instances']} cannot: {each['reason']}")
    for case in told["cases"]:
        lines = [*_changes(case)]
        if lines and case["canMove"]:
            print(f"{case['processInstanceKey']}:")
            for line in lines:
                print(f"  {line}")
    recomputed = [d for case in told["cases"] for d in case["deadlines"] if d["moves"]]
    if not recomputed:
        print("No deadline moves.")


def _changes(case: dict[str, Any]) -> list[str]:
    lines = []
    for task in case["tasks"]:
        renamed = f" becomes {task['targetElementId']}" if task["targetElementId"] != task["elementId"] else ""
        what = ", ".join(name.removeprefix("property:") for name in task["changed"])
        lines.append(f"task {task['elementId']}{renamed}{': other ' + what if what else ''}")
    for draft in case["drafts"]:
        lost = draft["answersWithoutPlace"]
        lines.append(
            f"draft of {draft['elementId']} is kept ({draft['people']} people have typed)"
            + (f"; {lost} answers have no question in the new form" if lost else "")
        )
    for timer in case["timers"]:
        would = (
            f", by the new rule it would be {timer['wouldBe']}" if timer["what"] == "kept" and timer["wouldBe"] else ""
        )
        lines.append(f"timer {timer['elementId']} {timer['what']}: due {timer['due']}{would}")
    for deadline in case["deadlines"]:
        name = deadline["name"] or f"due date of {deadline['elementId']}"
        if deadline["moves"]:
            lines.append(f"deadline {name} MOVES from {deadline['due']} to {deadline['wouldBe']}")
        else:
            lines.append(f"deadline {name} stays {deadline['due']}, by the new rule it would be {deadline['wouldBe']}")
    return [*lines, *case["notes"]]


def _start(given: argparse.Namespace) -> int:
    from app.cli.serve_commands import application
    from app.settings import load_settings
    from app.store.database import db
    from app.workshop import moves, telling

    app = application(load_settings())
    with app.app_context():
        row = moves.start(person_called(given.by), _asked(given))
        told = telling.progress(moves.progress_of(row))
        db.session.commit()
    if given.json:
        print(json.dumps(told, indent=2))
    else:
        print(f"The move {told['moveKey']} has begun: {told['instances']} cases. A worker moves them one by one.")
        print(f"Watch it with `convenor move status {told['moveKey']}`.")
    return 0


def _status(given: argparse.Namespace) -> int:
    from app.cli.serve_commands import application
    from app.runtime.moving import Moving
    from app.settings import load_settings
    from app.store.database import db
    from app.workshop import moves, telling
    from app.workshop.errors import UnknownMove

    app = application(load_settings())
    with app.app_context():
        row = db.session.get(Moving, _key(given.id))
        if row is None:
            raise UnknownMove("There is no such move.", resource_id=given.id)
        told = telling.progress(moves.progress_of(row))
    _print_progress(told, as_json=given.json)
    return 0


def _undo(given: argparse.Namespace) -> int:
    from app.workshop import moves

    return _steer(given, moves.undo)


def _resume(given: argparse.Namespace) -> int:
    from app.workshop import moves

    return _steer(given, moves.resume)


def _steer(given: argparse.Namespace, how: Callable[[Person, int], Moving]) -> int:
    from app.cli.serve_commands import application
    from app.settings import load_settings
    from app.store.database import db
    from app.workshop import moves, telling

    app = application(load_settings())
    with app.app_context():
        row = how(person_called(given.by), _key(given.id))
        told = telling.progress(moves.progress_of(row))
        db.session.commit()
    _print_progress(told, as_json=given.json)
    return 0


def _print_progress(told: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(told, indent=2))
        return
    print(
        f"{told['processDefinitionId']} to version {told['targetVersion']}: {told['state']}. {told['moved']} moved, "
        f"{told['failed']} could not, {told['undone']} moved back, {told['left']} left, of {told['instances']}."
    )
    if told["stopped"]:
        print(f"{told['stopped']} wait for another process owner: `convenor move resume {told['moveKey']} --by USER`.")
    for each in told["refusals"]:
        print(f"  {each['processInstanceKey']}: {each['reason']}")
