"""Retries of operations, as a diagram asks for them: after a failure the task waits and is tried again; when all is in vain, an incident.

The pauses are in the diagram (``zeebe:taskDefinition retries``): how often an operation is tried in all (``3``), a repetition
(``R5/PT5M``: five times more, five minutes apart) or a list (``PT1M,PT5M,PT1H``: three times more). Without the attribute a failure is an
incident at once.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

from app.runtime.errors import InstanceEnded, InstanceNotFound
from app.store import jobs
from app.store.jobs import Job

if TYPE_CHECKING:
    from app.runtime.engine.workflow import Instance as Engine
    from app.runtime.step import Step

RETRY = "runtime.retry"
MOST = 100
_DURATION = re.compile(r"P(?=\d|T\d)(?:(\d{1,3})D)?(?:T(?:(\d{1,3})H)?(?:(\d{1,4})M)?(?:(\d{1,5})S)?)?")
_REPEAT = re.compile(r"R(\d{1,3})/(P.+)")
_PENDING, _MADE = "retry", "tries"


def pauses(text: str | None) -> tuple[timedelta, ...]:
    """The pauses before each further try.

    :raises ValueError: it is none of the three forms.
    """
    text = (text or "").strip()
    if text.isdigit() and int(text) <= MOST:
        more = max(0, int(text) - 1)
        return tuple(jobs.BACK_OFF[min(n, len(jobs.BACK_OFF) - 1)] for n in range(more))
    repeat = _REPEAT.fullmatch(text)
    if repeat is not None and int(repeat[1]) <= MOST:
        return (_duration(repeat[2]),) * int(repeat[1])
    if not text:
        return ()
    return tuple(_duration(each.strip()) for each in text.split(","))[:MOST]


def _duration(text: str) -> timedelta:
    found = _DURATION.fullmatch(text)
    if found is None or text.endswith("T"):
        raise ValueError(text)
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)


def is_pending(wf: Engine, task_id: int) -> bool:
    """Whether a stopped task will be tried again by itself; until then it is nobody's concern."""
    return _PENDING in wf.get_task_from_id(task_id).internal_data


def plan(step_: Step) -> None:
    """Arrange the next try of every operation that has failed in this step."""
    for task_id, incident in step_.wf.incidents.items():
        if step_.stopped.get(task_id) is incident:
            continue
        task = step_.wf.get_task_from_id(task_id)
        data = task.internal_data
        data.pop(_PENDING, None)
        if incident.kind != "OPERATION" or "job" in data:
            continue
        pauses_ = pauses(getattr(task.task_spec, "retries", None))
        made = data.get(_MADE, 0)
        if made >= len(pauses_):
            continue
        data[_PENDING], data[_MADE] = 1, made + 1
        jobs.enqueue(
            RETRY,
            {"instance": str(step_.row.key), "task": str(task_id)},
            due_at=step_.world.now + pauses_[made],
            dedupe_key=f"retry:{step_.row.key}:{task_id}",
            instance_key=step_.row.key,
        )


def run_retry_job(job: Job) -> None:
    """The job handler. A task that has been mended, skipped or ended meanwhile is left alone."""
    from app.runtime import lapsing
    from app.runtime.step import step

    lapsing.before_a_try(int(job.payload["instance"]))
    task_id = int(job.payload["task"])
    try:
        with step(int(job.payload["instance"])) as taken:
            if task_id in taken.wf.incidents and is_pending(taken.wf, task_id):
                taken.wf.retry(task_id)
            else:
                taken.unchanged = True
    except (InstanceEnded, InstanceNotFound):
        return
