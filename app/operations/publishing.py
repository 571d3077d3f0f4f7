"""Checking and publishing diagrams, decisions and forms together."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import select

from app import audit
from app.agencies import parameters
from app.agencies.errors import UnknownAgency
from app.agencies.models import Area
from app.operations.catalogue import operations
from app.problems import Problem
from app.runtime import releases
from app.runtime.models import Release
from app.store.database import db

ROOT = Path(__file__).resolve().parent.parent.parent
SHIPPED = (ROOT / "processes", ROOT / "forms")


def shipped_files() -> dict[str, bytes]:
    """The procedures that come with Convenor, by file name."""
    found: dict[str, bytes] = {}
    for folder in SHIPPED:
        for path in sorted(folder.rglob("*")):
            if path.suffix in {".bpmn", ".dmn", ".form"}:
                found[path.name] = path.read_bytes()
    return found


def shipped_parameters() -> list[dict[str, Any]]:
    """The parameters, with defaults, that the shipped procedures use."""
    found: list[dict[str, Any]] = []
    for path in sorted((ROOT / "processes").rglob("parameters.json")):
        found += json.loads(path.read_text(encoding="utf-8"))
    return found


def check_files(files: Mapping[str, bytes]) -> list[Problem]:
    """Every problem of a set of files that are to be published together."""
    return releases.check_files(files, operations=operations())


def publish_to_area(slug: str, files: Mapping[str, bytes], *, by: int | None) -> Release:
    """Publish files as the area's next release, from the command line: nobody who is signed in has done it, so ``by`` may be None.

    :raises UnknownAgency: no such area. :raises ReleaseRefused: with every problem; nothing is published.
    """
    area = db.session.execute(select(Area).where(Area.slug == slug)).scalar_one_or_none()
    if area is None:
        raise UnknownAgency(f"There is no area named {slug}.", resource_id=slug)
    release = publish(area, files, by=by)
    audit.record("release.publish", actor=by, subject=f"release:{release.key}", detail=release.digest)
    return release


def publish(area: Area, files: Mapping[str, bytes], *, by: int | None) -> Release:
    """Publish files in an area; parameters that the shipped procedures need are entered with their defaults."""
    parameters.load_defaults(area.key, _defaults())
    return releases.publish_release(files, area_key=area.key, by=by, allow_undeclared=area.demo)


def _defaults() -> Iterable[Mapping[str, Any]]:
    return shipped_parameters()
