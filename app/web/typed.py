"""Short texts typed into the fields of a page: all of what was typed is kept, or the page says what is too long. Nothing is cut."""

from __future__ import annotations

from flask import request

from app.audit.reasons import LONGEST_REASON
from app.forms.posted import tidy

LONGEST_LINE = 200

Errors = list[tuple[str, str]]


def line(
    name: str, what: str, *, missing: str = "", anchor: str = "", longest: int = LONGEST_LINE
) -> tuple[str, Errors]:
    """The text of a field, and what is wrong with it.

    :param what: what the field asks for, as a sentence begins: "Job title".
    :param missing: the error when nothing was typed; empty when nothing need be.
    :param anchor: the field's id on the page, when that is not its name.
    :param longest: how many characters it may have; a line's end is one.
    """
    value = tidy(request.form.get(name))
    if missing and not value:
        return value, [(anchor or name, missing)]
    if len(value) > longest:
        return value, [(anchor or name, f"{what} must be {longest:,} characters or fewer")]
    return value, []


def reason(missing: str = "", *, anchor: str = "reason") -> tuple[str, Errors]:
    """Why somebody decides as they do; ``missing`` and ``anchor`` as for :func:`line`."""
    return line("reason", "The reason", missing=missing, anchor=anchor, longest=LONGEST_REASON)
