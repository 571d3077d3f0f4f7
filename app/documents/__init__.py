"""Documents: tagged PDFs that a job makes, sealed under their case's or meeting's key. Content comes from builders registered above."""

from app.documents.job import register_jobs
from app.documents.models import Document, DocumentStatus, Kind
from app.documents.registry import Keys, init_app, register_builder
from app.documents.service import (
    copies,
    destroy,
    destroy_all,
    failed_count,
    get,
    list_for,
    put_away,
    read,
    request,
    retry,
)

__all__ = [
    "Document",
    "DocumentStatus",
    "Keys",
    "Kind",
    "copies",
    "destroy",
    "destroy_all",
    "failed_count",
    "get",
    "init_app",
    "list_for",
    "put_away",
    "read",
    "register_builder",
    "register_jobs",
    "request",
    "retry",
]
