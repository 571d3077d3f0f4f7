"""What the engine room refuses, and what goes wrong inside a running instance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from app.errors import Conflict, ConvenorError, Invalid, NotFound
from app.problems import Problem, Severity


class Fault(Exception):
    """Something in a running instance that a person must mend. It becomes an incident on its task, never a half-done
    step.

    :param kind: a short word for the type of incident (see :class:`app.runtime.models.IncidentType`).
    :param details: what helps to mend it (expression, types of the variables); never personal data.
    """

    def __init__(self, message: str, *, kind: str = "EXPRESSION", details: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.kind = kind
        self.details = dict(details or {})


class OperationError(Exception):
    """Raised by a service operation to throw a BPMN error that the diagram may catch.

    :param code: the error code an error event of the diagram catches.
    :param message: plain English for the incident when nothing catches it; no personal data.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class DiagramRefused(Invalid):
    """A file that the runtime cannot read or cannot run faithfully."""

    title = "Diagram refused"

    def __init__(self, message: str, remedy: str, *, element_id: str = "", file: str = "") -> None:
        super().__init__(message, resource_id=element_id or file or None)
        self.remedy = remedy
        self.element_id = element_id
        self.file = file

    def problem(self, file: str = "") -> Problem:
        return Problem(self.file or file, self.element_id, self.message, self.remedy, Severity.ERROR)


class ReleaseRefused(Invalid):
    """Nothing was published: the files of a release have errors. ``problems`` lists every one, warnings included."""

    title = "Release refused"

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = list(problems)
        errors = [p for p in self.problems if p.severity is Severity.ERROR]
        first = f" The first: {errors[0].line()}" if errors else ""
        count = "one problem" if len(errors) == 1 else f"{len(errors)} problems"
        super().__init__(f"Nothing was published, because the files have {count}.{first}")


class VariableRefused(Invalid):
    """A variable is not declared, or its value is not of the declared type. The message never holds the value."""

    title = "Variable refused"


class InstanceNotFound(NotFound):
    """No such instance, definition, release or incident."""

    title = "Not found"


class StaleInstance(Conflict):
    """Somebody else moved the instance on in the meantime; the step was not taken."""

    title = "Somebody else was first"


class NotSettled(Conflict):
    """A completion that was accepted before cannot take its course, and nothing else happens in the instance until it has."""

    title = "Something else comes first"


class TaskNotOpen(Conflict):
    """The task was completed or cancelled in the meantime, or never existed."""

    title = "Task is not open"


class InstanceEnded(Conflict):
    """The instance has ended; nothing can be done with it any more."""

    title = "The instance has ended"


class NobodyWaiting(NotFound):
    """No instance and no start event waits for this message."""

    title = "Nobody waits for this message"


class MessageRepeated(Conflict):
    """A message with this id has been published already and is still remembered."""

    title = "Message already published"


class UnreadableState(ConvenorError):
    """A saved state is of a version that this code does not know, was saved with another diagram, or is damaged."""

    title = "Saved state cannot be read"
