"""Functions of Camunda 8 that FEEL itself does not have and the runtime does not know, and what to write in their place."""

from __future__ import annotations

import re

REMEDIES = {
    "is defined": "Compare with null: x != null.",
    "get or else": "Write it out: if x != null then x else y.",
    "is empty": "Count: count(list) = 0.",
    "is blank": 'Compare: matches(text, "^\\s*$").',
    "assert": "Ask for it at a gateway before the element.",
    "trim": 'Replace the spaces: replace(text, "^\\s+|\\s+$", "").',
    "extract": "Use matches, substring before or substring after.",
    "boolean": 'Compare with the text: x = "true".',
    "partition": "Use sublist.",
    "duplicate values": "Use distinct values, and compare the counts.",
    "last day of month": 'Reckon it: first day + duration("P1M") - duration("P1D").',
    "unix timestamp": "Keep the date and time itself.",
    "random number": "Have an operation or a worker make it.",
    "uuid": "Have an operation or a worker make it.",
    "to base64": "Have an operation or a worker make it.",
    "to json": "Hand the context over as it is.",
    "from json": "Hand the context over as it is.",
    "fromAi": "Use a registered operation.",
}
_CALL = re.compile(r"\b(" + "|".join(name.replace(" ", r"\s+") for name in REMEDIES) + r")\s*\(")


def foreign_function(text: str) -> tuple[str, str] | None:
    """The first such function that an expression calls, and the remedy."""
    found = _CALL.search(re.sub(r'"(?:[^"\\]|\\.)*"', '""', text))
    if found is None:
        return None
    name = " ".join(found[1].split())
    return name, REMEDIES[name]
