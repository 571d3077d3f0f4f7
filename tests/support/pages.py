"""A page as a browser holds it: links, forms, what each field is, and how an answer is typed into it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urljoin, urlsplit

from lxml import html
from werkzeug.datastructures import MultiDict

from app.store.clock import LONDON

Upload = tuple[str, bytes]
"""A file to upload: its name and content."""

_ISO = re.compile(r"^(\d{4})-(\d{2})-(\d{2})(?:T.*)?$")


class PageForm:
    """One form of a page, with what is typed in it."""

    def __init__(self, page: Page, element: html.FormElement) -> None:
        self.page = page
        self.element = element
        self.files: dict[str, Upload] = {}
        self.fields: dict[str, list[html.HtmlElement]] = {}
        owner = element.get("id")
        inputs = list(element.iter("input", "select", "textarea"))
        if owner:
            inputs += page.document.xpath(f"//*[@form='{owner}' and not(self::button)]")
        for one in inputs:
            if one.get("name"):
                self.fields.setdefault(one.get("name"), []).append(one)

    @property
    def address(self) -> str:
        return urljoin(self.page.url, self.element.get("action") or self.page.url)

    @property
    def shown(self) -> list[str]:
        """The questions that the page shows, by name."""
        return str(self.value("_shown") or "").split()

    def value(self, name: str) -> Any:
        """What is typed or chosen: a text, or for boxes the list of those ticked."""
        found = self.fields.get(name, [])
        if not found:
            return None
        kind = _kind(found[0])
        if kind == "checkbox":
            return [one.get("value") for one in found if one.get("checked") is not None]
        if kind == "radio":
            return next((one.get("value") for one in found if one.get("checked") is not None), None)
        return found[0].value if kind in ("select", "textarea") else found[0].get("value", "")

    def choices(self, name: str) -> list[str]:
        """The values that a question offers."""
        found = self.fields.get(name, [])
        if found and found[0].tag == "select":
            return [str(option.get("value")) for option in found[0].iter("option")]
        return [str(one.get("value")) for one in found]

    def write(self, name: str, value: Any) -> None:
        """Answer a question as a person does: type a text or a date, choose, tick, add a file."""
        if isinstance(value, tuple):
            assert _kind(self.fields[name][0]) == "file", f"{name} takes no file"
            self.files[name] = value
        elif f"{name}-day" in self.fields:
            self._date(name, value)
        elif name in self.fields:
            self._write(name, self.fields[name], value)
        else:
            raise AssertionError(f"the page has no question {name}: {self.page.title}")

    def _date(self, name: str, value: str | None) -> None:
        found = _ISO.match(value or "")
        parts = found.groups() if found else ("", "", "")
        clock = ""
        if value and "T" in value:
            local = datetime.fromisoformat(value).astimezone(LONDON)
            parts, clock = (str(local.year), str(local.month), str(local.day)), f"{local:%H:%M}"
        for part, text in zip(("year", "month", "day"), parts, strict=True):
            self.fields[f"{name}-{part}"][0].set("value", text.lstrip("0"))
        if f"{name}-time" in self.fields:
            self.fields[f"{name}-time"][0].set("value", clock)

    def _write(self, name: str, found: list[html.HtmlElement], value: Any) -> None:
        kind = _kind(found[0])
        if kind in ("radio", "checkbox", "select"):
            wanted = _wanted(value)
            missing = [one for one in wanted if one not in self.choices(name)]
            assert not missing, f"{name} does not offer {missing}, only {self.choices(name)}"
            if kind == "select":
                found[0].value = wanted[0] if wanted else ""
                return
            for one in found:
                one.attrib.pop("checked", None)
                if one.get("value") in wanted:
                    one.set("checked", "checked")
        elif kind == "textarea":
            found[0].text = str(value or "")
        else:
            found[0].set("value", "" if value is None else str(value))

    def data(self, button: tuple[str, str] | None = None) -> MultiDict[str, Any]:
        """What the browser posts when a button is pressed."""
        posted: MultiDict[str, Any] = MultiDict()
        for name, found in self.fields.items():
            kind = _kind(found[0])
            if kind == "file":
                continue
            value = [one.get("value", "") for one in found] if kind == "hidden" else self.value(name)
            for one in value if isinstance(value, list) else [] if value is None else [value]:
                posted.add(name, one)
        if button:
            posted.add(*button)
        return posted

    def rows(self, name: str) -> list[tuple[str, str]]:
        """The rows of a list on the page: identity and what the row is called."""
        found: dict[str, str] = {}
        for shown in self.shown:
            if shown.startswith(f"{name}."):
                identity = shown.removeprefix(f"{name}.").split(".")[0]
                if identity not in found:
                    found[identity] = self._row_name(f"{name}.{identity}")
        return list(found.items())

    def _row_name(self, row: str) -> str:
        legend = self.element.xpath(f".//*[@id='{row}']//legend")
        return _text(legend[0]) if legend else ""

    def can_add(self, name: str) -> bool:
        """Whether the page offers to add a row to a list."""
        return bool(self.element.xpath(f".//button[@value='add:{name}']"))


def _kind(element: html.HtmlElement) -> str:
    return str(element.tag) if element.tag != "input" else str(element.get("type", "text"))


def _wanted(value: Any) -> list[str]:
    if value is None or value is False:
        return []
    if isinstance(value, list):
        return [str(one) for one in value]
    return ["true" if value is True else str(value)]


def _text(element: html.HtmlElement) -> str:
    return " ".join(element.text_content().split())


class Page:
    """An answer of the server, as a page."""

    def __init__(self, url: str, status: int, content: str, headers: Mapping[str, str]) -> None:
        self.url = url
        self.status = status
        self.content = content
        self.headers = headers
        self.document = html.document_fromstring(content or "<html></html>")

    @property
    def path(self) -> str:
        return urlsplit(self.url).path

    @property
    def title(self) -> str:
        """The heading of the page."""
        found = self.document.xpath("//h1")
        return _text(found[0]) if found else ""

    @property
    def text(self) -> str:
        """What a person reads on the page, spaces made one."""
        body = self.document.xpath("//main") or [self.document]
        return _text(body[0])

    @property
    def errors(self) -> list[str]:
        """The sentences of the error summary."""
        return [_text(one) for one in self.document.xpath("//*[contains(@class,'govuk-error-summary__list')]//li")]

    @property
    def forms(self) -> list[PageForm]:
        return [PageForm(self, one) for one in self.document.xpath("//main//form")]

    @property
    def form(self) -> PageForm:
        """The form with the questions, or else the only form that posts."""
        asking = [one for one in self.forms if one.element.get("data-form")]
        posting = asking or [one for one in self.forms if (one.element.get("method") or "get").lower() == "post"]
        assert posting, f"{self.title!r} ({self.status}) has no form: {self.text[:300]}"
        return posting[0]

    def form_to(self, ending: str) -> PageForm:
        """The form that posts to an address with this ending."""
        for one in self.forms:
            if urlsplit(one.address).path.endswith(ending):
                return one
        raise AssertionError(f"no form posts to …{ending}: {[one.address for one in self.forms]}")

    def links(self, text: str) -> list[str]:
        """Addresses of the links whose words hold a text."""
        found = [one for one in self.document.xpath("//a[@href]") if text in _text(one)]
        return [urljoin(self.url, one.get("href")) for one in found]

    def button(self, text: str, row: str = "") -> tuple[PageForm, html.HtmlElement]:
        """The button whose words begin with a text, and its form; of one row of a table where a row is named."""
        around = [self.document]
        if row:
            named = [one for one in self.document.xpath("//tr|//section|//li") if row in _text(one)]
            around = sorted(named, key=lambda one: len(_text(one)))
        for one in (button for part in around for button in part.iter("button")):
            if _text(one).startswith(text) and "visually-hidden" not in (one.get("class") or ""):
                owner = one.get("form")
                form = self.document.get_element_by_id(owner) if owner else next(one.iterancestors("form"))
                return PageForm(self, form), one
        raise AssertionError(f"{self.title!r} ({self.status}) has no button {text!r}: {self.text[:400]}")

    def has_button(self, text: str) -> bool:
        return any(_text(one).startswith(text) for one in self.document.xpath("//button"))
