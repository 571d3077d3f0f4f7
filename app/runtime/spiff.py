"""Every name this room takes from SpiffWorkflow, in one place: an upgrade is judged here.

The library is used unmodified. What the room overrides is listed in ``docs/developers/runtime.md``.
"""

from __future__ import annotations

from SpiffWorkflow.bpmn import BpmnWorkflow
from SpiffWorkflow.bpmn.parser.BpmnParser import BpmnParser, full_tag
from SpiffWorkflow.bpmn.parser.ProcessParser import ProcessParser
from SpiffWorkflow.bpmn.parser.TaskParser import TaskParser
from SpiffWorkflow.bpmn.parser.ValidationException import ValidationException
from SpiffWorkflow.bpmn.specs.bpmn_process_spec import BpmnProcessSpec
from SpiffWorkflow.bpmn.specs.bpmn_task_spec import BpmnTaskSpec
from SpiffWorkflow.bpmn.specs.control import BpmnStartTask, SimpleBpmnTask
from SpiffWorkflow.bpmn.specs.event_definitions import (
    NoneEventDefinition,
)
from SpiffWorkflow.bpmn.specs.mixins import (
    BpmnSpecMixin,
)
from SpiffWorkflow.bpmn.util.event import EventManager
from SpiffWorkflow.bpmn.util.subworkflow import BpmnSubWorkflow
from SpiffWorkflow.specs.WorkflowSpec import WorkflowSpec
from SpiffWorkflow.task import Task
from SpiffWorkflow.util.task import TaskState

VERSION = "3.2.0"

__all__ = [
    "BpmnParser",
    "BpmnProcessSpec",
    "BpmnSpecMixin",
    "BpmnStartTask",
    "BpmnSubWorkflow",
    "BpmnTaskSpec",
    "BpmnWorkflow",
    "EventManager",
    "NoneEventDefinition",
    "ProcessParser",
    "SimpleBpmnTask",
    "Task",
    "TaskParser",
    "TaskState",
    "ValidationException",
    "WorkflowSpec",
    "full_tag",
]
