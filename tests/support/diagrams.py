"""Short BPMN files for tests."""

from __future__ import annotations

_HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL"
    xmlns:zeebe="http://camunda.org/schema/zeebe/1.0" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
    id="Definitions_1" targetNamespace="http://bpmn.io/schema/bpmn">
"""


def diagram(process_id: str, body: str, *, before: str = "", name: str = "") -> str:
    """A file with one process.

    :param before: what stands outside the process: messages, signals, errors.
    """
    process = f'<bpmn:process id="{process_id}" name="{name or process_id}" isExecutable="true">{body}</bpmn:process>'
    return f"{_HEAD}{before}{process}</bpmn:definitions>\n"
