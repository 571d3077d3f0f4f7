"""Uploaded files: checked by type and size and content, sealed, served as downloads only. Uploads are hostile."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable

import orjson
from sqlalchemy import select, update

from app.cases.dossiers import dossier_key
from app.cases.errors import AttachmentRefused, UnknownCase
from app.cases.models import Attachment
from app.identity.limits import count_upload
from app.store.clock import business_now
from app.store.database import db, new_key
from app.store.vault import Sealed, seal, seal_item, unseal, unseal_item

Scanner = Callable[[bytes], bool]

_SIGNATURES: dict[str, tuple[str, tuple[bytes, ...]]] = {
    ".pdf": ("application/pdf", (b"%PDF-",)),
    ".docx": ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", (b"PK\x03\x04",)),
    ".xlsx": ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", (b"PK\x03\x04",)),
    ".odt": ("application/vnd.oasis.opendocument.text", (b"PK\x03\x04",)),
    ".png": ("image/png", (b"\x89PNG\r\n\x1a\n",)),
    ".jpg": ("image/jpeg", (b"\xff\xd8\xff",)),
    ".jpeg": ("image/jpeg", (b"\xff\xd8\xff",)),
    ".txt": ("text/plain", ()),
}

_UNSAFE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})

_scanners: list[Scanner] = []


def add_scanner(scanner: Scanner) -> None:
    """Register a malware scanner: given the bytes, it answers whether they are clean."""
    _scanners.append(scanner)


def content_type_of(name: str, content: bytes) -> str:
    """The type of a file by its ending, confirmed by its first bytes.

    :raises AttachmentRefused: a type that is not taken, or the content is something else.
    """
    ending = "." + name.rsplit(".", 1)[-1].lower() if "." in name else ""
    if ending not in _SIGNATURES:
        raise AttachmentRefused("The selected file must be a PDF, Word, Excel, OpenDocument, PNG, JPEG or text file")
    kind, starts = _SIGNATURES[ending]
    if starts and not content.startswith(starts):
        raise AttachmentRefused("The selected file does not contain what its name says")
    if not starts and b"\x00" in content:
        raise AttachmentRefused("The selected file is not plain text")
    return kind


def safe_name(name: str) -> str:
    """A file's name without folders and without what could break a header or make it read as another: control characters,
    marks that turn the direction of writing.
    """
    own = name.replace("\\", "/").rpartition("/")[2]
    return "".join(mark for mark in own if unicodedata.category(mark) not in _UNSAFE)[-120:]


def store(dossier: int, name: str, content: bytes, *, by: int, agency_key: int | None, limit_bytes: int) -> Attachment:
    """Check, seal and keep an upload.

    :raises AttachmentRefused: empty, too large, wrong type, or a scanner refuses it.
    """
    if not content:
        raise AttachmentRefused("The selected file is empty")
    if len(content) > limit_bytes:
        raise AttachmentRefused(f"The selected file must be smaller than {limit_bytes // 1_000_000} MB")
    count_upload(by, len(content))
    kind = content_type_of(name, content)
    if not all(scanner(content) for scanner in _scanners):
        raise AttachmentRefused("The selected file contains a virus")
    key = new_key()
    owner = dossier_key(dossier)
    sealed = seal_item(owner, content, f"attachment:{key}")
    row = Attachment(
        key=key,
        dossier_key=dossier,
        agency_key=agency_key,
        uploaded_by=by,
        uploaded_at=business_now(),
        content_type=kind,
        size=len(content),
        sealed_name=seal(owner, orjson.dumps(safe_name(name)), f"attachment-name:{key}"),
        wrapped_key=sealed.wrapped_key,
        ciphertext=sealed.ciphertext,
    )
    db.session.add(row)
    return row


def find(attachment_key: int) -> Attachment:
    """:raises UnknownCase: no such file."""
    row = db.session.get(Attachment, attachment_key)
    if row is None:
        raise UnknownCase("There is no such file.", resource_id=str(attachment_key))
    return row


def name_of(row: Attachment) -> str:
    """The file's name as uploaded."""
    return str(orjson.loads(unseal(dossier_key(row.dossier_key), row.sealed_name, f"attachment-name:{row.key}")))


def read(row: Attachment) -> bytes:
    """The file's bytes. The caller has checked access and audits."""
    sealed = Sealed(row.wrapped_key or b"", row.ciphertext or b"")
    return unseal_item(dossier_key(row.dossier_key), sealed, f"attachment:{row.key}")


def belong_to(submission_key: int, attachment_keys: list[int], dossier: int) -> None:
    """Tie uploads of a draft to the submission they came with."""
    db.session.execute(
        update(Attachment)
        .where(Attachment.key.in_(attachment_keys), Attachment.dossier_key == dossier)
        .values(submission_key=submission_key)
    )


def of_dossier(dossier: int) -> list[Attachment]:
    """Files of a case or meeting, oldest first."""
    return list(
        db.session.execute(
            select(Attachment).where(Attachment.dossier_key == dossier).order_by(Attachment.key)
        ).scalars()
    )
