"""The plan of a move: for every case whether it can, why not, and what would change. Nothing is touched, and no case is opened."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from app.forms import Form
from app.identity.person import Person
from app.runtime import moving, releases
from app.runtime import service as runtime
from app.runtime.moving import InstancePlan, Obstacle
from app.runtime.moving.elements import MappingRefused
from app.work import forms, moved
from app.workshop.asking import Asked, check, instances_of, require_mover
from app.workshop.errors import MoveRefused


@dataclass(frozen=True)
class DraftTouched:
    """What somebody has typed for a task whose form is another in the other release. It is kept.

    :param people: how many have typed something.
    :param without_place: how many of the typed answers have no question in the new form, and would not be sent.
    """

    task_id: int
    element_id: str
    people: int
    without_place: int


@dataclass
class CasePlan:
    """One case, with its drafts."""

    plan: InstancePlan
    drafts: list[DraftTouched] = field(default_factory=list)


@dataclass
class Plan:
    """A whole move."""

    asked: Asked
    cases: list[CasePlan]

    @property
    def can_move(self) -> int:
        return sum(1 for each in self.cases if each.plan.can_move)

    def reasons(self) -> list[tuple[str, int]]:
        """Why cases cannot move, each with how many, the most frequent first."""
        found = Counter(why for each in self.cases if (why := each.plan.why))
        return found.most_common()


def plan(person: Person, asked: Asked) -> Plan:
    """What a move would mean, case by case.

    :raises NotAllowed: for process owners only. :raises MoveRefused, MappingRefused: it makes no sense as a whole.
    """
    require_mover(person, asked.target.area_key)
    return outlook(asked)


def outlook(asked: Asked) -> Plan:
    """The same for whoever stands at the machine.

    :raises MoveRefused, MappingRefused: it makes no sense as a whole.
    """
    check(asked)
    found = Plan(asked, [plan_case(asked, key) for key in instances_of(asked)])
    known = set().union(*(each.plan.named for each in found.cases if each.plan.can_move))
    movable = [each for each in found.cases if each.plan.can_move]
    unknown = [name for name in asked.recompute if name not in known]
    if unknown and movable:
        raise MoveRefused(
            f"No open task or armed timer of these cases is named {unknown[0]} or sets a deadline of that name.",
            resource_id=unknown[0],
        )
    return found


def plan_case(asked: Asked, instance_key: int) -> CasePlan:
    """What it would mean for one case."""
    try:
        told = moving.plan(instance_key, asked.target, asked.elements, asked.recompute)
    except MappingRefused as refused:
        return CasePlan(_unmapped(instance_key, refused))
    made = CasePlan(told)
    changed = [each for each in told.tasks if each.form_changed]
    if changed:
        items = moved.items_of(instance_key)
        for each in changed:
            item = items.get(each.task_id)
            people = moved.drafts_of([item.key]).get(item.key, 0) if item is not None else 0
            if item is None or not people:
                continue
            form = forms.form_by_id(asked.target.release_key, each.form) if each.form else None
            if form is None:
                told.obstacles.append(
                    Obstacle(
                        each.process_id,
                        each.element_id,
                        f"Somebody has typed answers for {each.name}, which has no form in the other release.",
                        "Keep a form, or wait until the task is done.",
                    )
                )
                continue
            lost = moved.without_place(item, _names(form))
            made.drafts.append(DraftTouched(each.task_id, each.target_id, people, lost))
    return made


def _unmapped(instance_key: int, refused: MappingRefused) -> InstancePlan:
    """Cases of several versions, and the mapping does not fit this one."""
    row = runtime.instance(instance_key)
    why = Obstacle(
        row.process_id,
        refused.resource_id or "",
        refused.message,
        "Move the cases of each version with a mapping of their own.",
    )
    return InstancePlan(row.key, row.definition_key, row.revision, row.case_key, row.meeting_key, obstacles=[why])


def _names(form: Form) -> frozenset[str]:
    return frozenset(one.path[0] for one in form.fields() if one.path)


def version_of(definition_key: int) -> int:
    """The version number of a definition."""
    return releases.definition(definition_key).version
