"""Releases: publishing diagrams, decisions and forms together, and finding what has been published."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Any

import zstandard
from sqlalchemy import BigInteger, ColumnElement, Select, bindparam, delete, func, select

from app import decisions, forms
from app.problems import Problem, Severity
from app.runtime import schedule
from app.runtime.checker.release import check_release, kind_of
from app.runtime.dialect.parser import Release as Diagrams
from app.runtime.errors import Fault, InstanceNotFound, ReleaseRefused
from app.runtime.models import FileKind, ProcessDefinition, Release, ReleaseFile, StartKind, StartSubscription
from app.runtime.parsed import ParsedRelease, cache, resolver
from app.runtime.ports import Operations, ports
from app.runtime.specs.definitions import Timer
from app.runtime.specs.process import ProcessSpec
from app.runtime.standing import standing
from app.store.clock import business_now
from app.store.database import db, new_key
from app.store.remembering import once, tell


def check_files(
    files: Mapping[str, bytes], *, allow_undeclared: bool = False, operations: Operations | None = None
) -> list[Problem]:
    """Everything that is wrong with the files of a release, warnings included.

    :param allow_undeclared: a stranger's diagram that declares no variables is warned of instead of refused (demo
        area only).
    :param operations: what service tasks may name; the wired registry when None.
    """
    return check_release(files, operations=operations or ports.operations, allow_undeclared=allow_undeclared)


def publish_release(
    files: Mapping[str, bytes], *, area_key: int, by: int | None, allow_undeclared: bool = False
) -> Release:
    """Publish files as one release of an area: all of them or none. The same files again are the release they already
    are, if it is the same person's, for as long as nothing of it has been replaced since. Where every diagram declares
    its variables it does not matter whose the latest is.

    :raises ReleaseRefused: there are errors; its ``problems`` lists them all, warnings included.
    """
    digest = _digest(files, allow_undeclared)
    latest = _latest(area_key)
    if latest is not None and latest.digest == digest and not allow_undeclared:
        return latest
    if (same := standing(area_key, digest, by)) is not None:
        return same
    problems = check_files(files, allow_undeclared=allow_undeclared)
    if any(problem.severity is Severity.ERROR for problem in problems):
        raise ReleaseRefused(problems)
    release = Release(
        key=new_key(),
        area_key=area_key,
        number=(latest.number if latest else 0) + 1,
        digest=digest,
        allow_undeclared=allow_undeclared,
        one_per_key=True,
        created_at=business_now(),
        created_by=by,
    )
    db.session.add(release)
    db.session.flush()
    diagrams = Diagrams()
    for name in sorted(files):
        kind = kind_of(name)
        assert kind is not None
        ids = _ids(kind, name, files, diagrams)
        db.session.add(
            ReleaseFile(release_key=release.key, name=name, kind=kind, ids=ids, content=_compress(files[name]))
        )
    begun_by = _define(release, diagrams)
    db.session.flush()
    if begun_by:
        from app.runtime import kept

        kept.start_buffered(area_key, begun_by)
    return release


def _digest(files: Mapping[str, bytes], allow_undeclared: bool) -> str:
    found = hashlib.sha256(b"open" if allow_undeclared else b"strict")
    for name in sorted(files):
        found.update(f"{name}\0{len(files[name])}\0".encode())
        found.update(files[name])
    return found.hexdigest()


def _ids(kind: FileKind, name: str, files: Mapping[str, bytes], diagrams: Diagrams) -> list[Any]:
    content = files[name]
    if kind is FileKind.BPMN:
        return list(diagrams.add(content, name))
    if kind is FileKind.DMN:
        of_kind = {n: c for n, c in files.items() if kind_of(n) is FileKind.DMN}
        return sorted(decisions.load(content, file=name, resolve=resolver(of_kind)).decisions)
    return [forms.load(content, name).id]


def _define(release: Release, diagrams: Diagrams) -> dict[int, set[str]]:
    """A new version of each process; messages, signals and timers start the newest.

    :returns: the names of the messages that start them, by the key of the definition.
    """
    begun_by: dict[int, set[str]] = {}
    versions = dict(
        db.session.execute(
            select(ProcessDefinition.process_id, func.max(ProcessDefinition.version))
            .where(ProcessDefinition.area_key == release.area_key)
            .group_by(ProcessDefinition.process_id)
        ).all()
    )
    for process_id, spec in sorted(diagrams.processes.items()):
        made = ProcessDefinition(
            key=new_key(),
            area_key=release.area_key,
            process_id=process_id,
            version=versions.get(process_id, 0) + 1,
            release_key=release.key,
            name=spec.description,
            properties=dict(spec.properties),
            resource=diagrams.files[process_id],
        )
        db.session.add(made)
        db.session.flush()
        timed = schedule.disarm(release.area_key, process_id)
        db.session.execute(
            delete(StartSubscription).where(
                StartSubscription.area_key == release.area_key, StartSubscription.process_id == process_id
            )
        )
        _arm(made, spec, timed)
        for event in spec.start_events:
            definition = event.trigger_definition
            if definition.kind == StartKind.MESSAGE:
                begun_by.setdefault(made.key, set()).add(definition.name)
            if definition.kind in (StartKind.MESSAGE, StartKind.SIGNAL):
                db.session.add(
                    StartSubscription(
                        area_key=release.area_key,
                        kind=definition.kind,
                        name=definition.name,
                        process_id=process_id,
                        element_id=event.name,
                        definition_key=made.key,
                    )
                )
    return begun_by


def _arm(made: ProcessDefinition, spec: ProcessSpec, before: schedule.Waiting) -> None:
    """Its timer start events.

    :raises ReleaseRefused: one gives no time.
    """
    as_before = bool(before) and _is_as_before(made)
    for event in spec.start_events:
        timer = event.trigger_definition
        if not isinstance(timer, Timer):
            continue
        try:
            schedule.arm(made, [timer], before, as_before=as_before)
        except Fault as fault:
            remedy = "Set a date, a duration or a cycle that can be told when the process is published."
            raise ReleaseRefused([Problem(made.resource, timer.key, fault.message, remedy)]) from fault


def _is_as_before(made: ProcessDefinition) -> bool:
    """Whether the diagram of a new version is the one of the version before."""
    earlier = find_definition(made.area_key, made.process_id, made.version - 1)
    return _text(earlier.release_key, earlier.resource) == _text(made.release_key, made.resource)


def _compress(content: bytes) -> bytes:
    return zstandard.ZstdCompressor(level=9).compress(content)


def _latest(area_key: int) -> Release | None:
    return db.session.execute(
        select(Release).where(Release.area_key == area_key).order_by(Release.number.desc()).limit(1)
    ).scalar()


# ------------------------------------------------------------------------------------------------ finding
def parsed(release_key: int) -> ParsedRelease:
    """A release as the engine needs it, from the cache of this process.

    :raises InstanceNotFound: no such release.
    """
    return cache.get(release_key, _read)


def _read(release_key: int) -> ParsedRelease:
    release = db.session.get(Release, release_key)
    if release is None:
        raise InstanceNotFound("There is no such release.", resource_id=str(release_key))
    rows = db.session.execute(
        select(ReleaseFile.name, ReleaseFile.kind, ReleaseFile.ids, ReleaseFile.content).where(
            ReleaseFile.release_key == release_key
        )
    )
    unpack = zstandard.ZstdDecompressor().decompress
    files = {name: (kind, list(ids), unpack(content)) for name, kind, ids, content in rows}
    return ParsedRelease(release_key, files, allow_undeclared=release.allow_undeclared)


def form(release_key: int, form_id: str) -> bytes:
    """The form-js JSON of a form of a release.

    :raises InstanceNotFound: no such form.
    """
    content = parsed(release_key).form(form_id)
    if content is None:
        raise InstanceNotFound("There is no such form in this release.", resource_id=form_id)
    return content


def definition(key: int, *, area_key: int | None = None) -> ProcessDefinition:
    """A process definition.

    :raises InstanceNotFound: there is none of that key (in the area).
    """
    row = db.session.get(ProcessDefinition, key)
    if row is None or (area_key is not None and row.area_key != area_key):
        raise InstanceNotFound("There is no such process.", resource_id=str(key))
    return row


_LATEST = (
    select(ProcessDefinition)
    .where(ProcessDefinition.area_key == bindparam("area"), ProcessDefinition.process_id == bindparam("process"))
    .order_by(ProcessDefinition.version.desc())
    .limit(1)
)


def find_definition(area_key: int, process_id: str, version: int | None = None) -> ProcessDefinition:
    """A version of a process in an area; the latest when none is named.

    :raises InstanceNotFound: there is none.
    """
    query = _LATEST if version is None else _LATEST.where(ProcessDefinition.version == version)
    row = db.session.execute(query, {"area": area_key, "process": process_id}).scalar()
    if row is None:
        raise InstanceNotFound("There is no such process.", resource_id=process_id)
    return row


@dataclass(frozen=True, slots=True)
class Published:
    """The latest version of a process, as it was published: it never changes.

    :ivar properties: not to be changed.
    """

    key: int
    area_key: int
    process_id: str
    version: int
    release_key: int
    name: str | None
    properties: Mapping[str, Any]


def latest_definitions(area_key: int) -> tuple[Published, ...]:
    """The latest version of every process of an area, by process id.

    Only publishing a release changes them: what the newest release left is remembered by this process, and which is the newest is asked.
    """
    newest = once(_newest(area_key), (Release,), lambda: db.session.execute(_NEWEST, {"area": area_key}).scalar())
    return _latest_definitions(area_key, newest) if newest is not None else ()


def newest_of(area: ColumnElement[int]) -> Select[int]:
    """The key of the newest release of an area: for a statement that reads it along, see :func:`read_already`."""
    return select(Release.key).where(Release.area_key == area).order_by(Release.number.desc()).limit(1)


_NEWEST = newest_of(bindparam("area", type_=BigInteger()))


def _newest(area_key: int) -> tuple[str, int]:
    return ("newest release", area_key)


def read_already(area_key: int, newest: int | None) -> None:
    """Another statement of this transaction has read which release is the newest of an area."""
    tell(_newest(area_key), (Release,), newest)


@lru_cache(maxsize=100)
def _latest_definitions(area_key: int, newest: int) -> tuple[Published, ...]:
    """What is latest since a release, which is named so that the answer is remembered for as long as it is the newest."""
    latest = (
        select(ProcessDefinition.process_id, func.max(ProcessDefinition.version).label("version"))
        .where(ProcessDefinition.area_key == area_key)
        .group_by(ProcessDefinition.process_id)
        .subquery()
    )
    query = (
        select(*(getattr(ProcessDefinition, field.name) for field in fields(Published)))
        .join(
            latest,
            (ProcessDefinition.process_id == latest.c.process_id) & (ProcessDefinition.version == latest.c.version),
        )
        .where(ProcessDefinition.area_key == area_key)
        .order_by(ProcessDefinition.process_id)
    )
    return tuple(Published(*row) for row in db.session.execute(query))


def diagram(definition_key: int) -> bytes:
    """The BPMN file of a process definition.

    :raises InstanceNotFound: there is none.
    """
    row = definition(definition_key)
    return _text(row.release_key, row.resource)


def diagram_of(release_key: int, process_id: str) -> bytes:
    """The BPMN file that draws a process of a release, for instance a called one.

    :raises InstanceNotFound: there is none.
    """
    release = parsed(release_key)
    name = release.diagrams.files.get(process_id)
    if name is None:
        raise InstanceNotFound("There is no such process in this release.", resource_id=process_id)
    return _text(release_key, name)


def _text(release_key: int, name: str) -> bytes:
    """A file of a release as it was published. Parsed releases do not keep the texts of diagrams: they are large and seldom looked at."""
    content = db.session.execute(
        select(ReleaseFile.content).where(ReleaseFile.release_key == release_key, ReleaseFile.name == name)
    ).scalar_one()
    return zstandard.ZstdDecompressor().decompress(content)


def release(key: int) -> Release:
    """:raises InstanceNotFound: there is none."""
    row = db.session.get(Release, key)
    if row is None:
        raise InstanceNotFound("There is no such release.", resource_id=str(key))
    return row


@lru_cache(maxsize=1_000)
def _publication(key: int) -> tuple[int | None, bool, bool]:
    row = release(key)
    return row.created_by, row.allow_undeclared, bool(row.one_per_key)


def stranger_behind(key: int) -> int | None:
    """Who published a release of strangers' diagrams; None for the procedures of an area. A release never changes, so it is read once."""
    by, strangers, _ = _publication(key)
    return by if strangers else None


def one_per_key(key: int) -> bool:
    """Whether what the instances of a release send waits its turn, see :class:`app.runtime.models.Release`."""
    return _publication(key)[2]


def own_releases(person_key: int, release_keys: Collection[int]) -> set[int]:
    """Those of the releases that the person published."""
    return {key for key in release_keys if _publication(key)[0] == person_key}


def latest_release(area_key: int) -> Release | None:
    """The newest release of an area."""
    return _latest(area_key)


def files_of(release_key: int) -> list[ReleaseFile]:
    """The files of a release by name; their content is compressed, see :func:`content`."""
    rows = select(ReleaseFile).where(ReleaseFile.release_key == release_key).order_by(ReleaseFile.name)
    return list(db.session.execute(rows).scalars())


def content(file: ReleaseFile) -> bytes:
    return zstandard.ZstdDecompressor().decompress(file.content)
