"""A person at a browser: signs in through the identity provider, opens tasks from the work list, fills in forms page by page.

It sees only pages: what a page does not offer cannot be answered, and every post carries the page's own CSRF token.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from io import BytesIO
from typing import Any
from urllib.parse import unquote_plus, urlencode, urljoin, urlsplit

from flask import Flask

from app.store.clock import LONDON, business_now
from tests.support.pages import Page, PageForm

BASE = "http://127.0.0.1:8000"
REDIRECTS = frozenset({301, 302, 303, 307, 308})
ROUNDS = 25


class Browser:
    """One person's browser."""

    def __init__(self, app: Flask, username: str = "") -> None:
        self.app = app
        self.username = username
        self.client = app.test_client()
        self.plant: Callable[[PageForm], None] | None = None
        self.page = Page(BASE, 0, "", {})

    # ------------------------------------------------------------------------------------------- moving about
    def get(self, path: str, **query: Any) -> Page:
        """Open an address; redirects are followed."""
        return self._go("GET", path + (f"?{urlencode(query)}" if query else ""))

    def post(self, path: str, data: Mapping[str, Any]) -> Page:
        """Post what no form of the page at hand would, with the page's CSRF token."""
        token = self.page.document.xpath("//input[@name='csrf_token']/@value")
        return self._go("POST", path, {"csrf_token": token[0] if token else "", **data})

    def send(self, form: PageForm, button: tuple[str, str] | None = None) -> Page:
        """Press a button of a form."""
        data: Any = form.data(button)
        for name, (filename, content) in form.files.items():
            data.add(name, (BytesIO(content), filename))
        return self._go("POST" if form.element.get("method") == "post" else "GET", form.address, data)

    def press(self, text: str, row: str = "", **typed: Any) -> Page:
        """Press the button whose words begin so, after typing into its form."""
        form, button = self.page.button(text, row)
        for name, value in typed.items():
            form.write(name, value)
        name = button.get("name")
        return self.send(form, (name, button.get("value", "")) if name else None)

    def find(self, text: str, at: str = "/work?view=team") -> Page:
        """Search a list; what was searched for must not be in the address."""
        self.get(at)
        page = self.press("Find", q=text)
        assert text not in unquote_plus(page.url)
        return page

    def follow(self, text: str) -> Page:
        """Follow the first link whose words hold a text."""
        found = self.page.links(text)
        assert found, f"{self.page.title!r} has no link {text!r}"
        return self.get(found[0])

    def _go(self, method: str, address: str, data: Any = None) -> Page:
        url = urljoin(self.page.url, address)
        for _ in range(10):
            path = urlsplit(url)._replace(scheme="", netloc="", fragment="").geturl()
            referer = {"Referer": self.page.url} if method == "POST" else {}
            answer = self.client.open(path or "/", method=method, data=data, base_url=BASE, headers=referer)
            if answer.status_code not in REDIRECTS:
                break
            url, method, data = urljoin(url, answer.headers["Location"]), "GET", None
        text = answer.text if answer.mimetype == "text/html" else ""
        self.page = Page(url, answer.status_code, text, dict(answer.headers))
        if self.page.path == "/devidp/authorize" and self.username:
            return self._prove()
        return self.page

    def download(self, address: str) -> bytes:
        """A file; the page at hand stays."""
        answer = self.client.get(urlsplit(address).path, base_url=BASE)
        assert answer.status_code == 200, f"{address}: {answer.status_code}"
        return answer.data

    def status_of(self, path: str) -> int:
        """The status that an address answers with, redirects to other pages of ours followed."""
        return self.get(path).status

    # ------------------------------------------------------------------------------------------- signing in
    def sign_in(self) -> Browser:
        """Through the identity provider's page."""
        self.get("/sign-in")
        assert self.page.status == 200, (self.username, self.page.status, self.page.text[:200])
        return self

    def _prove(self) -> Page:
        form = self.page.form
        form.write("person", self.username)
        return self.send(form)

    # ------------------------------------------------------------------------------------------- working
    def start(self, procedure: str) -> Page:
        """Start a procedure from the work list: its first page."""
        self.get("/work")
        return self.send(self.page.form_to(f"/start/{procedure}"))

    def tasks(self, text: str = "", view: str = "team") -> list[str]:
        """What the work list shows: the words of each task's link."""
        page = self.find(text, f"/work?view={view}") if text else self.get("/work", view=view)
        return [" ".join(one.text_content().split()) for one in page.document.xpath("//table//th//a")]

    def find_task(self, name: str, reference: str = "") -> str | None:
        """The address of the first task of that name, of one case where a reference is given."""
        page = self.find(name)
        for _ in range(10):
            found = page.links(f"{name} {reference}".strip())
            if found:
                return urlsplit(found[0]).path
            if not page.links("Next"):
                break
            page = self.follow("Next")
        return None

    def open_task(self, name: str, reference: str = "") -> Browser:
        """Open a task from the work list and take it."""
        address = self.find_task(name, reference)
        assert address, f"{self.username} has no task {name!r} {reference}: {self.tasks()}"
        self.get(address)
        return self.take()

    def take(self) -> Browser:
        """On a task's page: take it if nobody has it, and begin."""
        if self.page.has_button("Take this task"):
            self.press("Take this task")
        elif self.page.path.endswith("/begin") or "/form/" in self.page.path:
            pass
        else:
            begin = [one for one in self.page.links("") if one.endswith("/begin")]
            assert begin, f"{self.username} cannot begin: {self.page.text[:400]}"
            self.get(begin[0])
        return self

    @property
    def key(self) -> int:
        """The key of the task whose page is open."""
        return int(self.page.path.split("/")[2])

    def answer(self, answers: Mapping[str, Any]) -> Browser:
        """Fill in the form page by page, until the answers are there to check or the task is done.

        :raises AssertionError: a page comes back with errors.
        """
        for _ in range(ROUNDS):
            if "/form/" not in self.page.path:
                return self
            before = self.page.path
            self.answer_page(answers)
            assert not self.page.errors, f"{self.page.title}: {self.page.errors}"
            assert self.page.status == 200, f"{self.page.status} {self.page.text[:500]}"
            if self.page.path == before:
                opened = self.page.document.xpath("//*[@id='opened-title']")
                assert opened, f"{self.page.title!r} did not go on: {self.page.text[:500]}"
        raise AssertionError(f"the form does not end: {self.page.url}")

    def answer_page(self, answers: Mapping[str, Any]) -> Page:
        """Fill in the page at hand and press Continue."""
        return self.send(self.fill(answers), ("_action", "next"))

    def fill(self, answers: Mapping[str, Any]) -> PageForm:
        """Type the answers into the page at hand, adding the rows they need. ``plant`` may type more."""
        for _ in range(ROUNDS):
            form = self.page.form
            short = _write(form, "", answers)
            if short is None:
                if self.plant is not None:
                    self.plant(form)
                return form
            kept = {name: form.value(name) for name in form.fields}
            self.send(form, ("_action", f"add:{short}"))
            assert self.page.status == 200, f"adding to {short}: {self.page.status}; typed {sorted(kept)}"
        raise AssertionError(f"rows without end: {self.page.url}")

    def submit(self) -> Browser:
        """Send the checked answers, signing in again where it is asked."""
        if self.page.path.endswith("/done"):
            return self
        for _ in range(2):
            assert self.page.path.endswith("/check"), f"{self.page.url} {self.page.errors} {self.page.text[:300]}"
            self.send(self.page.form)
            assert not self.page.errors, f"{self.page.title}: {self.page.errors}"
            if self.page.path.endswith("/done"):
                return self
        raise AssertionError(f"{self.username} could not send: {self.page.status} {self.page.text[:400]}")

    def does(
        self, name: str, answers: Mapping[str, Any] | Callable[[], Mapping[str, Any]] | None = None, of: str = ""
    ) -> Browser:
        """Open a task, answer its form and send it."""
        self.open_task(name, of)
        return self.answer((answers() if callable(answers) else answers) or {}).submit()


