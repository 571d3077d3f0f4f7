"""What a stranger's diagram, which declares no variables, learns from its forms. Only in the demo area, and never about a case."""

from __future__ import annotations

from typing import Any

from app import forms
from app.runtime import releases
from app.work.models import WorkItem

_NEVER = frozenset({"textfield", "textarea", "filepicker"})


def undeclared_variables(item: WorkItem, form: forms.Form | None, clean: dict[str, Any]) -> dict[str, Any]:
    """The answers that reach the process as variables of their keys, as stock tools have it. Free text and files stay out of
    the engine here as everywhere; a process that declares its variables takes those that its forms name, and no others.
    """
    if form is None or item.dossier_key is not None:
        return {}
    release = releases.parsed(item.release_key)
    process = release.diagrams.processes.get(item.process_id)
    if not release.allow_undeclared or process is None or process.declarations:
        return {}
    return {
        field.path[0]: clean[field.path[0]]
        for field in form.fields()
        if len(field.path) == 1 and not field.in_list and field.type not in _NEVER and field.path[0] in clean
    }
