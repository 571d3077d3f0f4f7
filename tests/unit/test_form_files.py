"""The forms of the procedures: what every file must hold, beside what the reader of forms checks itself."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from app import feel, forms
from app.feel.registry import BUILTINS
from app.forms.vocabulary import CONTEXT_NAMES

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "forms").glob("*/*.form"))
STOCK_TYPES = {
    *("textfield", "textarea", "number", "datetime", "radio", "select", "checklist", "checkbox", "filepicker"),
    *("expression", "group", "dynamiclist", "text", "separator"),
}
QUESTIONS = STOCK_TYPES - {"expression", "group", "dynamiclist", "text", "separator"}
FREE_TEXT = {"textfield", "textarea", "filepicker"}
IDENTIFYING = {"personal", "victim-identity", "victim-address", "third-party"}
LABEL = {"datetime": "dateLabel"}
NOW = datetime(2026, 3, 27, 9, 30, tzinfo=UTC)

# One form for each user task of the main job.
EXPECTED = {
    "common": "agency-contact escalation-decision",
    "marac": """
        marac-action-declined marac-action-outcome marac-action-plan marac-action-reassign marac-agency-approval
        marac-case-discussion marac-close-conference marac-close-or-relist marac-confidentiality-rulings marac-consent
        marac-consent-effect marac-destroy-papers marac-emergency-decision
        marac-emergency-request marac-fgm-report marac-flag marac-idva-contact marac-invitations marac-listing
        marac-mail-assurance marac-meeting-plan marac-minutes-approval marac-minutes-draft marac-no-contact
        marac-not-shared marac-nothing-held marac-perpetrator-decision marac-police-considerations
        marac-prepare-agenda marac-previous-actions marac-referral marac-research-return marac-retention-list
        marac-retention-review marac-risk-checklist marac-signature marac-signpost marac-statement-read
        marac-transfer-arranged marac-triage marac-unflag marac-update-only marac-victim-feedback
        marac-virtual-privacy""",
    "sharing": """
        iswc-checklist iswc-consultation iswc-decision iswc-form iswc-retrospective sharing-notify sharing-record
        sharing-review""",
}


def read(file: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return content


def walk(components: list[dict[str, Any]], in_list: bool = False) -> Iterator[tuple[dict[str, Any], bool]]:
    """Every component, and whether it stands in a repeating group."""
    for component in components:
        yield component, in_list
        yield from walk(component.get("components", []), in_list or component["type"] == "dynamiclist")


def components(file: Path) -> list[tuple[dict[str, Any], bool]]:
    return list(walk(read(file)["components"]))


def properties(component: dict[str, Any]) -> dict[str, str]:
    found: dict[str, str] = component.get("properties", {})
    return found


def keys(file: Path) -> set[str]:
    """The names that the form itself puts at the root of its answers."""
    found = {str(c.get("key") or c.get("path") or "") for c, in_list in components(file) if not in_list}
    return {name.split(".")[0] for name in found if name}


def conditions(file: Path) -> list[tuple[str, str]]:
    """Component id and condition, without the equals sign."""
    return [
        (component["id"], component["conditional"]["hide"][1:])
        for component, _ in components(file)
        if "conditional" in component
    ]


def expressions(file: Path) -> list[tuple[str, str]]:
    """Component id and every FEEL expression that it holds."""
    found = conditions(file)
    for component, _ in components(file):
        marks = properties(component)
        written = [
            component.get("expression"),
            component.get("valuesExpression"),
            marks.get("rowsFrom"),
            marks.get("prefill"),
            *component.get("validate", {}).values(),
            *(component.get(name) for name in ("label", "description", "text", "dateLabel")),
        ]
        for text in written:
            if not isinstance(text, str):
                continue
            if text.startswith("="):
                found.append((component["id"], text[1:]))
            else:
                found.extend((component["id"], inner) for inner in re.findall(r"\{\{(.*?)\}\}", text))
    return found


def documented_names(*sections: str) -> set[str]:
    """The names that `docs/developers/form-context.md` promises to every form, of those sections or of all."""
    page = (ROOT / "docs" / "developers" / "form-context.md").read_text(encoding="utf-8")
    parts = [part for part in page.split("\n## ") if not sections or part.startswith(sections)]
    rows = [line.split("|")[1] for part in parts for line in part.splitlines() if line.startswith("| `")]
    return {name for row in rows for name in re.findall(r"`([A-Za-z]+)`", row)}


def names(text: str) -> set[str]:
    """The names that an expression takes from outside, without FEEL's own functions."""
    return set(feel.compile_expression(text).free_names()) - set(BUILTINS)


each_file = pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)


def test_every_user_task_has_its_form() -> None:
    found = {folder: {file.stem for file in FILES if file.parent.name == folder} for folder in EXPECTED}
    assert found == {folder: set(names.split()) for folder, names in EXPECTED.items()}


@each_file
def test_the_file_is_what_the_stock_editor_writes(file: Path) -> None:
    form = read(file)
    assert form["id"] == file.stem
    assert (form["type"], form["schemaVersion"]) == ("default", 19)
    assert set(form["exporter"]) == {"name", "version"}
    assert file.read_text(encoding="utf-8") == json.dumps(form, indent=2, ensure_ascii=False) + "\n"
    for component, _ in components(file):
        assert component["type"] in STOCK_TYPES, component["id"]
        assert all(isinstance(value, str) for value in properties(component).values()), component["id"]


