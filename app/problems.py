"""A problem found in a diagram, decision or form before it is published: where, what, and the remedy in plain English."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Problem:
    """One finding of a check.

    :param file: file name as given.
    :param element_id: id of the element, or an empty string when the whole file is meant.
    :param what: what is wrong, one sentence.
    :param remedy: what to do about it, one sentence.
    """

    file: str
    element_id: str
    what: str
    remedy: str
    severity: Severity = Severity.ERROR

    def line(self) -> str:
        """The problem on one line: file, element id, what, remedy."""
        mark = "" if self.severity is Severity.ERROR else "warning: "
        return f"{self.file}: {self.element_id or '-'}: {mark}{self.what} {self.remedy}".strip()
