"""What the rules of the checker share: the file, what else is in the release, and the report."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from app.problems import Problem, Severity
from app.runtime.declarations import Declarations, declarations_of
from app.runtime.dialect import zeebe
from app.runtime.dialect.xml import BPMN, local
from app.runtime.ports import Operations

if TYPE_CHECKING:
    from app.runtime.checker.handing import Handing

ACTIVITIES = frozenset(
    [
        "userTask",
        "task",
        "manualTask",
        "scriptTask",
        "serviceTask",
        "sendTask",
        "businessRuleTask",
        "receiveTask",
        "subProcess",
        "callActivity",
    ]
)
EVENTS = frozenset(["startEvent", "endEvent", "boundaryEvent", "intermediateCatchEvent", "intermediateThrowEvent"])
GATEWAYS = frozenset(["exclusiveGateway", "inclusiveGateway", "parallelGateway", "eventBasedGateway"])
FLOW_NODES = ACTIVITIES | EVENTS | GATEWAYS


@dataclass
class Surroundings:
    """What a diagram may refer to. None means: not known here, not checked.

    :ivar processes: the declared variables of every process of the release, by process id.
    :ivar roles: slugs and titles.
    :ivar form_variables: for each form, the variables its answers become.
    :ivar decision_inputs: for each decision, the variables it reads.
    :ivar handing: what the diagrams of the release hand to each other.
    :ivar version_tags: of the forms, decisions and processes of the release, by kind and id.
    """

    forms: Collection[str] | None = None
    decisions: Collection[str] | None = None
    processes: Mapping[str, Declarations] | None = None
    operations: Operations | None = None
    roles: Collection[str] | None = None
    form_variables: Mapping[str, Collection[str]] = field(default_factory=dict)
    allow_undeclared: bool = False
    decision_inputs: Mapping[str, Collection[str]] = field(default_factory=dict)
    handing: Handing | None = None
    version_tags: Mapping[tuple[str, str], str] | None = None


@dataclass
class Sheet:
    """One process of one file under the checker's eyes."""

    file: str
    root: Any
    process: Any
    around: Surroundings
    problems: list[Problem]
    declared: Declarations = field(init=False)
    messages: dict[str, tuple[str, str | None]] = field(init=False)

    def __post_init__(self) -> None:
        self.declared = declarations_of(zeebe.properties(self.process))
        self.messages = {
            node.get("id"): (node.get("name") or "", zeebe.attributes(node, "subscription").get("correlationKey"))
            for node in self.root.iter(f"{BPMN}message")
        }

    def error(self, node: Any, what: str, remedy: str) -> None:
        self._report(node, what, remedy, Severity.ERROR)

    def warn(self, node: Any, what: str, remedy: str) -> None:
        self._report(node, what, remedy, Severity.WARNING)

    def strict(self, node: Any, what: str, remedy: str) -> None:
        """An error; in the demo area, where strangers' diagrams run, a warning."""
        self._report(node, what, remedy, Severity.WARNING if self.around.allow_undeclared else Severity.ERROR)

    def _report(self, node: Any, what: str, remedy: str, severity: Severity) -> None:
        self.problems.append(
            Problem(self.file, node if isinstance(node, str) else element_id(node), what, remedy, severity)
        )

    def nodes(self, *names: str) -> list[Any]:
        """The flow nodes of the process at every level, of those names."""
        wanted = frozenset(names) if names else FLOW_NODES
        return [node for node in self.process.iter() if is_bpmn(node) and local(node) in wanted]


def is_bpmn(node: Any) -> bool:
    """Whether a node is an element of the BPMN model: no comment, no extension."""
    return isinstance(node.tag, str) and node.tag.startswith(BPMN)


def element_id(node: Any) -> str:
    """The id of an element, or of the nearest one around it that has one."""
    while node is not None:
        if node.get("id"):
            return str(node.get("id"))
        node = node.getparent()
    return ""


def level_of(node: Any) -> Any:
    """The process or sub-process an element stands in."""
    return node.getparent()


def event_definition(node: Any) -> Any:
    """The event definition of an event, or None."""
    return next((c for c in node if isinstance(c.tag, str) and local(c).endswith("EventDefinition")), None)