@each_file
def test_ids_are_unique_and_readable(file: Path) -> None:
    counted = Counter(component["id"] for component, _ in components(file))
    assert [name for name, times in counted.items() if times > 1] == []
    assert [name for name in counted if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name)] == []


@each_file
def test_no_answer_hides_a_function(file: Path) -> None:
    """A key like `date` or `mode` would stand in front of FEEL's own function in every expression of the form."""
    assert keys(file) & set(BUILTINS) == set()


@each_file
def test_every_page_has_a_heading(file: Path) -> None:
    for page in read(file)["components"]:
        assert page["type"] == "group"
        assert page["label"].strip()


@each_file
def test_every_question_has_a_label_and_a_mark(file: Path) -> None:
    for component, _ in components(file):
        if component["type"] in QUESTIONS:
            assert component[LABEL.get(component["type"], "label")].strip(), component["id"]
            assert properties(component)["sensitivity"], component["id"]


@each_file
def test_every_required_question_says_what_to_do(file: Path) -> None:
    for component, _ in components(file):
        required = component.get("validate", {}).get("required") is True
        message = properties(component).get("requiredMessage", "")
        assert required == bool(message), component["id"]
        if required:
            assert re.match(r"(Enter|Select|Confirm) \S.*[^.]$", message), component["id"]


@each_file
def test_only_typed_facts_become_variables(file: Path) -> None:
    for component, in_list in components(file):
        marks = properties(component)
        if "variable" in marks:
            assert marks["valueType"], component["id"]
            assert component["type"] not in FREE_TEXT, component["id"]
            assert not IDENTIFYING & set(marks["sensitivity"].split()), component["id"]
            assert not in_list, component["id"]


@each_file
def test_codes_that_become_variables_are_upper_case(file: Path) -> None:
    for component, _ in components(file):
        if properties(component).get("valueType") == "enum":
            assert [
                o["value"] for o in component.get("values", []) if not re.fullmatch(r"[A-Z0-9_]+", o["value"])
            ] == []
        if properties(component).get("valueType") == "boolean" and component["type"] == "radio":
            assert [o["value"] for o in component["values"]] == ["yes", "no"], component["id"]


@each_file
def test_expressions_use_documented_names_only(file: Path) -> None:
    known = documented_names() | keys(file) | {"this", "parent", "i"}
    for identity, text in expressions(file):
        unknown = names(text) - known
        assert not unknown, (identity, text)


@each_file
def test_conditions_never_give_null(file: Path) -> None:
    """A form opened before anything is known or answered hides or shows; an unclear condition would show by accident."""
    for identity, text in conditions(file):
        empty = {
            **dict.fromkeys(names(text)),
            **{name: [] for name in names(text) & documented_names("Options", "Fixed rows")},
            **{name: {} for name in names(text) & documented_names("Always there", "One thing")},
            "agencyType": "",
        }
        for context in (dict.fromkeys(names(text)), empty):
            given = feel.evaluate(text, {**context, "this": {}, "parent": {}})
            assert given is True or given is False, (identity, text, context)


def test_the_documented_names_are_those_that_checking_allows() -> None:
    assert documented_names() == CONTEXT_NAMES


@each_file
def test_the_publish_check_finds_nothing(file: Path) -> None:
    assert forms.check(file.read_bytes(), file.name) == []


@each_file
def test_an_empty_form_says_what_is_missing_and_sets_nothing(file: Path) -> None:
    """Opened with nothing known, sent without a word typed: every question asked says what to do, and nothing leaves."""
    form = forms.load(file.read_bytes(), file.name)
    nothing = forms.Context(NOW, dict.fromkeys(CONTEXT_NAMES))
    checked = forms.validate(form, forms.start(form, nothing), nothing)
    if file.stem == "marac-agency-approval":  # without an agency there is nothing for the Chair to approve
        assert checked.variables == {"agenciesApproved": 0}
        return
    assert checked.errors
    assert checked.variables == {}
    said = {properties(c).get("requiredMessage") for c, _ in components(file)}
    said |= {c["text"] for c, _ in components(file) if properties(c).get("role") == "error"}
    for error in checked.errors:
        message = error.message.split(": ", 1)[-1]
        known = message in said or message[:1].upper() + message[1:] in said or message.startswith("Add at least")
        assert known, error.message


def test_no_form_asks_a_perpetrator_for_consent() -> None:
    """Perpetrator consent is never sought (Hillingdon ISA 3, fair processing (c))."""
    consent = ROOT / "forms" / "marac" / "marac-consent.form"
    subject = next(component for component, _ in components(consent) if component.get("key") == "subject")
    assert "perpetrator" not in subject["valuesExpression"]


def test_nothing_held_asks_for_no_personal_data() -> None:
    """The confirmation must not store again what has just been destroyed (Hillingdon ISA 3, seventh principle (b))."""
    file = ROOT / "forms" / "marac" / "marac-nothing-held.form"
    asked = [component for component, _ in components(file) if component["type"] in QUESTIONS]
    assert {properties(component)["sensitivity"] for component in asked} == {"none"}
    assert not {component["type"] for component in asked} & FREE_TEXT
