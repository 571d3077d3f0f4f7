"""Which instances could not take a message in time, and which messages they may still come to wait for: read once for a look at many."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import or_, select

from app.runtime import late, releases
from app.runtime.accepting import CONTINUE
from app.runtime.ahead import Awaited, ahead, catching
from app.runtime.errors import InstanceEnded, InstanceNotFound
from app.runtime.late import Stand
from app.runtime.models import BufferedMessage, Incident, IncidentState, Instance, InstanceStatus
from app.runtime.retries import RETRY
from app.runtime.step import WAKE, find, load
from app.store.clock import business_now
from app.store.database import db
from app.store.jobs import Job, JobState

MOST = 50  # instances that one look goes into
REMEMBERED = 20_000

Ahead = dict[tuple[str, str], Awaited]

_known: OrderedDict[tuple[int, int], Ahead] = OrderedDict()
"""What is ahead of an instance, by its key and revision: one that has stopped stays as it is."""


class TooMany(Exception):
    """More instances have stopped than one look goes into. The next finds these known."""


@dataclass(slots=True)
class _One:
    """An active instance that is held up, or was.

    :ivar stopped: from when until when; None: it still is.
    :ivar due: when it should have been woken, or have gone on after a completion.
    """

    key: int
    area_key: int
    release_key: int
    revision: int
    started_at: datetime
    stopped: list[tuple[datetime | None, datetime | None]] = field(default_factory=list)
    due: datetime | None = None


class HeldUp:
    """The active instances of some areas that are held up, or have been since an instant.

    :param tried: one that has waited behind a try of its own, which is about to be made.
    """

    def __init__(self, area_keys: Collection[int], since: datetime, tried: int | None = None) -> None:
        self._of: dict[int, _One] = {}
        self._looked_into = 0
        if area_keys:
            self._read_incidents(area_keys, since)
            self._read_jobs(area_keys)
        if tried is not None and (row := db.session.get(Instance, tried)) is not None:
            one = self._one(row.key, row.area_key, row.release_key, row.revision, row.started_at)
            one.stopped.append((None, None))

    def _read_incidents(self, area_keys: Collection[int], since: datetime) -> None:
        query = (
            select(*_INSTANCE, Incident.created_at, Incident.resolved_at)
            .join(Incident, Incident.instance_key == Instance.key)
            .where(
                Instance.area_key.in_(area_keys),
                Instance.status == InstanceStatus.ACTIVE,
                Incident.kind != "MESSAGE",
                or_(Incident.state == IncidentState.ACTIVE, Incident.resolved_at >= since),
            )
        )
        for row in db.session.execute(query):
            self._one(*row[:5]).stopped.append((row.created_at, row.resolved_at))

    def _read_jobs(self, area_keys: Collection[int]) -> None:
        now = business_now()
        query = (
            select(*_INSTANCE, Job.kind, Job.due_at)
            .join(Job, Job.instance_key == Instance.key)
            .where(
                Instance.area_key.in_(area_keys),
                Instance.status == InstanceStatus.ACTIVE,
                Job.state == JobState.QUEUED,
                or_(Job.kind == RETRY, Job.kind.in_((WAKE, CONTINUE)) & (Job.due_at <= now)),
            )
        )
        for row in db.session.execute(query):
            one = self._one(*row[:5])
            if row.kind == RETRY:
                one.stopped.append((None, None))
            else:
                one.due = min(row.due_at, one.due or row.due_at)

    def _one(self, key: int, area_key: int, release_key: int, revision: int, started_at: datetime) -> _One:
        return self._of.setdefault(key, _One(key, area_key, release_key, revision, started_at))

    def waits_for(self, area_key: int, name: str) -> bool:
        """Whether one of an area may wait for a message of this name: by its diagrams alone."""
        releases_ = {one.release_key for one in self._of.values() if one.area_key == area_key}
        return any(name in catching(releases.parsed(key)) for key in releases_)

    def read(self, area_key: int, name: str) -> None:
        """Read what is ahead of those that may wait for a message of this name, as far as one look goes: before anything is locked."""
        with suppress(TooMany):
            for one in self._of.values():
                if one.area_key == area_key and name in catching(releases.parsed(one.release_key)):
                    self._ahead(one)

    def when(self, area_key: int, published: datetime, over: datetime) -> Iterator[tuple[_One, Stand]]:
        """Those that could not take a message while it lived, and how they stand."""
        for one in self._of.values():
            if one.area_key != area_key or one.started_at > over:
                continue
            stops = [
                ended
                for began, ended in one.stopped
                if (began is None or began <= over) and (ended is None or ended > published)
            ]
            if stops:
                yield one, Stand.STOPPED if None in stops else Stand.GOES_ON
            elif one.due is not None and one.due <= over:
                yield one, Stand.LATE

    def now(self, instance_key: int) -> Stand | None:
        """How one is held up now; None when it goes on."""
        one = self._of.get(instance_key)
        if one is None:
            return None
        if any(ended is None for _, ended in one.stopped):
            return Stand.STOPPED
        return Stand.LATE if one.due is not None else None

    def has_stopped(self, instance_key: int, since: datetime) -> bool:
        """Whether one has stopped, or had at some time since then."""
        one = self._of.get(instance_key)
        return one is not None and any(ended is None or ended > since for _, ended in one.stopped)

    def awaits(self, one: _One | Instance, kept: BufferedMessage, had: Collection[str] = ()) -> bool | None:
        """Whether an instance may come to wait for a message: True, with its key; False, that cannot be told yet; None, it will not."""
        if "*" in kept.taken_by:
            return None
        wanted = catching(releases.parsed(one.release_key)).get(kept.name, {}).keys() - {*kept.taken_by, *had}
        if not wanted:
            return None
        found = [
            each for each in (self._ahead(one).get((kept.name, process)) for process in wanted) if each is not None
        ]
        if any(kept.correlation_key in each.keys for each in found):
            return True
        return False if any(each.unsure for each in found) else None

    def _ahead(self, one: _One | Instance) -> Ahead:
        """:raises TooMany: this look has gone into many already."""
        place = (one.key, one.revision)
        found = _known.get(place)
        if found is None:
            if self._looked_into >= MOST:
                raise TooMany
            self._looked_into += 1
            found = _known[place] = _read(one.key)
            while len(_known) > REMEMBERED:
                _known.popitem(last=False)
        return found


def stopped_before(kept: BufferedMessage, reached: Collection[int], had: Collection[str] = ()) -> dict[str, Any]:
    """Some processes have a message. For whom it is kept on: instances of others that have stopped and may come to wait for it.

    :param reached: the instances that have just had it.
    :param had: the ids of their processes, where the message does not say so yet.
    """
    now = business_now()
    held_up = HeldUp({kept.area_key}, now)
    entries = {}
    for one, stand in held_up.when(kept.area_key, now, now):
        try:
            sure = bool(held_up.awaits(one, kept, had))
            wanted = sure  # it has found somebody: it is not kept for what cannot be told
        except TooMany:
            sure, wanted = False, True  # the workers' look tells
        if wanted:
            entries[str(one.key)] = late.entry(stand, sure, quiet=one.key in reached)
    return entries


def _read(instance_key: int) -> Ahead:
    try:
        wf, world = load(find(instance_key))
    except (InstanceEnded, InstanceNotFound):
        return {}
    return ahead(wf, world.release)


_INSTANCE = (Instance.key, Instance.area_key, Instance.release_key, Instance.revision, Instance.started_at)
