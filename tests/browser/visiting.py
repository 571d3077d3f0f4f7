"""A person at a real browser."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page

from tests.browser import checking, filling

Answers = Mapping[str, Any]
SCREENSHOTS = os.environ.get("CONVENOR_SCREENSHOTS", "")
CONTINUE = 'form[data-form] button.govuk-button[value="next"]'


class Visitor:
    """One person's browser window. Whatever a page writes to the console as an error is kept, and fails the next check."""

    def __init__(
        self, browser: Browser, base: str, findings: list[str], username: str = "", *, scripts: bool = True
    ) -> None:
        self.base = base
        self.findings = findings
        self.username = username
        width, height = checking.DESKTOP
        self.context: BrowserContext = browser.new_context(
            base_url=base,
            java_script_enabled=scripts,
            viewport={"width": width, "height": height},
            locale="en-GB",
            timezone_id="Europe/London",
            reduced_motion="reduce",
            accept_downloads=True,
        )
        self.context.set_default_timeout(30_000)
        self.page: Page = self.context.new_page()
        self.complaints: list[str] = []
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _heard(self, message: ConsoleMessage) -> None:
        # Chromium also reports every answer of 400 and above; those statuses are asserted where they are meant.
        if message.type in ("error", "warning") and "the server responded with a status of" not in message.text:
            self.complaints.append(message.text)

    def close(self) -> None:
        self.context.close()

    # ------------------------------------------------------------------------------------------- moving about
    @property
    def path(self) -> str:
        return urlsplit(self.page.url).path

    @property
    def heading(self) -> str:
        return " ".join(self.page.locator("h1").first.inner_text().split())

    @property
    def text(self) -> str:
        return " ".join(self.page.locator("main").inner_text().split())

    def go(self, path: str, status: int = 200) -> Visitor:
        """Open an address, signing in where that is asked."""
        answer = self.page.goto(f"{self.base}{path}")
        if self.path == "/devidp/authorize" and self.username:
            self.prove()
        else:
            assert answer is not None
            assert answer.status == status, f"{path}: {answer.status} {self.heading}"
        return self

    def prove(self) -> None:
        """Say who one is at the demo's identity provider."""
        self.page.locator(f'input[name=person][value="{self.username}"]').check()
        filling.press(self.page, "main form button")

    def follow(self, text: str) -> Visitor:
        """Follow the first link whose words hold a text."""
        with self.page.expect_navigation(wait_until="load"):
            self.page.get_by_role("link", name=text).first.click()
        return self

    def press(self, text: str) -> Visitor:
        """Press the first button whose words hold a text."""
        with self.page.expect_navigation(wait_until="load"):
            self.page.get_by_role("button", name=text).first.click()
        return self

    # ------------------------------------------------------------------------------------------- working
    def open_task(self, key: int) -> Visitor:
        """Open a task and take it, or carry on with it."""
        self.go(f"/work/{key}")
        take = self.page.get_by_role("button", name="Take this task and start")
        if take.count():
            return self.press("Take this task and start")
        self.page.locator(f'a[href="/work/{key}/begin"]').first.click()
        self.page.wait_for_load_state()
        return self

    def answer_page(self, answers: Answers) -> Visitor:
        """Fill in the page at hand and go on."""
        filling.fill(self.page, answers)
        filling.press(self.page, CONTINUE)
        return self

    def answer(self, answers: Answers, each: Callable[[Visitor], None] | None = None) -> Visitor:
        """Fill in the form page by page until the answers are there to check or the task is done.

        :param each: called with every page of the form as it first appears.
        """
        seen = ""
        for _ in range(filling.ROUNDS):
            if "/form/" not in self.path:
                return self
            if each is not None and self.path != seen:
                each(self)
            seen = self.path
            self.answer_page(answers)
            assert not self.errors, f"{self.heading}: {self.errors}"
        raise AssertionError(f"the form does not end: {self.page.url}")

    def send(self) -> Visitor:
        """Send the checked answers, signing in again where that is asked."""
        if self.path.endswith("/done"):
            return self
        assert self.path.endswith("/check"), f"{self.page.url} {self.text[:300]}"
        for _ in range(2):
            filling.press(self.page, "main form button")
            if self.path == "/devidp/authorize":
                self.prove()
            if self.path.endswith("/done"):
                return self
        raise AssertionError(f"could not send: {self.page.url} {self.errors} {self.text[:300]}")

    def does(self, key: int, answers: Answers, each: Callable[[Visitor], None] | None = None) -> Visitor:
        """Open a task, answer its form and send it."""
        return self.open_task(key).answer(answers, each).send()

    @property
    def errors(self) -> list[str]:
        """The sentences of the error summary."""
        return [one.strip() for one in self.page.locator(".govuk-error-summary__list li").all_inner_texts()]

    # ------------------------------------------------------------------------------------------- checking
    def check(self, name: str, *, light: bool = False) -> Visitor:
        """Hold the page as it stands to what every page is held to, at both widths; what is wrong fails the test at its end.

        :param light: axe at one width only, for one more page of a kind that is checked at both elsewhere.
        """
        for width, (across, down) in checking.WIDTHS.items():
            self.page.set_viewport_size({"width": across, "height": down})
            if SCREENSHOTS:
                Path(SCREENSHOTS).mkdir(parents=True, exist_ok=True)
                self.page.screenshot(path=f"{SCREENSHOTS}/{name}-{width}.png", full_page=True)
            if light and width == "desktop":
                wrong = []
            else:
                wrong = checking.violations(self.page)
            if wrong:
                self.findings.append(f"{name} ({width}): {checking.told(wrong)}")
            if wide := checking.sideways(self.page):
                self.findings.append(f"{name} ({width}) scrolls sideways: {wide}")
        across, down = checking.DESKTOP
        self.page.set_viewport_size({"width": across, "height": down})
        self.findings += [f"{name}: the console says {one}" for one in self.complaints]
        self.complaints.clear()
        return self
