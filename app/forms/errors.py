"""What the form engine refuses."""

from __future__ import annotations

from collections.abc import Sequence

from app.errors import Invalid
from app.problems import Problem


class FormFileError(Invalid):
    """A form file cannot be used.

    :param problems: everything found wrong with it, in the order of the file.
    """

    title = "Form not usable"

    def __init__(self, file: str, problems: Sequence[Problem]) -> None:
        first = problems[0]
        more = f" There are {len(problems) - 1} more problems." if len(problems) > 1 else ""
        super().__init__(f"{first.line()}{more}", resource_id=file)
        self.problems = list(problems)


class UnknownAnswers(Invalid):
    """Answers were sent for questions that the form does not have."""

    title = "Unknown answers"


class MisshapenAnswer(Invalid):
    """An answer sent from outside does not have the shape that its question takes."""

    title = "Answer not understood"
