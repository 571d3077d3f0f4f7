"""Reading diagrams for people: tasks with lane, purpose and source; nothing from outside the file."""

from __future__ import annotations

from pathlib import Path

import pytest
from lxml import etree

from app.web import diagrams

FILES = sorted((Path(__file__).parents[3] / "processes").rglob("*.bpmn"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_task_of_a_shipped_diagram_says_what_it_is_for_and_where_the_duty_comes_from(file: Path) -> None:
    tasks = diagrams.tasks_of(file.read_bytes(), file.stem)
    assert tasks or file.stem == "marac-access", "who keeps a case is decided by rule alone"
    for task in tasks:
        assert task.name
        assert task.documentation, task.name
        assert task.basis, task.name


def test_an_external_entity_is_not_read(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("hidden words")
    content = (
        f'<!DOCTYPE d [<!ENTITY x SYSTEM "file://{secret}">]>'
        '<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL"><process id="p">'
        '<userTask id="t" name="T"><documentation>&x;</documentation></userTask></process></definitions>'
    )
    try:
        tasks = diagrams.tasks_of(content.encode(), "p")
    except etree.XMLSyntaxError:
        return
    assert all("hidden words" not in task.documentation for task in tasks)
