"""Files (`filepicker`). The form holds references; the bytes are kept elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from marshmallow import ValidationError, fields

from app.forms import messages
from app.forms.kinds.common import input_params, needed
from app.forms.model import Question
from app.forms.posted import FileRef, Posted, tidy
from app.forms.state import Place

MAX_FILES = 20
_NAMES = {
    ".pdf": "PDF",
    ".docx": "Word document",
    ".doc": "Word document",
    ".jpg": "JPG",
    ".jpeg": "JPG",
    ".png": "PNG",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FilesQuestion(Question):
    """One file or several.

    :param accept: the endings that are taken, lower case with their dot; empty for all.
    """

    accept: tuple[str, ...] = ()
    multiple: bool = False

    @property
    def empty(self) -> list[FileRef]:
        return []

    def posted(self, name: str, posted: Posted, files: list[FileRef], old: Any) -> list[FileRef]:
        kept = self.known(old)
        if not files:
            return kept
        return [*kept, *files] if self.multiple else files[-1:]

    def known(self, raw: Any) -> list[FileRef]:
        if not isinstance(raw, list):
            return []
        return [reference for reference in map(_reference, raw) if reference is not None]

    def from_outside(self, value: Any) -> list[FileRef]:
        if value is None:
            return []
        references = [_reference(entry) for entry in value] if isinstance(value, list) else [None]
        if any(reference is None for reference in references) or len(references) > MAX_FILES:
            raise ValueError(f"a list of at most {MAX_FILES} files, each with id, name, size and type")
        return [reference for reference in references if reference is not None]

    def offered(self, raw: Any) -> list[str]:
        return [reference["id"] for reference in self.known(raw)]

    def rule(self, place: Place) -> fields.Field[Any]:
        return _Files(self, **needed(place, messages.upload(place.label)))

    def clean(self, value: Any) -> Any:
        return value or []

    def variable(self, clean: Any) -> Any:
        return [reference["id"] for reference in clean or []]

    def draw(self, place: Place, error: str | None) -> tuple[str, dict[str, Any]]:
        params = input_params(place, error, self._endings())
        params["multiple"] = self.multiple
        if self.accept:
            params["attributes"] = {"accept": ",".join(self.accept)}
        return "govukFileUpload", params

    def _endings(self) -> str:
        names = list(dict.fromkeys(_NAMES.get(ending, ending.lstrip(".").upper()) for ending in self.accept))
        if not names:
            return ""
        listed = names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"
        return f"A {listed}."

    def words(self, place: Place, raw: Any) -> list[str]:
        return [reference["name"] for reference in self.known(raw)]


class _Files(fields.Field[list[FileRef]]):
    def __init__(self, question: FilesQuestion, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.question = question

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> list[FileRef]:
        question = self.question
        references = question.known(value)
        for reference in references:
            if question.accept and not reference["name"].lower().endswith(question.accept):
                raise ValidationError(
                    f"The selected file must be {question._endings()[:1].lower()}{question._endings()[1:-1]}"
                )
            if reference["size"] == 0:
                raise ValidationError("The selected file is empty")
        if len(references) > (MAX_FILES if question.multiple else 1):
            raise ValidationError(
                f"You can only select up to {MAX_FILES} files at the same time"
                if question.multiple
                else "Select one file only"
            )
        return references


def _reference(entry: Any) -> FileRef | None:
    if not isinstance(entry, dict):
        return None
    identity, name, size, kind = (entry.get(key) for key in ("id", "name", "size", "type"))
    if not (isinstance(identity, str) and identity and isinstance(name, str) and isinstance(kind, str)):
        return None
    if isinstance(size, bool) or not isinstance(size, int) or size < 0:
        return None
    return FileRef(id=identity, name=tidy(name).replace("\n", " ")[:255], size=size, type=kind)
