"""A demo that is served, people at their browsers, and what happens backstage. Each module plays in its own copy of the demo."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from app import schema
from app.demo import seed
from app.factory import create_app
from app.settings import Env, Settings
from app.store.database import db
from tests.browser.backstage import Backstage
from tests.browser.serving import Served
from tests.browser.visiting import Visitor

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
FLAGS = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

Meet = Callable[..., Visitor]


@pytest.fixture(scope="session")
def demo_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data of a demo on its first morning. Copied, never used itself."""
    folder = tmp_path_factory.mktemp("demo") / "data"
    app = create_app(Settings(env=Env.TEST, data=folder, base_url="http://127.0.0.1:8000"))
    schema.migrate(app)
    with app.app_context():
        seed.ensure(app)
        db.session.remove()
        db.engine.dispose()
    return folder


@pytest.fixture(scope="module")
def served(demo_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The demo, served."""
    data = tmp_path_factory.mktemp("served") / "data"
    shutil.copytree(demo_folder, data)
    served = Served(data)
    try:
        served.start()
        yield served
    finally:
        served.stop()


@pytest.fixture(scope="module")
def backstage(served: Served) -> Iterator[Backstage]:
    """The same installation from behind."""
    found = Backstage(served)
    yield found
    found.close()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """A browser with an empty profile of its own."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS, chromium_sandbox=False)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def findings() -> list[str]:
    """What the checks of pages have found wrong."""
    return []


@pytest.fixture(autouse=True)
def nothing_found(findings: list[str]) -> Iterator[None]:
    """A test fails at its end with all that its pages' checks have found."""
    findings.clear()
    yield
    assert not findings, "\n\n".join(findings)


@pytest.fixture(scope="module")
def meet(chromium: Browser, served: Served, findings: list[str]) -> Iterator[Meet]:
    """A person's window, the same one each time; ``scripts=False`` for a window in which no JavaScript runs."""
    windows: dict[tuple[str, bool], Visitor] = {}

    def found(username: str = "", *, scripts: bool = True, again: bool = False) -> Visitor:
        name = (username, scripts)
        if again and name in windows:
            windows.pop(name).close()
        if name not in windows:
            windows[name] = Visitor(chromium, served.base, findings, username, scripts=scripts)
        return windows[name]

    yield found
    for window in windows.values():
        window.close()
