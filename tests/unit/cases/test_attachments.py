"""Uploads are hostile: type by ending and content, size, scanners; the bytes are sealed."""

from __future__ import annotations

import pytest
from flask import Flask

from app.cases import attachments
from app.cases.dossiers import open_case
from app.cases.errors import AttachmentRefused

PDF = b"%PDF-1.7 something secret"


def test_a_good_file_is_sealed_and_opens_again(app: Flask) -> None:
    with app.app_context():
        case = open_case(1, "marac-case", by=1, agency_key=None)
        row = attachments.store(case.key, "plan for Elin.pdf", PDF, by=1, agency_key=None, limit_bytes=1000)
        assert attachments.read(row) == PDF
        assert attachments.name_of(row) == "plan for Elin.pdf"
        assert b"secret" not in (row.ciphertext or b"")
        assert b"Elin" not in row.sealed_name


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("a.exe", b"MZ", "must be a PDF"),
        ("a", PDF, "must be a PDF"),
        ("a.pdf", b"MZ not a pdf", "does not contain what its name says"),
        ("a.docx", PDF, "does not contain what its name says"),
        ("a.txt", b"a\x00b", "not plain text"),
        ("a.pdf", b"", "is empty"),
        ("a.pdf", PDF * 100, "smaller than"),
        ("a.html", b"<script>", "must be a PDF"),
        ("a.svg", b"<svg>", "must be a PDF"),
    ],
)
def test_a_bad_file_is_refused_with_a_sentence(app: Flask, name: str, content: bytes, why: str) -> None:
    with app.app_context():
        case = open_case(1, "marac-case", by=1, agency_key=None)
        with pytest.raises(AttachmentRefused, match=why):
            attachments.store(case.key, name, content, by=1, agency_key=None, limit_bytes=1000)


def test_a_scanner_may_refuse(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attachments, "_scanners", [lambda content: b"virus" not in content])
    with app.app_context():
        case = open_case(1, "marac-case", by=1, agency_key=None)
        with pytest.raises(AttachmentRefused, match="virus"):
            attachments.store(case.key, "a.pdf", b"%PDF- virus", by=1, agency_key=None, limit_bytes=1000)
