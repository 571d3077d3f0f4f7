"""Jobs that begin as soon as the request that has written them has committed.

The request's answer waits a moment for them, so that whoever reads it sees what has followed. They are ordinary jobs: when the process dies
in between, or the work fails, a worker does it. Whoever is first removes the job in the transaction of its effects; the other finds none.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence

from flask import Flask
from sqlalchemy import delete, event
from sqlalchemy.orm import Session, SessionTransaction

from app.store import faults
from app.store.database import db
from app.store.jobs import Job, enqueue, handlers
from app.store.outage import said

log = logging.getLogger("convenor.promptly")

PATIENCE = 2.0  # seconds that an answer waits for what follows
AT_ONCE = 8  # in a process: those that take longer than an answer waits must not take every connection; the others are a worker's
_places = threading.BoundedSemaphore(AT_ONCE)
_WRITTEN, _COMMITTED = "convenor.prompt-jobs", "convenor.prompt-jobs-committed"


def enqueue_promptly(kind: str, payload: dict[str, str], *, instance_key: int) -> Job:
    """Write a job in the current transaction that begins when it has committed. Its handler only touches the database."""
    job = enqueue(kind, payload, instance_key=instance_key)
    db.session().info.setdefault(_WRITTEN, []).append(job)
    return job


def begin(app: Flask) -> None:
    """Begin the jobs that the transaction has written which this context has just committed, and wait a moment for them."""
    jobs: list[Job] = db.session().info.pop(_COMMITTED, [])
    if not jobs or not _places.acquire(blocking=False):
        return
    for job in [job for job in jobs if job in db.session]:
        db.session.expunge(job)  # nobody asks this context's session for anything of it from another thread
    done = threading.Event()
    threading.Thread(target=_run_all, args=(app, jobs, done), name="promptly", daemon=True).start()
    done.wait(PATIENCE)


def _run_all(app: Flask, jobs: Sequence[Job], done: threading.Event) -> None:
    try:
        for job in jobs:
            _run(app, job)
    finally:
        _places.release()
        done.set()


def _run(app: Flask, job: Job) -> None:
    """What cannot be done here is left for a worker, who tries again and tells of it."""
    handler = handlers.get(job.kind)
    if handler is None:
        return
    try:
        with app.app_context():
            faults.point("prompt.before-run")
            if handler.prepare is not None:  # first, as a worker does: else each would wait for the other
                handler.prepare([job])
            gone = delete(Job).where(Job.key == job.key).execution_options(synchronize_session=False)
            if not db.session.execute(gone).rowcount:  # type: ignore[attr-defined]
                return  # a worker was first
            handler.run(job)
            faults.point("prompt.before-commit")
            db.session.commit()
            faults.point("prompt.after-commit")
    except Exception as error:
        log.warning(said(error) or "left for a worker", extra={"job": job.key, "kind": job.kind}, exc_info=error)


@event.listens_for(db.session, "after_commit")
def _committed(session: Session) -> None:
    written = session.info.pop(_WRITTEN, None)
    if written:
        session.info[_COMMITTED] = written


@event.listens_for(db.session, "after_transaction_end")
def _ended(session: Session, transaction: SessionTransaction) -> None:
    if transaction.parent is None:
        session.info.pop(_WRITTEN, None)
