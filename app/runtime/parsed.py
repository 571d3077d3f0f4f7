"""A release as the engine needs it: parsed once, kept in memory, shared by all instances and threads."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from functools import cached_property

from app import decisions
from app.runtime.dialect.parser import parse_release
from app.runtime.errors import Fault
from app.runtime.models import FileKind

CACHE_SIZE = 64


class ParsedRelease:
    """Diagrams, decision models and forms of one release.

    :param files: name to (kind, ids, content). Of the diagrams, what they say is kept, not their text.
    :raises DiagramRefused: a diagram cannot be read or run.
    """

    def __init__(self, key: int, files: Mapping[str, tuple[str, list[str], bytes]], *, allow_undeclared: bool) -> None:
        self.key = key
        self.allow_undeclared = allow_undeclared
        diagrams = {name: content for name, (kind, _, content) in files.items() if kind == FileKind.BPMN}
        self.diagrams = parse_release(diagrams)
        self._files = {name: file for name, file in files.items() if name not in diagrams}
        self._lock = threading.Lock()
        self._models: dict[str, decisions.Model] = {}
        self._forms = {ids[0]: content for kind, ids, content in files.values() if kind == FileKind.FORM and ids}

    @cached_property
    def _decision_files(self) -> dict[str, str]:
        return {id_: name for name, (kind, ids, _) in self._files.items() if kind == FileKind.DMN for id_ in ids}

    def model_of(self, decision_id: str) -> decisions.Model:
        """The model that holds a decision.

        :raises Fault: no decision of that id is in the release.
        """
        name = self._decision_files.get(decision_id)
        if name is None:
            raise Fault(f"There is no decision named {decision_id} in this release.", kind="DECISION")
        with self._lock:
            if name not in self._models:
                self._models[name] = decisions.load(
                    self._files[name][2], file=name, resolve=resolver(self._decision_texts())
                )
            return self._models[name]

    def _decision_texts(self) -> dict[str, bytes]:
        return {name: content for name, (kind, _, content) in self._files.items() if kind == FileKind.DMN}

    def form(self, form_id: str) -> bytes | None:
        return self._forms.get(form_id)

    def form_ids(self) -> list[str]:
        return sorted(self._forms)


def resolver(files: Mapping[str, bytes]) -> Callable[[str, str | None], bytes | None]:
    """How one decision file finds another it imports: by its file name, within the release."""

    def resolve(namespace: str, location: str | None) -> bytes | None:
        if location is not None and location.rpartition("/")[2] in files:
            return files[location.rpartition("/")[2]]
        wanted = f'namespace="{namespace}"'.encode()
        return next((content for content in files.values() if wanted in content), None)

    return resolve


class ReleaseCache:
    """The most recently used parsed releases of this process. Releases never change, so nothing is ever stale."""

    def __init__(self, size: int = CACHE_SIZE) -> None:
        self._size = size
        self._lock = threading.Lock()
        self._found: OrderedDict[int, ParsedRelease] = OrderedDict()

    def get(self, key: int, read: Callable[[int], ParsedRelease]) -> ParsedRelease:
        with self._lock:
            found = self._found.get(key)
            if found is not None:
                self._found.move_to_end(key)
                return found
        made = read(key)
        with self._lock:
            self._found[key] = made
            while len(self._found) > self._size:
                self._found.popitem(last=False)
        return made

    def clear(self) -> None:
        with self._lock:
            self._found.clear()


cache = ReleaseCache()
