"""Filling in a form in the browser: what the page asks is answered, nothing else."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from playwright.sync_api import Page

from app.store.clock import LONDON

ROUNDS = 25
FIRST = "(the first choice)"
"""Stands for whatever a question offers first."""
_ISO = re.compile(r"^(\d{4})-(\d{2})-(\d{2})(?:T.*)?$")


def shown(page: Page) -> list[str]:
    """The questions on the page, by name."""
    return (page.locator("form[data-form] input[name=_shown]").get_attribute("value") or "").split()


def rows_of(page: Page, name: str) -> list[tuple[str, str]]:
    """The rows of a list on the page: identity and what the row is called."""
    identities = dict.fromkeys(
        path.removeprefix(f"{name}.").split(".")[0] for path in shown(page) if path.startswith(f"{name}.")
    )
    return [(one, _legend(page, f"{name}.{one}")) for one in identities]


def _legend(page: Page, row: str) -> str:
    found = page.locator(f'[id="{row}"] legend')
    return found.first.inner_text().strip() if found.count() else ""


def fill(page: Page, answers: Mapping[str, Any]) -> None:
    """Type the answers into the page, adding the rows they need, from top to bottom."""
    for _ in range(ROUNDS):
        wanted: dict[str, Any] = {}
        short = _collect(page, shown(page), "", answers, wanted)
        if short is None:
            break
        press(page, f'button[value="add:{short}"]')
    else:
        raise AssertionError(f"rows without end: {page.url}")
    for path in shown(page):
        if path in wanted:
            write(page, path, wanted[path])


def _collect(page: Page, asked: list[str], prefix: str, answers: Mapping[str, Any], into: dict[str, Any]) -> str | None:
    """What goes into which question. Gives the name of a list that needs another row first."""
    for name, value in answers.items():
        path = f"{prefix}{name}"
        inside = any(one.startswith(f"{path}.") for one in asked)
        if path in asked:
            into[path] = value
        elif isinstance(value, Mapping):
            if inside and (short := _collect(page, asked, f"{path}.", value, into)):
                return short
        elif (callable(value) or isinstance(value, list)) and (short := _collect_rows(page, asked, path, value, into)):
            return short
    return None


def _collect_rows(page: Page, asked: list[str], path: str, value: Any, into: dict[str, Any]) -> str | None:
    rows = rows_of(page, path)
    if callable(value):
        value = value([{"_row": row, "_item": {"q": row, "value": row, "label": label}} for row, label in rows])
    elif len(rows) < len(value):
        return path if page.locator(f'button[value="add:{path}"]').count() else None
    for (identity, _), answers in zip(rows, value, strict=False):
        plain = {name: one for name, one in answers.items() if not name.startswith("_")}
        if short := _collect(page, asked, f"{path}.{identity}.", plain, into):
            return short
    return None


def write(page: Page, path: str, value: Any) -> None:
    """Answer one question as a person does."""
    if page.locator(f'[name="{path}-day"]').count():
        _write_date(page, path, value)
        return
    found = page.locator(f'[name="{path}"]')
    kind = str(found.first.evaluate("e => e.tagName === 'INPUT' ? e.type : e.tagName.toLowerCase()"))
    if kind in ("radio", "checkbox"):
        for one in _texts(value):
            (found.first if one == FIRST else page.locator(f'[name="{path}"][value="{one}"]')).check()
    elif kind == "select":
        texts = _texts(value)
        found.select_option(index=1) if texts == [FIRST] else found.select_option(texts[0] if texts else "")
    elif kind == "file":
        found.set_input_files(value)
    else:
        found.fill("" if value is None else str(value))


def _texts(value: Any) -> list[str]:
    if value is None or value is False:
        return []
    if isinstance(value, list):
        return [str(one) for one in value]
    return ["true" if value is True else str(value)]


def _write_date(page: Page, path: str, value: str | None) -> None:
    found = _ISO.match(value or "")
    parts = found.groups() if found else ("", "", "")
    if value and "T" in value:
        local = datetime.fromisoformat(value).astimezone(LONDON)
        parts = (str(local.year), str(local.month), str(local.day))
        page.locator(f'[name="{path}-time"]').fill(f"{local:%H:%M}")
    for part, text in zip(("year", "month", "day"), parts, strict=True):
        page.locator(f'[name="{path}-{part}"]').fill(text.lstrip("0"))


def press(page: Page, selector: str) -> None:
    """Press a button that leads to another page."""
    with page.expect_navigation(wait_until="load"):
        page.locator(selector).locator("visible=true").first.click()
