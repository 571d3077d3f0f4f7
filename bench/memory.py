"""What a web process holds in memory: served, under load from the API, after people have signed in and worked at their browsers."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from http.client import HTTPConnection
from typing import Any

from werkzeug.test import Client
from werkzeug.wrappers import Request, Response

from app import devidp
from app.demo import story
from bench import figures, served
from tests.procedures import acting
from tests.support import relay
from tests.support.browser import Browser, People
from tests.support.hours import Time
from tests.support.installation import Installation
from tests.support.stage import Stage

CLIENTS = 8  # as many as the server has threads
INSTANCES = 20  # of each client
READERS = ("cora", "chidi", "rosa", "ida", "mark", "olive", "audrey", "spoc.police")
VISITS = 5
PAGES = ("/", "/work", "/work?view=team", "/cases", "/meetings", "/account")
VICTIM = {"name": "Joan Tarn", "dob": "1980-01-02"}
PERPETRATOR = {"name": "Mick Tarn", "dob": "1979-01-02", "relationshipToVictim": "PARTNER"}
REFERRALS = 3
LONGEST = 60


class Afar:
    """A served installation, as a browser of the tests takes an application: over HTTP."""

    def __init__(self, port: int) -> None:
        self._port = port

    def test_client(self) -> Client:
        return Client(Request.application(self._answer))

    def _answer(self, asked: Request) -> Response:
        connection = HTTPConnection("127.0.0.1", self._port, timeout=LONGEST)
        headers = {name: value for name, value in asked.headers.items() if name != "Host"}
        connection.request(asked.method, asked.full_path, asked.get_data(), headers)
        answer = connection.getresponse()
        said = Response(answer.read(), answer.status, answer.getheaders())
        connection.close()
        return said


def run(name: str, installation: Installation) -> list[str]:
    """The table of one database."""
    rows: list[tuple[str, str]] = []
    with installation.app() as app, served.command(installation, "serve", "--no-worker") as process:

        def after(what: str) -> None:
            rows.append((what, f"{figures.resident_mb(process.pid):.0f}"))

        afar: Any = Afar(installation.port)
        _ready(afar)
        after("the first page")
        secret = devidp.client_secret(app.config["SETTINGS"], relay.WHO)
        _together([partial(_calls, installation, secret)] * CLIENTS)
        after(f"{CLIENTS * INSTANCES} instances through the API, {CLIENTS} clients at once")
        readers = [partial(_reads, afar, who) for who in READERS]
        _together(readers)
        after(f"{len(READERS)} people signed in and read lists, at once")
        stage = Stage(app, Time(app))
        stage.people = People(afar)
        for _ in range(REFERRALS):
            _refers(stage)
        after(f"{REFERRALS} referrals filled in, sent and checked, their cases read")
        _together(readers)
        after("the people again")
    return [figures.table(f"Memory of a web process, {name}", ("After", "MB"), rows)]


def _ready(afar: Any) -> None:
    end = time.monotonic() + LONGEST
    while True:
        try:
            assert Browser(afar).get("/").status == 200
            return
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.02)


def _together(works: Sequence[Callable[[], None]]) -> None:
    threads = [threading.Thread(target=work) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _calls(installation: Installation, secret: str) -> None:
    client = relay.Client(installation, secret)
    for _ in range(INSTANCES):
        instance = client.start()
        for _ in range(2):
            for task in client.open_tasks(instance):
                client.complete(task)


def _reads(afar: Any, who: str) -> None:
    browser = Browser(afar, who).sign_in()
    for _ in range(VISITS):
        for page in PAGES:
            assert browser.get(page).status == 200, (who, page)


def _refers(stage: Stage) -> None:
    case = acting.refer_with_agreement(stage, VICTIM, PERPETRATOR)
    cora = stage.as_("cora")
    cora.does("Check the referral and match the people", story.triage_answers(), of=case)
    for part in ("", "/papers", "/tasks", "/matches", "/timeline", "/diagram"):
        assert cora.get(f"/cases/{stage.case(case).key}{part}").status == 200, part
