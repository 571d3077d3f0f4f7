"""Reading a question of a form file: the attributes that only its kind has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from app.forms import vocabulary as v
from app.forms.expressions import Template
from app.forms.kinds.choice import BoxQuestion, OneQuestion, Option, SeveralQuestion
from app.forms.kinds.files import FilesQuestion
from app.forms.kinds.moment import MomentQuestion
from app.forms.kinds.number import NumberQuestion
from app.forms.kinds.text import TextQuestion
from app.forms.model import Marks, Question
from app.forms.reading_attributes import Attributes

_VALUE_TYPE = {
    "number": "number",
    "radio": "enum",
    "select": "enum",
    "checkbox": "boolean",
    "checklist": "list",
    "taglist": "list",
    "textfield": "string",
    "textarea": "string",
    "filepicker": "list",
}
_MOMENT_TYPE = {"date": "date", "time": "time", "datetime": "date and time"}
_EDITOR_DELETES = ("pattern", "patternErrorMessage", "minLength", "maxLength")


def read_question(read: Attributes, path: tuple[str, ...], marks: Marks, *, in_list: bool) -> Question:
    """The question that a component of a question type is."""
    base = read.base(path, marks)
    if not base["label"]:
        read.problem(
            "The question has no label.", "Give it one; people using screen readers have nothing else to go by."
        )
    readonly = read.raw.get("readonly", False)
    arguments: dict[str, Any] = {
        **base,
        "marks": _with_sensitivity(_with_value_type(read, base["marks"])),
        "description": read.template("description"),
        "required": read.validate.get("required") is True,
        "required_message": read.property("requiredMessage"),
        "readonly": read.expression("readonly") or False
        if isinstance(readonly, str)
        else bool(readonly) or bool(read.raw.get("disabled")),
        "prefill": read.expression_property("prefill"),
        "in_list": in_list,
    }
    readers = {
        "textfield": _text,
        "textarea": _text,
        "number": _number,
        "datetime": _moment,
        "radio": _one,
        "select": _one,
        "checklist": _several,
        "taglist": _several,
        "checkbox": _box,
        "filepicker": _files,
    }
    question = readers[read.type](read, arguments)
    if "defaultValue" not in read.raw or read.raw["defaultValue"] is None:
        return question
    try:
        return replace(question, default=question.from_outside(read.raw["defaultValue"]))
    except ValueError as expected:
        read.problem("The default value does not suit the question.", f"Give {expected}.")
        return question


def _with_sensitivity(marks: Marks) -> Marks:
    """What nobody has marked is treated as personal, unless it goes to the engine, where nothing personal may go."""
    if marks.sensitivity or marks.variable:
        return marks
    return replace(marks, sensitivity=frozenset({"personal"}), assumed=True)


def _with_value_type(read: Attributes, marks: Marks) -> Marks:
    if not marks.variable or marks.value_type:
        return marks
    usual = (
        _MOMENT_TYPE.get(read.text("subtype") or "date", "date") if read.type == "datetime" else _VALUE_TYPE[read.type]
    )
    return replace(marks, value_type=usual)


def _text(read: Attributes, arguments: dict[str, Any]) -> Question:
    kind = read.validate.get("validationType")
    if kind == "phone":
        read.problem(
            "The check phone takes only numbers like +441632960001, without spaces.",
            "Choose custom, and give a pattern with a message.",
        )
    if kind == "email" and any(read.validate.get(name) not in (None, "") for name in _EDITOR_DELETES):
        read.problem(
            "The check email stands beside a pattern or length, which the form editor deletes without a word.",
            "Keep one or the other; an address is limited to 254 characters in any case.",
        )
    pattern = read.validate.get("pattern") or ""
    if not isinstance(pattern, str) or not _compiles(pattern):
        read.problem(
            "The pattern is not a regular expression that we can use.",
            "Correct it; look-ahead and back-references are not offered.",
        )
        pattern = ""
    if pattern and not read.validate.get("patternErrorMessage"):
        read.problem("The pattern has no message.", "Say in patternErrorMessage what to enter.")
    return TextQuestion(
        **arguments,
        shortest=read.limit("minLength"),
        longest=read.limit("maxLength"),
        pattern=pattern,
        pattern_message=str(read.validate.get("patternErrorMessage") or ""),
        email=kind == "email",
        autocomplete=read.property("autocomplete"),
        inputmode=read.property("inputmode", v.INPUT_MODES),
        **_adorners(read),
    )


def _compiles(pattern: str) -> bool:
    import re2

    options = re2.Options()
    options.log_errors = False
    try:
        re2.compile(pattern, options)
    except re2.error:
        return False
    return True


def _adorners(read: Attributes) -> dict[str, Any]:
    found = read.raw.get("appearance")
    look: Mapping[str, Any] = found if isinstance(found, Mapping) else {}
    return {
        name: Template(text if isinstance(text := look.get(f"{name}Adorner"), str) else "")
        for name in ("prefix", "suffix")
    }


def _number(read: Attributes, arguments: dict[str, Any]) -> Question:
    decimals = read.raw.get("decimalDigits")
    if decimals is not None and (
        isinstance(decimals, bool) or not isinstance(decimals, int) or not 0 <= decimals <= 10
    ):
        read.problem("decimalDigits is not a whole number from 0 to 10.", "Correct it.")
        decimals = None
    return NumberQuestion(
        **arguments,
        least=read.limit("min"),
        most=read.limit("max"),
        decimals=decimals,
        autocomplete=read.property("autocomplete"),
        inputmode=read.property("inputmode", v.INPUT_MODES),
        **_adorners(read),
    )


def _moment(read: Attributes, arguments: dict[str, Any]) -> Question:
    subtype = read.text("subtype") or "date"
    if subtype not in _MOMENT_TYPE:
        read.problem(f"The subtype {subtype[:40]} is unknown.", "Use date, time or datetime.")
        subtype = "date"
    bounds = frozenset({"today"})
    return MomentQuestion(
        **arguments,
        subtype=subtype,
        not_after_today=read.property("max", bounds) == "today",
        not_before_today=read.property("min", bounds) == "today" or read.raw.get("disallowPassedDates") is True,
        autocomplete=read.property("autocomplete"),
    )


def _options(read: Attributes) -> dict[str, Any]:
    source = read.expression("valuesExpression")
    key = read.text("valuesKey")
    if source is None and key:
        source = read._expression("valuesKey", f"={key}")
    if source is not None:
        return {"source": source, "values": ()}
    found = read.raw.get("values")
    options: list[Option] = []
    for entry in found if isinstance(found, list) else []:
        value, label = (entry.get("value"), entry.get("label")) if isinstance(entry, Mapping) else (None, None)
        if not isinstance(value, str) or not isinstance(label, str) or not value.strip() or not label.strip():
            read.problem("An option has no value or no label.", "Give it both.")
            continue
        if any(option.value == value for option in options):
            read.problem(f"Two options have the value {value[:40]}.", "Give each its own.")
            continue
        options.append(Option(value, label))
    if not options:
        read.problem("The question has no options.", "Give values, or valuesExpression.")
    return {"source": None, "values": tuple(options)}


def _one(read: Attributes, arguments: dict[str, Any]) -> Question:
    return OneQuestion(**arguments, **_options(read))


def _several(read: Attributes, arguments: dict[str, Any]) -> Question:
    return SeveralQuestion(**arguments, **_options(read))


def _box(read: Attributes, arguments: dict[str, Any]) -> Question:
    if arguments["marks"].role and not arguments["required"]:
        read.problem(f"An {arguments['marks'].role} can be left out.", "Make the box required.")
    return BoxQuestion(**arguments)


def _files(read: Attributes, arguments: dict[str, Any]) -> Question:
    accept = tuple(part.strip().lower() for part in read.text("accept").split(",") if part.strip())
    if any(not part.startswith(".") for part in accept):
        read.problem("accept names something other than file endings.", "Write endings, like .pdf,.docx.")
        accept = tuple(part for part in accept if part.startswith("."))
    multiple = read.raw.get("multiple")
    return FilesQuestion(**arguments, accept=accept, multiple=multiple is True or multiple == "=true")
