"""Asking for documents, reading them and destroying them. Callers check access first and audit what was read."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import func, select

from app.documents import titles
from app.documents.errors import DocumentNotFound, DocumentNotReady
from app.documents.models import PUT_AWAY, Document, DocumentStatus
from app.documents.registry import builder_of, keys
from app.errors import Invalid
from app.store.clock import business_now
from app.store.database import db
from app.store.flushing import written_alike
from app.store.jobs import arm, disarm
from app.store.remembering import tell, told
from app.store.vault import Sealed, unseal_item

JOB_KIND = "document.make"

Params = Mapping[str, int | str | bool | Sequence[int] | None]


def request(
    kind: str,
    *,
    area_key: int,
    case_key: int | None = None,
    meeting_key: int | None = None,
    copy_holder: int | None = None,
    for_agency: int | None = None,
    about: int | None = None,
    created_by: int | None,
    params: Params | None = None,
) -> Document:
    """Ask for a document in the caller's transaction; a job makes it. A second request in the same series is the next version.

    :param copy_holder: key of the agency named as copy holder; None is the file copy.
    :param for_agency: key of the agency that may have it; None for those whom the access rules let see the whole case or meeting.
    :param about: key of the one thing it records (for instance the submission behind an ISWC form), when a case has several.
    :param params: ids, codes and switches that the builder needs; never a name or free text.
    :raises Invalid: neither a case nor a meeting is given.
    :raises DocumentNotMade: no builder is registered for the kind.
    """
    if case_key is None and meeting_key is None:
        raise Invalid("A document belongs to a case or to a meeting.")
    builder_of(kind)
    series = "/".join(str(part or "-") for part in (kind, case_key, meeting_key, copy_holder, for_agency, about))
    versions = _versions(case_key, meeting_key)
    versions[series] = versions.get(series, 0) + 1
    document = Document(
        area_key=area_key,
        case_key=case_key,
        meeting_key=meeting_key,
        kind=kind,
        title=titles.of(kind),
        copy_holder_agency=copy_holder,
        for_agency=for_agency,
        about_key=about,
        series=series,
        version=versions[series],
        status=DocumentStatus.QUEUED,
        params=dict(params or {}),
        created_at=business_now(),
        created_by=created_by,
    )
    db.session.add(document)
    _enqueue(document)
    return document


def _versions(case_key: int | None, meeting_key: int | None) -> dict[str, int]:
    """The newest version of each series of a case or meeting, read once in a transaction and kept up with what it asks for."""
    asked = ("document versions", case_key, meeting_key)
    known: dict[str, int] | None = told(asked)
    if known is None:
        owner = Document.meeting_key == meeting_key if case_key is None else Document.case_key == case_key
        query = select(Document.series, func.max(Document.version)).where(owner).group_by(Document.series)
        known = {series: version for series, version in db.session.execute(query)}
        tell(asked, (), known)
    return known


def get(document_key: int) -> Document:
    """One document's row.

    :raises DocumentNotFound: there is none.
    """
    document = db.session.get(Document, document_key)
    if document is None:
        raise DocumentNotFound("There is no such document.", resource_id=str(document_key))
    return document


def read(document: Document) -> bytes:
    """The PDF in clear. The caller has checked access and writes the audit entry.

    :raises DocumentNotReady: it is still being made, has failed or has been destroyed.
    :raises app.store.vault.VaultError: its case has been destroyed.
    """
    if document.status != DocumentStatus.READY or document.ciphertext is None or document.wrapped_key is None:
        raise DocumentNotReady(_NOT_READY[DocumentStatus(document.status)], resource_id=str(document.key))
    sealed = Sealed(document.wrapped_key, document.ciphertext)
    return unseal_item(keys().owner_key(document), sealed, document.label)


def destroy(document_key: int) -> None:
    """Destroy one document: its key, its ciphertext and the job that may still make it. Destroying twice is no error.

    :raises DocumentNotFound: there is none.
    """
    _destroy(get(document_key))


def put_away(document_key: int, cases: Collection[int]) -> None:
    """Keep a document that should be destroyed, because of a legal hold. From then on the access rules treat it as evidence, nobody's copy.

    :param cases: the keys of every case that it tells of.
    :raises DocumentNotFound: there is none.
    """
    document = get(document_key)
    document.params = {**document.params, PUT_AWAY: sorted(cases)}


def destroy_all(*, case_key: int | None = None, meeting_key: int | None = None) -> int:
    """Destroy every document of a case, or of a meeting. Says how many were destroyed."""
    documents = [
        d for d in list_for(case_key=case_key, meeting_key=meeting_key) if d.status != DocumentStatus.DESTROYED
    ]
    for document in documents:
        _destroy(document)
    return len(documents)


def list_for(*, case_key: int | None = None, meeting_key: int | None = None) -> list[Document]:
    """The documents of a case or of a meeting (of both, when both are given), newest first. The caller leaves out what may not be seen.

    :raises Invalid: neither is given.
    """
    if case_key is None and meeting_key is None:
        raise Invalid("Say whose documents are wanted: a case's or a meeting's.")
    query = select(Document).order_by(Document.created_at.desc(), Document.key.desc())
    if case_key is not None:
        query = query.where(Document.case_key == case_key)
    if meeting_key is not None:
        query = query.where(Document.meeting_key == meeting_key)
    return list(db.session.execute(query).scalars())


def copies(kind: str, *, meeting_key: int, for_agency: int) -> list[Document]:
    """An agency's copies of a meeting's document that are neither destroyed nor put away, oldest first."""
    query = select(Document).where(
        Document.kind == kind,
        Document.meeting_key == meeting_key,
        Document.for_agency == for_agency,
        Document.status != DocumentStatus.DESTROYED,
    )
    return [copy for copy in db.session.execute(query.order_by(Document.key)).scalars() if not copy.put_away_for]


def retry(document_key: int) -> Document:
    """Try again to make a document that failed.

    :raises DocumentNotFound: there is none.
    :raises DocumentNotReady: it has not failed.
    """
    document = get(document_key)
    if document.status != DocumentStatus.FAILED:
        raise DocumentNotReady(
            "Only a document that could not be made can be tried again.", resource_id=str(document_key)
        )
    document.status = DocumentStatus.QUEUED
    _enqueue(document)
    return document


def failed_count() -> int:
    """How many documents could not be made and wait for somebody to mend the cause (for the metrics)."""
    query = select(func.count()).select_from(Document).where(Document.status == DocumentStatus.FAILED)
    return db.session.execute(query).scalar_one()


def job_key(document: Document) -> str:
    """The dedupe key of the job that makes a document."""
    return f"{JOB_KIND}:{document.key}"


def _enqueue(document: Document) -> None:
    arm(JOB_KIND, {"document": str(document.key)}, dedupe_key=job_key(document))


def _destroy(document: Document) -> None:
    disarm(job_key(document))
    document.status = DocumentStatus.DESTROYED
    document.wrapped_key = document.ciphertext = document.sha = document.size = document.pages = None
    document.params = {}
    written_alike(document, "status", "wrapped_key", "ciphertext", "sha", "size", "pages", "params")


_NOT_READY = {
    DocumentStatus.QUEUED: "This document is still being made. Try again in a minute.",
    DocumentStatus.READY: "This document is incomplete and cannot be opened.",
    DocumentStatus.FAILED: "This document could not be made. An operator has been told.",
    DocumentStatus.DESTROYED: "This document has been destroyed.",
}
