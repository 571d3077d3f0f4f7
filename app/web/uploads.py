"""Files that come with a posted page: checked, sealed and kept with the case; the form holds references only."""

from __future__ import annotations

from flask import current_app, request

from app.cases import attachments
from app.cases.errors import AttachmentRefused
from app.forms import FieldError, FileRef
from app.identity.person import Person
from app.store.limits import TooMany
from app.work.eligibility import agency_for
from app.work.models import WorkItem


def take(item: WorkItem, person: Person, page: int) -> tuple[dict[str, list[FileRef]], list[FieldError]]:
    """Keep the files of this request: references by input name, and what was wrong with those not taken.

    :param page: index of the page they came with.
    """
    taken: dict[str, list[FileRef]] = {}
    errors: list[FieldError] = []
    for name, files in request.files.lists():
        for file in files:
            if not file.filename:
                continue
            if item.dossier_key is None:
                errors.append(FieldError(name, name, "Files cannot be added to this task", page))
                continue
            try:
                row = attachments.store(
                    item.dossier_key,
                    file.filename,
                    file.read(),
                    by=person.key,
                    agency_key=agency_for(item, person),
                    limit_bytes=current_app.config["SETTINGS"].upload_limit_mb * 1_000_000,
                )
            except (AttachmentRefused, TooMany) as refused:
                errors.append(FieldError(name, name, refused.message, page))
                continue
            reference = FileRef(
                id=str(row.key), name=attachments.safe_name(file.filename), size=row.size, type=row.content_type
            )
            taken.setdefault(name, []).append(reference)
    return taken, errors
