"""What test processes know besides the product: a document of the test, and a job that waits for a file."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from app.documents import register_builder
from app.store.jobs import Handler, Job, handlers
from tests.unit.documents import document_samples

PAPER = "test-paper"
WAITING = "test.wait"


def _wait(job: Job) -> None:
    """Say that the job has begun, then wait until the test lets it end."""
    folder = Path(str(job.payload["folder"]))
    (folder / "begun").touch()
    end = time.monotonic() + 60
    while not (folder / "go").exists() and time.monotonic() < end:
        time.sleep(0.02)


def _paper(_document: Any) -> Any:
    return document_samples.agenda()


register_builder(PAPER, _paper)
handlers.register(WAITING, Handler(run=_wait))
