# mypy: allow-subclassing-any
"""One parser for each BPMN tag that is not an event. First every element is built, then they are joined: no recursion
along the flows."""

from __future__ import annotations

from typing import Any

from app.runtime.dialect import zeebe
from app.runtime.dialect.xml import BPMN
from app.runtime.errors import DiagramRefused
from app.runtime.specs.activities import Activity, DecisionTask, ScriptTask, SendTask, ServiceTask, UserTask
from app.runtime.specs.definitions import Message
from app.runtime.specs.entry import UserTaskPlan
from app.runtime.specs.events import Split
from app.runtime.specs.gateways import Choice
from app.runtime.specs.multi_instance import MultiInstance
from app.runtime.specs.subprocesses import CallActivity, SubProcess
from app.runtime.spiff import TaskParser


class ElementParser(TaskParser):
    """What every parser of ours shares.

    :ivar task: the element's specification; flows leave from it.
    :ivar entry: where flows lead to: the element, or the split before it.
    """

    task: Any
    entry: Any

    def refuse(self, what: str, remedy: str) -> DiagramRefused:
        return DiagramRefused(what, remedy, element_id=self.bpmn_id or "", file=self.filename or "")

    @property
    def bpmn_attributes(self) -> dict[str, Any]:
        return {
            "lane": self.lane,
            "bpmn_name": self.node.get("name"),
            "documentation": zeebe.documentation(self.node),
            "description": None,
        }

    def build(self) -> None:
        """The element itself, without its surroundings."""
        self.task = self.entry = self.create_task()
        self.task.properties = zeebe.properties(self.node)
        inputs, outputs = zeebe.mappings(self.node)
        if isinstance(self.task, Activity):
            self.task.inputs_map = inputs
        if hasattr(self.task, "outputs_map"):
            self.task.outputs_map = outputs
        loop = self.node.find(f"{BPMN}multiInstanceLoopCharacteristics")
        if loop is not None:
            self._wrap(loop)

    def _wrap(self, loop: Any) -> None:
        """Put the multi-instance body around the activity."""
        if not isinstance(self.task, Activity):
            raise self.refuse("Only activities can be multi-instance.", "Remove the marker.")
        inner = self.spec.task_specs.pop(self.task.name)
        values = zeebe.attributes(loop, "loopCharacteristics")
        if "inputCollection" not in values:
            raise self.refuse(
                "A multi-instance activity has no input collection.", "Set its input collection to a FEEL list."
            )
        body = MultiInstance(
            self.spec, inner.name, lane=inner.lane, bpmn_name=inner.bpmn_name, documentation=inner.documentation
        )
        body.sequential = loop.get("isSequential") == "true"
        body.items, body.item = values["inputCollection"], values.get("inputElement")
        body.out, body.out_item = values.get("outputCollection"), values.get("outputElement")
        body.until = zeebe.text_of(loop, "completionCondition")
        inner.name = body.inner = f"{inner.name} [child]"
        self.spec.task_specs[inner.name] = inner
        self.inner = inner
        self.task = self.entry = body

    def attach(self, built: dict[str, ElementParser]) -> None:
        """Put the split before an activity with boundary events."""
        events = self.process_parser.get_boundary_events(self.bpmn_id)
        if events:
            split = Split(self.spec, f"{self.bpmn_id}.split", lane=self.task.lane)
            split.connect(self.task)
            for node in events:
                if node.get("id") in built:
                    split.connect(built[node.get("id")].task)
            self.entry = split

    def connect(self, built: dict[str, ElementParser]) -> None:
        """Draw the flows that leave the element. Where none does, its path ends."""
        flows = self.process_parser.get_outgoing_sequence_flows(self.bpmn_id)
        for flow in flows:
            with self.process_parser.parser.reporting():
                self._follow(flow, built)
        if not flows:
            self.connect_end()

    def connect_end(self) -> None:
        self.task.connect(self.spec.end)

    def _follow(self, flow: Any, built: dict[str, ElementParser]) -> None:
        target = flow.get("targetRef")
        following = built.get(target)
        if following is not None:
            self.connect_flow(flow, following.entry)
        elif not self._left_out(target):
            raise DiagramRefused(
                "A sequence flow leads out of its process or sub-process.",
                "Connect it to an element on the same level.",
                element_id=flow.get("id") or self.bpmn_id,
                file=self.filename or "",
            )

    def _left_out(self, element_id: str | None) -> bool:
        """Whether the element is on this level but was refused."""
        if not self.process_parser.parser.refused:
            return False
        return any(node.get("id") == element_id for node in self.process_parser.node)

    def connect_flow(self, flow: Any, following: Any) -> None:
        if flow.find(f"{BPMN}conditionExpression") is not None:
            raise self.refuse(
                "A condition stands on a flow that does not leave an exclusive or inclusive gateway.",
                "Put a gateway after the element and the condition on its flow.",
            )
        self.task.connect(following)


class GatewayParser(ElementParser):
    """Parallel gateways."""


