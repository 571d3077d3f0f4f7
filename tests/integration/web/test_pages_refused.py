"""Who is refused something, or asks for what is not theirs to know, leaves a line in the log: keys and places, nothing typed."""

from __future__ import annotations

import logging
from pathlib import Path

import httpx
import pytest
from flask import Flask

from tests.support.api_server import running
from tests.support.browser import Browser


def lines(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    return [record for record in caplog.records if record.getMessage() == "access refused"]


def test_pages_that_are_not_for_somebody_are_logged(borough: Flask, caplog: pytest.LogCaptureFixture) -> None:
    rosa = Browser(borough, "rosa").sign_in()
    caplog.clear()
    assert rosa.get("/admin/people").status == 403
    assert rosa.get("/cases/12345").status == 404
    told = [(vars(r)["status"], vars(r)["endpoint"], vars(r)["resource"]) for r in lines(caplog)]
    assert [t[0] for t in told] == [403, 404]
    assert told[1][1:] == ("cases.show", "12345")
    assert all(str(vars(r)["person"]).isdigit() for r in lines(caplog))


def test_the_api_logs_the_same(seeded: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with running(seeded, tmp_path / "api") as server:
        headers = {"Authorization": f"Bearer {server.token('rosa')}"}
        caplog.clear()
        assert httpx.get(f"{server.url}/v2/user-tasks/12345", headers=headers).status_code == 404
        assert httpx.get(f"{server.url}/v2/user-tasks/12345").status_code == 401
    (told,) = lines(caplog)
    assert (vars(told)["status"], vars(told)["resource"]) == (404, "12345")
    assert vars(told)["person"].isdigit()


def test_what_is_allowed_is_not(borough: Flask, caplog: pytest.LogCaptureFixture) -> None:
    rosa = Browser(borough, "rosa").sign_in()
    caplog.clear()
    rosa.get("/work")
    assert lines(caplog) == []
