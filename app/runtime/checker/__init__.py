"""The check before publishing: what the runtime cannot do faithfully is refused, with the element and the remedy."""

from app.runtime.checker.diagram import check_bpmn
from app.runtime.checker.release import check_release

__all__ = ["check_bpmn", "check_release"]
