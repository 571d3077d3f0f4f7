"""What decisions refuse, and why."""

from __future__ import annotations

from collections.abc import Sequence

from app.errors import ConvenorError, Invalid
from app.problems import Problem


class DecisionFileError(Invalid):
    """The file is not a decision model, or cannot be one of ours. `problems` says where and what to do."""

    title = "Decision file refused"

    def __init__(self, problems: Sequence[Problem]) -> None:
        first = problems[0]
        super().__init__(f"{first.what} {first.remedy}", resource_id=first.element_id or first.file)
        self.problems = list(problems)


class DecisionError(ConvenorError):
    """A decision cannot be made with these inputs: no or too many rules match, or a part of it is not supported."""

    title = "Decision not made"
    status = 422
