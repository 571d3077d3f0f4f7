"""Forms: form-js files, drawn and checked on the server (`docs/developers/forms.md`).

Pure: no database, no web framework. A form file becomes a `Form`; answers are plain JSON-safe data that the caller keeps;
the time and the options to choose from come in a `Context`.
"""

from app.forms.answers import Action, act, answers_from_variables, opened_questions, start, take
from app.forms.checking import check, load
from app.forms.context import Context
from app.forms.drawing import Item, PageView, RowView, draw, page_hidden, shown_pages, visible
from app.forms.errors import FormFileError, MisshapenAnswer, UnknownAnswers
from app.forms.model import Component, Field, Form, Marks, Page, Question, RepeatingGroup
from app.forms.posted import Answers, FileRef, Posted
from app.forms.summary import SummaryCard, SummaryRow, record, summary
from app.forms.validation import FieldError, Validated, schema_for, validate

__all__ = [
    "Action",
    "Answers",
    "Component",
    "Context",
    "Field",
    "FieldError",
    "FileRef",
    "Form",
    "FormFileError",
    "Item",
    "Marks",
    "MisshapenAnswer",
    "Page",
    "PageView",
    "Posted",
    "Question",
    "RepeatingGroup",
    "RowView",
    "SummaryCard",
    "SummaryRow",
    "UnknownAnswers",
    "Validated",
    "act",
    "answers_from_variables",
    "check",
    "draw",
    "load",
    "opened_questions",
    "page_hidden",
    "record",
    "schema_for",
    "shown_pages",
    "start",
    "summary",
    "take",
    "validate",
    "visible",
]
