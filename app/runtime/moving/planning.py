"""The plan for one instance: the move itself, tried in memory and thrown away."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from app.runtime import codec, releases
from app.runtime.engine.workflow import Instance as Engine
from app.runtime.mending.guard import guards_of
from app.runtime.models import Instance, InstanceStatus, ProcessDefinition
from app.runtime.moving.arming import Arming
from app.runtime.moving.elements import ElementMap
from app.runtime.moving.outlook import InstancePlan, Obstacle
from app.runtime.moving.tasks import Seen, TaskOutlook
from app.runtime.moving.translation import Translation, Translator
from app.runtime.parsed import ParsedRelease
from app.runtime.ports import ports
from app.runtime.step import find
from app.runtime.world import World


@dataclass(slots=True)
class Prepared:
    """A plan, and the moved instance in memory as long as nothing stands in its way."""

    plan: InstancePlan
    made: Translation | None = None
    wf: Engine | None = None
    world: World | None = None
    seen: list[Seen] = field(default_factory=list)
    renewed: set[int] = field(default_factory=set)


def plan(
    instance_key: int, target: ProcessDefinition, elements: ElementMap, recompute: Collection[str] = ()
) -> InstancePlan:
    """What moving an instance to a version of its process would mean. Nothing is changed.

    :param recompute: named deadlines, or ids of timers and tasks, to compute again by the other release's rules.
    :raises InstanceNotFound: there is no such instance.
    :raises MappingRefused: the mapping is not sound for the two releases.
    """
    return prepare(find(instance_key), target, elements, recompute).plan


def prepare(
    row: Instance, target: ProcessDefinition, elements: ElementMap, recompute: Collection[str] = ()
) -> Prepared:
    """Try the move in memory."""
    told = InstancePlan(row.key, row.definition_key, row.revision, row.case_key, row.meeting_key)
    made = Prepared(told)
    if wrong := _not_to_be_moved(row, target):
        told.obstacles.append(Obstacle(row.process_id, "", *wrong))
        return made
    source, other = releases.parsed(row.release_key), releases.parsed(target.release_key)
    elements.check(source.diagrams, other.diagrams)
    saved = codec.read(row.state, source.diagrams, row.process_id)
    translation = Translator(source.diagrams, other.diagrams, elements).translate(saved, row.process_id)
    told.obstacles += translation.obstacles + _decisions_kept(row.process_id, source, other, elements)
    if told.obstacles:
        return made
    world = World(row, other)
    wf = codec.restore(translation.data, other.diagrams, row.process_id, world)
    known = ports.user_tasks.open_tasks(row.key)
    opened = {task_id: each.opened for task_id, each in known.items()}
    tasks = TaskOutlook(wf, translation, elements, (source, other), known, recompute).run()
    for change in tasks.deadlines:
        if change.moves and change.name is not None and change.would_be is not None:
            world.suppose(change.name, change.case, change.would_be)
    armed = Arming(wf, translation, elements, recompute, opened).run()
    told.obstacles += armed.obstacles + tasks.obstacles
    told.notes += _stopped(wf) + _unset(source, other, row.process_id) + armed.notes + tasks.notes
    told.timers, told.tasks, told.deadlines = armed.timers, tasks.changes, tasks.deadlines
    made.made, made.wf, made.world = translation, wf, world
    told.named = armed.named | tasks.named
    made.seen, made.renewed = tasks.seen, armed.renewed
    return made


def _not_to_be_moved(row: Instance, target: ProcessDefinition) -> tuple[str, str] | None:
    if row.status != InstanceStatus.ACTIVE or not row.state:
        return "It has ended.", ""
    if row.definition_key == target.key:
        return "It runs on this release already.", ""
    if row.process_id != target.process_id or row.area_key != target.area_key:
        return "The release is of another process.", "Choose a version of the same process."
    return None


def _decisions_kept(
    process_id: str, source: ParsedRelease, other: ParsedRelease, elements: ElementMap
) -> list[Obstacle]:
    """A mapping is no way round a decision: it stays one, and does not become a step that the old diagram had already."""
    found = []
    before, after = guards_of(source), guards_of(other)
    for (owner, old), new in elements.pairs.items():
        if old == new or owner not in before or old not in before[owner].decisions:
            continue
        was_there = new in source.diagrams.processes[owner].elements
        if was_there or owner not in after or new not in after[owner].decisions:
            found.append(
                Obstacle(
                    owner,
                    old,
                    f"{old} is a decision that a person must take, and {new} would be another step.",
                    "Map it to the same decision under its new id, or leave it.",
                )
            )
    return found


def _unset(source: ParsedRelease, other: ParsedRelease, process_id: str) -> list[str]:
    before = source.diagrams.processes[process_id].declarations.names
    new = sorted(other.diagrams.processes[process_id].declarations.names - before) if before else []
    if not new:
        return []
    return [f"New variables are empty until something in the case sets them: {', '.join(new)}."]


def _stopped(wf: Engine) -> list[str]:
    if not wf.incidents:
        return []
    return ["Something in it has stopped. It stays stopped until somebody tries it again."]
