"""What of BPMN and of the dialect runs, read from the code: the table in ``docs/developers/runtime.md``."""

from __future__ import annotations

from app.runtime.checker.zeebe_rules import HONOURED, REFUSED, REFUSED_NODE_ATTRIBUTES, TEMPLATE_ATTRIBUTES
from app.runtime.dialect.events import (
    REFUSED_DEFINITIONS,
    BoundaryParser,
    CatchParser,
    EndParser,
    StartParser,
    ThrowParser,
)
from app.runtime.dialect.parser import PARSERS, REFUSED_TAGS

KINDS = ("message", "signal", "timer", "error", "escalation", "terminate")
PLACES = (
    ("start of a process", frozenset(("message", "signal"))),
    ("start of an event sub-process", StartParser.allowed),
    ("intermediate, waiting", CatchParser.allowed),
    ("intermediate, thrown", ThrowParser.allowed),
    ("boundary", BoundaryParser.allowed),
    ("end", EndParser.allowed),
)


def table() -> str:
    """The coverage as Markdown."""
    lines = ["**Elements that run:** " + ", ".join(f"`{tag}`" for tag in sorted(PARSERS)) + ".", ""]
    lines += ["| Event | " + " | ".join(KINDS) + " |", "|---" * (len(KINDS) + 1) + "|"]
    lines += [
        f"| {place} | " + " | ".join("yes" if kind in allowed else "refused" for kind in KINDS) + " |"
        for place, allowed in PLACES
    ]
    lines += ["", "| Refused | Remedy |", "|---|---|"]
    lines += [f"| `{tag}` | {remedy} |" for tag, (_, remedy) in sorted(REFUSED_TAGS.items())]
    lines += [f"| `{tag}` | Draw it with gateways, messages or errors. |" for tag in sorted(REFUSED_DEFINITIONS)]
    lines += ["", "| Zeebe element | On | Honoured | Refused |", "|---|---|---|---|"]
    for name, rule in sorted(HONOURED.items()):
        where = ", ".join(sorted(rule.on)) or "any"
        lines.append(
            f"| `{name}` | {where} | {', '.join(sorted(rule.honoured)) or '–'} | {', '.join(sorted(rule.refused)) or '–'} |"
        )
    lines += [f"| `{name}` | – | – | all: {remedy} |" for name, remedy in sorted(REFUSED.items())]
    lines += [
        f"| `{name}` (attribute) | – | – | {remedy} |" for name, remedy in sorted(REFUSED_NODE_ATTRIBUTES.items())
    ]
    lines.append(
        f"| {', '.join(f'`{name}`' for name in sorted(TEMPLATE_ATTRIBUTES))} | any | kept for the modeller | – |"
    )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(table(), end="")
