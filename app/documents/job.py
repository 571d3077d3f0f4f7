"""The job that makes a document: build, draw, seal, store.

Drawing takes up to a second, so it happens between two transactions: the first reads what the document says, the second stores the
sealed PDF together with the end of the job. A crash in between leaves the job to be done again.
"""

from __future__ import annotations

from hashlib import sha256

from sqlalchemy import select

from app.documents.models import Document, DocumentStatus
from app.documents.registry import builder_of, keys
from app.documents.service import JOB_KIND
from app.store import faults
from app.store.clock import business_now
from app.store.database import db
from app.store.jobs import Handler, Handlers, Job
from app.store.vault import seal_item


def make(job: Job) -> None:
    """Make the document that a job names, unless it is made already or has been destroyed."""
    key = int(job.payload["document"])
    document = db.session.get(Document, key)
    if document is None or document.status != DocumentStatus.QUEUED:
        return
    content = builder_of(document.kind)(document)
    db.session.commit()  # no lock is held while the pages are drawn
    from app.documents.render import render  # the PDF library is large: a start should not wait for it

    pdf, pages = render(content, document)
    faults.point("document.after-draw")
    _store(key, pdf, pages)


def give_up(job: Job, _error: BaseException) -> None:
    """Mark the document that could not be made; it stays visible and can be tried again."""
    document = db.session.get(Document, int(job.payload["document"]), populate_existing=True)
    if document is not None and document.status == DocumentStatus.QUEUED:
        document.status = DocumentStatus.FAILED


def register_jobs(handlers: Handlers) -> None:
    """Register what runs ``document.make``."""
    handlers.register(JOB_KIND, Handler(run=make, failed=give_up))


def _store(key: int, pdf: bytes, pages: int) -> None:
    query = select(Document).where(Document.key == key).with_for_update()
    document = db.session.execute(query.execution_options(populate_existing=True)).scalar_one_or_none()
    if document is None or document.status != DocumentStatus.QUEUED:
        return  # destroyed while it was drawn
    sealed = seal_item(keys().owner_key(document), pdf, document.label)
    document.wrapped_key, document.ciphertext = sealed.wrapped_key, sealed.ciphertext
    document.size, document.pages, document.sha = len(pdf), pages, keys().digest(sha256(pdf).hexdigest())
    document.made_at, document.status = business_now(), DocumentStatus.READY
    db.session.flush()
    _supersede(document.series)


def _supersede(series: str) -> None:
    """Point every ready version of a series at the newest ready one: jobs may finish in any order."""
    query = select(Document).where(Document.series == series, Document.status == DocumentStatus.READY)
    versions = list(db.session.execute(query.order_by(Document.version)).scalars())
    for earlier in versions[:-1]:
        earlier.superseded_by = versions[-1].key