class ChoiceParser(ElementParser):
    """Exclusive and inclusive gateways."""

    task: Choice

    def connect_end(self) -> None:
        self.task.connect_flow(None, self.spec.end)

    def connect_flow(self, flow: Any, following: Any) -> None:
        text = zeebe.text_of(flow, "conditionExpression")
        is_default = self.node.get("default") == flow.get("id")
        only = len(self.process_parser.get_outgoing_sequence_flows(self.bpmn_id)) == 1
        if is_default or (only and text is None):
            text = None
        elif text is None:
            raise DiagramRefused(
                "A flow that leaves a gateway has no condition and is not the default flow.",
                "Give it a condition or make it the default flow.",
                element_id=flow.get("id") or self.bpmn_id,
                file=self.filename or "",
            )
        self.task.connect_flow(text, following)


class PassTaskParser(ElementParser):
    """``task`` and ``manualTask``."""


class UserTaskParser(ElementParser):
    def create_task(self) -> UserTask:
        task: UserTask = self.spec_class(self.spec, self.bpmn_id, **self.bpmn_attributes)
        assignment = zeebe.attributes(self.node, "assignmentDefinition")
        schedule = zeebe.attributes(self.node, "taskSchedule")
        task.plan = UserTaskPlan(
            form_id=zeebe.attributes(self.node, "formDefinition").get("formId"),
            assignee=assignment.get("assignee"),
            candidate_groups=assignment.get("candidateGroups"),
            candidate_users=assignment.get("candidateUsers"),
            due=schedule.get("dueDate"),
            follow_up=schedule.get("followUpDate"),
            priority=zeebe.attributes(self.node, "priorityDefinition").get("priority"),
            properties=zeebe.properties(self.node),
            headers=zeebe.headers(self.node),
        )
        return task


class ScriptTaskParser(ElementParser):
    def create_task(self) -> ScriptTask:
        script = zeebe.attributes(self.node, "script")
        if "expression" not in script:
            raise self.refuse("A script task has no FEEL expression.", "Set its FEEL expression and result variable.")
        task: ScriptTask = self.spec_class(self.spec, self.bpmn_id, **self.bpmn_attributes)
        text = script["expression"]
        task.expression = text if text.startswith("=") else f"={text}"
        task.result_variable = script.get("resultVariable")
        return task


def _service(parser: ElementParser) -> ServiceTask:
    definition = zeebe.attributes(parser.node, "taskDefinition")
    if "type" not in definition:
        raise parser.refuse(
            "A service task names no operation.", "Set its task definition type to a registered operation."
        )
    task = ServiceTask(parser.spec, parser.bpmn_id, **parser.bpmn_attributes)
    task.operation = definition["type"]
    task.retries = definition.get("retries")
    task.headers = zeebe.headers(parser.node)
    return task


class ServiceTaskParser(ElementParser):
    def create_task(self) -> ServiceTask:
        return _service(self)


class SendTaskParser(ElementParser):
    """A send task sends the message it refers to; without one it runs an operation."""

    def create_task(self) -> Activity:
        reference = self.node.get("messageRef")
        if reference is None:
            return _service(self)
        task = SendTask(self.spec, self.bpmn_id, **self.bpmn_attributes)
        task.message = message_definition(self, reference)
        return task

    def build(self) -> None:
        super().build()
        inner = getattr(self, "inner", self.task)
        if isinstance(inner, SendTask):
            inner.sent, inner.inputs_map = inner.inputs_map, ()


class DecisionTaskParser(ElementParser):
    def create_task(self) -> DecisionTask:
        called = zeebe.attributes(self.node, "calledDecision")
        if "decisionId" not in called:
            raise self.refuse(
                "A business rule task calls no decision.", "Set its called decision id and result variable."
            )
        task: DecisionTask = self.spec_class(self.spec, self.bpmn_id, **self.bpmn_attributes)
        task.decision = called["decisionId"]
        task.result_variable = called.get("resultVariable")
        return task


class CallActivityParser(ElementParser):
    def create_task(self) -> CallActivity:
        called = zeebe.attributes(self.node, "calledElement")
        if "processId" not in called:
            raise self.refuse("A call activity calls no process.", "Set its called element's process id.")
        task: CallActivity = self.spec_class(self.spec, self.bpmn_id, **self.bpmn_attributes)
        task.blueprint = called["processId"]
        task.all_in = called.get("propagateAllParentVariables", "true") == "true"
        task.all_out = called.get("propagateAllChildVariables", "true") == "true"
        return task


class SubProcessParser(ElementParser):
    """Embedded sub-processes and event sub-processes; their inside is parsed as a process of its own."""

    def create_task(self) -> SubProcess:
        self.process_parser.parse_inside(self)
        task: SubProcess = self.spec_class(self.spec, self.bpmn_id, **self.bpmn_attributes)
        task.blueprint = self.process_parser.inside_key(self.bpmn_id)
        return task

    @property
    def is_event_sub_process(self) -> bool:
        return bool(self.node.get("triggeredByEvent") == "true")


def message_definition(parser: ElementParser, reference: str | None) -> Message:
    """The message that an event or task refers to."""
    messages = parser.process_parser.parser.messages
    if not reference or not messages.get(reference):
        raise parser.refuse("A message event or task refers to no message.", "Choose a message with a name.")
    correlation = parser.process_parser.parser.correlation_keys.get(reference)
    return Message(parser.bpmn_id, messages[reference], correlation, zeebe.properties(parser.node).get("timeToLive"))
