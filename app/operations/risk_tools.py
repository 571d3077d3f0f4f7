"""The risk tools an area uses. Items are short neutral labels; a licensed tool's own wording is local content, loaded by the area."""

from __future__ import annotations

import json
from typing import Any

from flask import current_app

_LABELS = (
    "Injury this time",
    "Very frightened",
    "What the victim is afraid of",
    "Isolation",
    "Low mood or thoughts of suicide",
    "Separation in the last year",
    "Conflict over contact with children",
    "Contact, following, stalking or harassment",
    "Pregnancy, or a baby under 18 months",
    "Happening more often",
    "Getting worse",
    "Control or jealousy",
    "Weapons or objects",
    "Credible threats to kill",
    "Strangling, choking, suffocating or drowning",
    "Sexual acts or words",
    "Another person threatening",
    "Others hurt: children, older people, earlier partners",
    "Cruelty to animals",
    "Money problems",
    "The perpetrator's drugs, alcohol or mental health",
    "The perpetrator's threats or attempts at suicide",
    "Breach of bail, an injunction or a contact agreement",
    "Trouble with the police or a criminal history",
)
_DETAIL = frozenset({8, 10, 11, 12, 15, 18, 20, 21})


def _items(count: int) -> list[dict[str, Any]]:
    labels = [_LABELS[i] if i < len(_LABELS) else f"Question {i + 1}" for i in range(count)]
    return [
        {"q": i + 1, "value": str(i + 1), "label": f"{i + 1}. {label}", "detail": i + 1 in _DETAIL}
        for i, label in enumerate(labels)
    ]


def _tool(
    value: str, label: str, version: str, count: int, *, police: bool = False, part2: bool = False
) -> dict[str, Any]:
    return {
        "value": value,
        "label": label,
        "version": version,
        "maxTicks": count,
        "police": police,
        "part2": part2,
        "items": _items(count),
    }


def _shipped() -> list[dict[str, Any]]:
    return [
        _tool("SAFELIVES_DASH_24", "SafeLives DASH (24 questions)", "local labels 1", 24),
        _tool("POLICE_DASH", "Police DASH", "local labels 1", 24, police=True, part2=True),
        _tool("DARA", "DARA", "local labels 1", 18, police=True),
        _tool("SPECSS_PLUS", "SPECSS+ with Part 2 (older tool)", "local labels 1", 15, police=True, part2=True),
        _tool("LOCAL_20", "Local checklist of 20 (older tool)", "local labels 1", 20),
    ]


def risk_tools(area_key: int) -> list[dict[str, Any]]:
    """The tools of an area: its own wording from ``risk-tools-<area>.json`` in the data folder, else neutral labels (01-marac F-M1)."""
    path = current_app.config["SETTINGS"].data / f"risk-tools-{area_key}.json"
    if path.exists():
        local: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
        return local
    return _shipped()
