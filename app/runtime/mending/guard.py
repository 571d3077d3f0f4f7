"""What a diagram reserves for people: the decisions that mending may not take, skip or slant.

A decision is

* a business rule task;
* a user task with the property ``freshAuthentication`` or ``irreversible``: somebody answers for it with their name;
* a user task with ``separateFrom``, and the task that it names: two people must each have done theirs.

An input of a decision is a variable that it reads, or that a gateway reads together with what a decision has written, and every
variable from which a script, a mapping, an operation or a calling process works one of these out. It is followed to whoever sends
it in a message, and so is what chooses who gets that message: the correlation keys of both sides. What a decision writes is
reserved as well. All of it is found in diagrams, tables and forms; nothing is asked of a running instance. A call stays within its
release; a message or signal does not, so whoever asks names the other releases that it may go to or come from.
Reading too much into a diagram costs a mending that must be done with a new release; reading too little costs a decision. So where
it cannot be told, it is reserved.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

from app import forms
from app.errors import ConvenorError
from app.runtime.checker.release import variables_of
from app.runtime.errors import Fault
from app.runtime.mending.sent import Receiver, Sender, awaited, names_in, receivers, senders
from app.runtime.parsed import ParsedRelease
from app.runtime.ports import ports
from app.runtime.specs.activities import Activity, DecisionTask, ScriptTask, ServiceTask, UserTask
from app.runtime.specs.events import Event, StartEvent
from app.runtime.specs.gateways import Choice
from app.runtime.specs.multi_instance import MultiInstance
from app.runtime.specs.process import ProcessSpec
from app.runtime.specs.subprocesses import CallActivity, SubProcess

FLAGS = ("freshAuthentication", "irreversible")
_ASKS = re.compile(r"\bvariables\.([A-Za-z_]\w*)")

WHY_RULE = "It is a business rule: a table decides here, not a person who mends."
WHY_SIGNED = "A person answers for this task with their name; nobody may do or skip it for them."
WHY_SEPARATE = "Two people must each do their part here, so neither may be done or skipped by mending."


@dataclass(slots=True)
class Guard:
    """What is reserved in one process, its sub-processes included.

    :ivar decisions: element id to why it is a decision.
    :ivar inputs: the variables that decisions rest on, each with the element that reads it.
    :ivar written: the variables that decisions write.
    :ivar posted: those of the inputs that matter for a message alone: why.
    """

    decisions: dict[str, str] = field(default_factory=dict)
    inputs: dict[str, str] = field(default_factory=dict)
    written: set[str] = field(default_factory=set)
    posted: dict[str, str] = field(default_factory=dict)

    def reserves(self, variable: str) -> str | None:
        """Why a variable may not be corrected, or None."""
        if variable in self.written:
            return f"The variable {variable} is the outcome of a decision."
        if variable in self.posted:
            return self.posted[variable]
        reader = self.inputs.get(variable)
        return None if reader is None else f"The variable {variable} is what the decision at {reader} rests on."


_known: WeakKeyDictionary[ParsedRelease, dict[str, Guard]] = WeakKeyDictionary()
_together: WeakKeyDictionary[ParsedRelease, tuple[frozenset[int], dict[str, Guard]]] = WeakKeyDictionary()


def guards_of(release: ParsedRelease, others: Collection[ParsedRelease] = ()) -> Mapping[str, Guard]:
    """What is reserved, by process id. Worked out once for each release, and for the newest set of others: releases never change.

    :param others: releases that its messages and signals may go to, or come from.
    """
    if not others:
        found = _known.get(release)
        if found is None:
            found = _known[release] = _read_together([release])
        return found
    keys = frozenset(other.key for other in others)
    known = _together.get(release)
    if known is None or known[0] != keys:
        known = _together[release] = keys, _read_together([release, *others])
    return known[1]


def _read_together(releases: Collection[ParsedRelease]) -> dict[str, Guard]:
    """What is reserved in the first of some releases between which messages go."""
    readings = [_Reading(release) for release in releases]
    found = -1
    while found != (found := sum(reading.size() for reading in readings)):
        for reading in readings:
            reading.settle()
        for reading in readings:
            for other in readings:
                if other is not reading:
                    reading.receive_from(other)
    return readings[0].guards


def specs_of(release: ParsedRelease, process_id: str) -> Iterator[tuple[ProcessSpec, Any]]:
    """Every element of a process, its sub-processes included, each with the level it is drawn on."""
    for level in release.diagrams.blueprints.values():
        if level.process_id == process_id:
            for spec in level.task_specs.values():
                yield level, spec


def writes(release: ParsedRelease, level: ProcessSpec, spec: Any) -> set[str] | None:
    """The variables that an element may set outside itself; None: it cannot be told."""
    if isinstance(spec, MultiInstance):
        inner = writes(release, level, level.task_specs[spec.inner])
        return None if inner is None else inner | ({spec.out} if spec.out else set())
    outputs = getattr(spec, "outputs_map", ())
    if outputs:
        return {target.split(".")[0] for target, _ in outputs}
    if isinstance(spec, ScriptTask | DecisionTask):
        return {spec.result_variable} if spec.result_variable else set()
    if isinstance(spec, UserTask):
        return set(_form_writes(release, spec.plan.form_id))
    if isinstance(spec, ServiceTask):
        operation = ports.operations.get(spec.operation)
        return None if operation is None else set(operation.outputs)
    if isinstance(spec, CallActivity):
        called = release.diagrams.processes.get(spec.blueprint)
        if not spec.all_out or called is None:
            return set()
        return set(called.declarations.names) or None
    if isinstance(spec, SubProcess):
        inside = release.diagrams.blueprints[spec.blueprint]
        parts = [writes(release, inside, one) for one in inside.task_specs.values()]
        return None if None in parts else set().union(*(part for part in parts if part))
    brings_payload = not isinstance(spec, StartEvent) and awaited(level, spec) is not None
    return None if brings_payload else set()


def _form_writes(release: ParsedRelease, form_id: str | None) -> list[str]:
    form = _form(release, form_id)
    return [] if form is None else variables_of(form)


def _form(release: ParsedRelease, form_id: str | None) -> forms.Form | None:
    content = release.form(form_id) if form_id else None
    if content is None:
        return None
    try:
        return forms.load(content, f"{form_id}.form")
    except ConvenorError:
        return None


class _Reading:
    """Reads one release until nothing more is found."""

    def __init__(self, release: ParsedRelease) -> None:
        self.release = release
        self.guards = {process_id: Guard() for process_id in release.diagrams.processes}
        self._elements = {process_id: list(specs_of(release, process_id))[::-1] for process_id in self.guards}
        self._makes: dict[int, frozenset[str]] = {}
        self._followed: dict[int, int] = {}
        self.receivers = receivers(release)
        self.senders: dict[tuple[str, str], list[Sender]] = {}
        for sender in senders(release):
            self.senders.setdefault((sender.kind, sender.message), []).append(sender)
        for process_id, guard in self.guards.items():
            self._decisions(process_id, guard)

    def settle(self) -> None:
        """Read on until nothing more is found in this release."""
        found = -1
        while found != (found := self.size()):
            for process_id, guard in self.guards.items():
                self._once(process_id, guard)
            for receiver in self.receivers:
                self._received(receiver)
            self.receive_from(self)

    def receive_from(self, other: _Reading) -> None:
        """What a message or signal from a release brings that a decision of this one rests on is reserved with whoever sends it."""
        for receiver in self.receivers:
            for sender in other.senders.get((receiver.kind, receiver.message), ()):
                self._sent(sender, other.guards[sender.level.process_id], receiver)

    def _of(self, process_id: str) -> list[tuple[ProcessSpec, Any]]:
        """The elements of a process, the last drawn first: what one works out is mostly read by those after it."""
        return self._elements[process_id]

    # ---- which elements
    def _decisions(self, process_id: str, guard: Guard) -> None:
        for _, spec in self._of(process_id):
            if isinstance(spec, DecisionTask):
                guard.decisions[_id(spec)] = WHY_RULE
            elif isinstance(spec, UserTask):
                properties = spec.plan.properties
                if any(_is_on(properties.get(flag)) for flag in FLAGS):
                    guard.decisions[_id(spec)] = WHY_SIGNED
                other = properties.get("separateFrom")
                if other:
                    guard.decisions.setdefault(_id(spec), WHY_SEPARATE)
                    guard.decisions.setdefault(other, WHY_SEPARATE)
        for level, spec in self._of(process_id):
            if _id(spec) in guard.decisions:
                self._seed(guard, level, spec)

    def _seed(self, guard: Guard, level: ProcessSpec, spec: Any) -> None:
        """What a decision reads and writes by itself."""
        element = _id(spec)
        guard.written |= writes(self.release, level, spec) or set()
        read = names_in((source for _, source in getattr(spec, "inputs_map", ())), level.names)
        if isinstance(spec, DecisionTask):
            mapped = {target.split(".")[0] for target, _ in spec.inputs_map}
            read |= self._table_reads(spec.decision) - mapped
        elif isinstance(spec, UserTask):
            plan = spec.plan
            read |= names_in(
                (plan.assignee, plan.candidate_groups, plan.candidate_users, *plan.properties.values()), level.names
            )
            content = self.release.form(plan.form_id) if plan.form_id else None
            read |= set(_ASKS.findall(content.decode(errors="replace"))) if content else set()
        elif isinstance(spec, MultiInstance):
            read |= names_in((spec.items, spec.until), level.names)
        for name in read:
            guard.inputs.setdefault(name, element)

    def _table_reads(self, decision_id: str) -> set[str]:
        try:
            decision = self.release.model_of(decision_id).decisions.get(decision_id)
        except (ConvenorError, Fault):
            return set()
        return set() if decision is None else set(decision.reads)

    # ---- what they rest on
    def size(self) -> int:
        return sum(len(guard.inputs) + len(guard.written) for guard in self.guards.values())

    def _once(self, process_id: str, guard: Guard) -> None:
        for level, spec in self._of(process_id):
            if isinstance(spec, Choice):
                read = names_in((text for text, _ in spec.flows), level.names)
                if read & guard.written:
                    self._add(guard, read - guard.written, spec)
            elif isinstance(spec, CallActivity):
                self._called(guard, level, spec)
            elif isinstance(spec, Activity | MultiInstance | Event):
                self._worked_out(guard, level, spec)

    def _add(self, guard: Guard, names: Iterable[str], spec: Any) -> None:
        for name in names:
            guard.inputs.setdefault(name, _id(spec))

    def _worked_out(self, guard: Guard, level: ProcessSpec, spec: Any) -> None:
        """An element that writes what a decision rests on: what it reads counts too."""
        rests_on = sum(name in guard.inputs for name in self._made(level, spec))
        if rests_on == self._followed.get(id(spec), 0):
            return  # nothing more of what it makes matters than before
        self._followed[id(spec)] = rests_on
        outputs = getattr(spec, "outputs_map", ())
        wanted = [source for target, source in outputs if target.split(".")[0] in guard.inputs]
        made = writes(self.release, level, spec)
        if isinstance(spec, MultiInstance) and spec.item in guard.inputs:
            self._add(guard, names_in((spec.items,), level.names), spec)
        if not wanted and not (made or set()) & set(guard.inputs):
            return
        texts = [*wanted, *(source for _, source in getattr(spec, "inputs_map", ()))]
        if isinstance(spec, ScriptTask):
            texts.append(spec.expression)
        if isinstance(spec, MultiInstance):
            texts += [spec.items, spec.out_item or ""]
        read = names_in(texts, level.names)
        if isinstance(spec, ServiceTask):
            operation = ports.operations.get(spec.operation)
            read |= {name.rstrip("?") for name in operation.inputs} if operation is not None else set()
        self._add(guard, read, spec)

    def _made(self, level: ProcessSpec, spec: Any) -> frozenset[str]:
        """Every variable that an element sets, for itself or outside."""
        found = self._makes.get(id(spec))
        if found is None:
            names = {target.split(".")[0] for target, _ in getattr(spec, "outputs_map", ())}
            names |= writes(self.release, level, spec) or set()
            if isinstance(spec, MultiInstance) and spec.item:
                names.add(spec.item)
            found = self._makes[id(spec)] = frozenset(names)
        return found

    def _called(self, guard: Guard, level: ProcessSpec, spec: CallActivity) -> None:
        """What the called process reserves is reserved in the caller under the names it has there."""
        inside = self.guards.get(spec.blueprint)
        if inside is None:
            return
        mapped = dict.fromkeys(target.split(".")[0] for target, _ in spec.inputs_map)
        self._add(
            guard,
            names_in((s for t, s in spec.inputs_map if t.split(".")[0] in inside.inputs), level.names),
            spec,
        )
        if spec.all_in:
            own = level.declarations.names
            self._add(guard, {n for n in inside.inputs if n not in mapped and (not own or n in own)}, spec)
        inside.written |= {t.split(".")[0] for t, s in spec.inputs_map if names_in((s,), level.names) & guard.written}
        if spec.outputs_map:
            guard.written |= {
                target.split(".")[0]
                for target, source in spec.outputs_map
                if names_in((source,), level.names) & inside.written
            }
        elif spec.all_out:
            guard.written |= inside.written
        self._handed_back(guard, inside, level, spec)
        self._worked_out(guard, level, spec)

    def _handed_back(self, guard: Guard, inside: Guard, level: ProcessSpec, spec: CallActivity) -> None:
        """What the caller's decisions rest on is reserved in the called process that works it out."""
        if spec.outputs_map:
            wanted = [source for target, source in spec.outputs_map if target.split(".")[0] in guard.inputs]
            read = names_in(wanted, level.names)
            self._add(inside, read, spec)
            called = self.release.diagrams.processes[spec.blueprint].declarations.names
            self._add(guard, {name for name in read if not called or name not in called}, spec)
        elif spec.all_out:
            called = self.release.diagrams.processes[spec.blueprint].declarations.names
            self._add(inside, {name for name in guard.inputs if not called or name in called}, spec)

    def _received(self, receiver: Receiver) -> None:
        """What chooses the message that a decision rests on is reserved with whoever waits for it."""
        guard = self.guards[receiver.process_id]
        # Without mappings it may come from outside as well, with whatever payload.
        if (receiver.unmapped and guard.inputs) or not receiver.targets.isdisjoint(guard.inputs):
            why = f"chooses which {receiver.kind} “{receiver.message}” comes to {receiver.element_id}, and a decision rests on it."
            self._post(guard, receiver.key, receiver.element_id, why)

    def _sent(self, sender: Sender, here: Guard, receiver: Receiver) -> None:
        there = self.guards[receiver.process_id]
        message, owner = sender.message, receiver.process_id
        wanted = False
        for name, read in sender.payload.items():
            becomes = receiver.becomes(name)
            if not becomes.isdisjoint(there.inputs):
                wanted = True
                why = f"goes with the {sender.kind} “{message}” to {owner}, where a decision rests on it."
                self._post(here, read, sender.element_id, why)
            if not read.isdisjoint(here.written):
                there.written |= becomes
        if wanted and receiver.keyed:
            why = f"chooses who gets the {sender.kind} “{message}”, and a decision in {owner} rests on that."
            self._post(here, sender.key, sender.element_id, why)

    def _post(self, guard: Guard, names: Iterable[str], element: str, why: str) -> None:
        for name in names:
            if guard.inputs.setdefault(name, element) == element:
                guard.posted.setdefault(name, f"The variable {name} {why}")


def _id(spec: Any) -> str:
    return str(spec.bpmn_id or spec.name)


def _is_on(value: str | None) -> bool:
    """A flag that is set, or that an expression may set."""
    text = (value or "").strip().lower()
    return text == "true" or text.startswith("=")