def _write(form: PageForm, prefix: str, answers: Mapping[str, Any]) -> str | None:
    """Type answers into a page. Gives the name of a list that needs another row first."""
    for name, value in answers.items():
        path = f"{prefix}{name}"
        inside = [one for one in form.shown if one.startswith(f"{path}.")]
        if path in form.shown:
            form.write(path, value)
        elif isinstance(value, Mapping):
            if inside and (short := _write(form, f"{path}.", value)):
                return short
        elif (callable(value) or isinstance(value, list)) and (short := _write_rows(form, path, value)):
            return short
    return None


def _write_rows(form: PageForm, path: str, value: Any) -> str | None:
    rows = form.rows(path)
    if callable(value):
        known = [{"_row": row, "_item": {"q": row, "value": row, "label": label}} for row, label in rows]
        value = value(known)
    elif len(rows) < len(value):
        if form.can_add(path):
            return path
        assert not rows, f"{path} takes no more rows"
        return None
    for (identity, _), answers in zip(rows, value, strict=False):
        plain = {name: one for name, one in answers.items() if not name.startswith("_")}
        if short := _write(form, f"{path}.{identity}.", plain):
            return short
    return None


class People:
    """Everybody's browsers, each signed in when first used."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.browsers: dict[str, Browser] = {}
        self.plant: Callable[[PageForm], None] | None = None

    def as_(self, username: str) -> Browser:
        """A person's browser, signed in."""
        if username not in self.browsers:
            self.browsers[username] = Browser(self.app, username).sign_in()
            self.browsers[username].plant = self.plant
        return self.browsers[username]

    def stranger(self) -> Browser:
        """A browser in which nobody is signed in."""
        return Browser(self.app)


def london_now() -> Any:
    """Business time in London."""
    return business_now().astimezone(LONDON)
