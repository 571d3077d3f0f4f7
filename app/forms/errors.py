"""What the form engine refuses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from app.errors import Invalid
from app.feel import FeelError
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


class ExpressionFailed(FeelError):
    """An expression of a form could not be worked out. The message is for whoever fills the form in; the rest for who mends it.

    :ivar expression: as the form has it.
    :ivar why: what went wrong, without a value.
    :ivar saw: the names that it read and what kind of value each held, never the value.
    """

    title = "This form has stopped"
    status = 500

    def __init__(self, expression: str, why: str, saw: Mapping[str, str]) -> None:
        super().__init__(
            "Something in this form cannot be worked out. What you have typed on earlier pages is kept. "
            "The people who run the service can see what is wrong."
        )
        self.expression, self.why, self.saw = expression, why, dict(saw)


class UnknownAnswers(Invalid):
    """Answers were sent for questions that the form does not have."""

    title = "Unknown answers"


class MisshapenAnswer(Invalid):
    """An answer sent from outside does not have the shape that its question takes."""

    title = "Answer not understood"
