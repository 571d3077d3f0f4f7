"""Variables by scope, outside SpiffWorkflow's task data. The rules are Camunda 8's.

A scope belongs to the process (0), to a sub-process, a called process, a multi-instance body or instance, or an
activity with input mappings. Its id is the id of the task that owns it. A read looks outwards through the scopes; a
write goes to the nearest scope that already has the name, else to the outermost. Parallel branches therefore see each
other's writes at once, and a join has nothing to merge. Values are FEEL values and are never changed in place.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from typing import Any, Final

ROOT: Final = 0


class _Missing:
    __slots__ = ()

    def __bool__(self) -> bool:
        return False


MISSING: Final = _Missing()


class Scope:
    """One scope: the id of the scope around it (None for a process) and its own variables."""

    __slots__ = ("parent", "values")

    def __init__(self, parent: int | None, values: dict[str, Any]) -> None:
        self.parent = parent
        self.values = values


class Scopes:
    """All scopes of one instance."""

    def __init__(self, variables: Mapping[str, Any] | None = None) -> None:
        self.by_id: dict[int, Scope] = {ROOT: Scope(None, dict(variables or {}))}

    def __contains__(self, scope_id: int) -> bool:
        return scope_id in self.by_id

    def open(self, scope_id: int, parent: int | None, values: Mapping[str, Any] | None = None) -> None:
        self.by_id[scope_id] = Scope(parent, dict(values or {}))

    def close(self, scope_id: int) -> None:
        if scope_id != ROOT:
            self.by_id.pop(scope_id, None)

    def get(self, scope_id: int, name: str, default: Any = MISSING) -> Any:
        """The value seen from a scope, looking outwards."""
        found: int | None = scope_id
        while found is not None:
            scope = self.by_id[found]
            if name in scope.values:
                return scope.values[name]
            found = scope.parent
        return default

    def local(self, scope_id: int) -> dict[str, Any]:
        return self.by_id[scope_id].values

    def set_local(self, scope_id: int, name: str, value: Any) -> None:
        self.by_id[scope_id].values[name] = value

    def set(self, scope_id: int, name: str, value: Any) -> None:
        """Write to the nearest scope that has the name, else to the outermost."""
        scope = self.by_id[scope_id]
        while name not in scope.values and scope.parent is not None:
            scope = self.by_id[scope.parent]
        scope.values[name] = value

    def inside(self, scope_id: int, outer: int) -> dict[str, Any]:
        """What is seen from a scope and is not of the outer one, nor of what lies around that."""
        chain: list[dict[str, Any]] = []
        found: int | None = scope_id
        while found is not None and found != outer:
            chain.append(self.by_id[found].values)
            found = self.by_id[found].parent
        return {name: value for values in reversed(chain) for name, value in values.items()}

    def visible(self, scope_id: int) -> dict[str, Any]:
        """Everything seen from a scope."""
        chain: list[dict[str, Any]] = []
        found: int | None = scope_id
        while found is not None:
            scope = self.by_id[found]
            chain.append(scope.values)
            found = scope.parent
        seen: dict[str, Any] = {}
        for values in reversed(chain):
            seen.update(values)
        return seen


class View(MutableMapping[str, Any]):
    """What a task sees. SpiffWorkflow takes it for ``task.data``.

    It iterates as empty on purpose: every place in SpiffWorkflow that copies or merges task data (joins,
    sub-processes, events, the end) then copies nothing. Reads by name look through the scopes.
    """

    __slots__ = ("scope_id", "scopes")

    def __init__(self, scopes: Scopes, scope_id: int) -> None:
        self.scopes = scopes
        self.scope_id = scope_id

    def __getitem__(self, name: str) -> Any:
        value = self.scopes.get(self.scope_id, name)
        if value is MISSING:
            raise KeyError(name)
        return value

    def get(self, name: str, default: Any = None) -> Any:
        return self.scopes.get(self.scope_id, name, default)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self.scopes.get(self.scope_id, name) is not MISSING

    def __setitem__(self, name: str, value: Any) -> None:
        self.scopes.set(self.scope_id, name, value)

    def __delitem__(self, name: str) -> None:
        raise TypeError("variables are not deleted")

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0

    def __deepcopy__(self, memo: object) -> dict[str, Any]:
        return {}


class Overlay(Mapping[str, Any]):
    """Some names in front of what is seen behind them: an event's payload, a multi-instance's counters."""

    __slots__ = ("behind", "front")

    def __init__(self, front: Mapping[str, Any], behind: Mapping[str, Any]) -> None:
        self.front = front
        self.behind = behind

    def __getitem__(self, name: str) -> Any:
        return self.front[name] if name in self.front else self.behind[name]

    def get(self, name: str, default: Any = None) -> Any:
        return self.front[name] if name in self.front else self.behind.get(name, default)

    def __contains__(self, name: object) -> bool:
        return name in self.front or name in self.behind

    def __iter__(self) -> Iterator[str]:
        return iter(self.front)

    def __len__(self) -> int:
        return len(self.front)
