"""What of the contract is served, from the code: `python -m app.api.coverage` writes the table of the guide."""

from __future__ import annotations

import re
from collections.abc import Mapping

from flask import Flask
from flask_wtf.csrf import CSRFProtect

from app.api import init_app
from app.api.blueprints import PREFIX
from app.api.contract import OPERATIONS
from app.api.missing import reason
from app.settings import Env, Settings

_HEAD = """# What of the contract is served

Every operation of the official Python client (`camunda-orchestration-sdk` 10), by its method's name. Written by
`python -m app.api.coverage`; a test compares. How it is served is in [the guide](api.md).

"""
_PLACE = re.compile(r"<[^>]*>")


def served() -> Mapping[tuple[str, str], str]:
    """The addresses of the contract that are served, as method and path, each with the first sentence about it."""
    app = Flask("coverage")
    init_app(app, Settings(env=Env.TEST), CSRFProtect())
    found: dict[tuple[str, str], str] = {}
    for rule in app.url_map.iter_rules():
        if not rule.endpoint.startswith("api_") or rule.endpoint.startswith("api_missing."):
            continue
        told = (app.view_functions[rule.endpoint].__doc__ or "").strip().split("\n\n")[0]
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            found[(method, _PLACE.sub("{}", rule.rule.removeprefix(PREFIX)))] = " ".join(told.split())
    return found


def table() -> str:
    """The page."""
    here = served()
    lines: list[str] = []
    group, count = "", 0
    for operation in OPERATIONS:
        if operation.group != group:
            group = operation.group
            lines += ["", f"## {group}", "", "| Operation | Address | Here |", "|---|---|---|"]
        told = here.get((operation.method, operation.path))
        count += told is not None
        what = f"yes: {told}" if told is not None else f"no (501): {reason(operation)}"
        lines.append(f"| `{operation.name}` | `{operation.method} {operation.path}` | {what} |")
    return f"{_HEAD}{count} of {len(OPERATIONS)} operations are served.\n" + "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(table(), end="")
