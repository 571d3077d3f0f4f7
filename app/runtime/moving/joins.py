"""Parallel gateways that would wait for ever: the token of one of their flows has passed, in the old diagram, where the new one forks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from app.runtime.specs.gateways import ParallelGateway
from app.runtime.specs.process import ProcessSpec

Token = tuple[str, str | None]  # (element's name, the flow it came by when it waits at a join)


def starved(spec: ProcessSpec, tokens: Sequence[Token]) -> set[tuple[str, str]]:
    """Parallel gateways that some token can reach by one flow while none can reach them by another, with that flow's source."""
    found: set[tuple[str, str]] = set()
    joins = [each for each in spec.task_specs.values() if isinstance(each, ParallelGateway) and len(each._inputs) > 1]
    for join in joins:
        filled = {via for name, via in tokens if name == join.name and via is not None}
        for name, _ in tokens:
            if name != join.name and name in spec.task_specs:
                filled |= _reach(spec, name, join) & set(join._inputs)
        if filled:
            found |= {(join.name, flow) for flow in set(join._inputs) - filled}
    return found


def _reach(spec: ProcessSpec, name: str, stop: Any) -> set[str]:
    """Every element that a token can still pass before it comes to the gateway."""
    seen: set[str] = set()
    todo = [spec.task_specs[name]]
    while todo:
        each = todo.pop()
        if each is stop or each.name in seen:
            continue
        seen.add(each.name)
        todo += each.outputs
    return seen
