"""Which element of one release is which of another: the same id, unless a person says otherwise."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from app.errors import Invalid
from app.runtime.dialect.parser import Release
from app.runtime.specs.process import ProcessSpec

_CHILD = " [child]"
_SPLIT = ".split"
_TRIGGER = ".trigger"


class MappingRefused(Invalid):
    """The mapping of elements names what is not there, or one thing twice."""

    title = "Mapping refused"


class ElementMap:
    """Old element ids to new ones.

    :param pairs: ``element`` of the process that moves, or ``process/element`` of one that it calls, to the new element's id.
    """

    def __init__(self, process_id: str, pairs: Mapping[str, str] | Iterable[tuple[str, str]] = ()) -> None:
        self.process_id = process_id
        self.pairs: dict[tuple[str, str], str] = {}
        for old, new in pairs.items() if isinstance(pairs, Mapping) else pairs:
            owner, _, element = old.rpartition("/")
            key = (owner or process_id, element)
            if self.pairs.setdefault(key, new) != new:
                raise MappingRefused(f"The element {element} is mapped twice.", resource_id=element)

    def check_target(self, target: Release) -> None:
        """:raises MappingRefused: an element that others are to become does not exist."""
        for (process_id, _), new in self.pairs.items():
            after = target.processes.get(process_id)
            if after is None or new not in after.elements:
                raise MappingRefused(f"There is no element {new} in the release to move to.", resource_id=new)

    def check(self, source: Release, target: Release) -> None:
        """:raises MappingRefused: an element does not exist, or two would become one."""
        self.check_target(target)
        for (process_id, old), new in self.pairs.items():
            before = source.processes.get(process_id)
            if before is None or old not in before.elements:
                raise MappingRefused(
                    f"There is no element {old} in the release that the cases run on.", resource_id=old
                )
            same = [
                other
                for (owner, other), wanted in self.pairs.items()
                if owner == process_id and wanted == new and other != old
            ]
            if not same and new != old and new in before.elements and (process_id, new) not in self.pairs:
                same = [new]
            if same:
                raise MappingRefused(
                    f"The elements {old} and {same[0]} would both become {new}. Map each to an element of its own.",
                    resource_id=old,
                )

    def of(self, process_id: str, element_id: str) -> str:
        """The id of an element in the other release."""
        return self.pairs.get((process_id, element_id), element_id)

    def spec_name(self, process_id: str, spec: Any) -> str:
        """The name of the engine's specification in the other release: elements, and what the engine puts around them."""
        name: str = spec.name
        if spec.is_split:
            return self.of(process_id, name.removesuffix(_SPLIT)) + _SPLIT
        if spec.is_trigger:
            return self.of(process_id, name.removesuffix(_TRIGGER)) + _TRIGGER
        if name.endswith(_CHILD):
            return self.of(process_id, name.removesuffix(_CHILD)) + _CHILD
        return self.of(process_id, name)

    def blueprint(self, key: str) -> str:
        """The key of a process or sub-process inside a release."""
        process_id, slash, element_id = key.partition("/")
        return f"{process_id}/{self.of(process_id, element_id)}" if slash else key

    def as_json(self) -> dict[str, str]:
        return {
            old if owner == self.process_id else f"{owner}/{old}": new
            for (owner, old), new in sorted(self.pairs.items())
        }


def attached_to(spec: ProcessSpec, activity: str) -> dict[str, Any]:
    """The boundary events of an activity, by name."""
    split = spec.task_specs.get(activity + _SPLIT)
    if split is None:
        return {}
    return {each.name: each for each in split.outputs if each.is_boundary}


def split_of(spec: ProcessSpec, activity: str) -> Any | None:
    """What stands before an activity with boundary events."""
    return spec.task_specs.get(activity + _SPLIT)


def triggers_of(spec: ProcessSpec) -> dict[str, Any]:
    """The starts of event sub-processes in a scope, by the engine's name."""
    return {name: each for name, each in spec.task_specs.items() if getattr(each, "is_trigger", False)}
