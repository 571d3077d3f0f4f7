"""Work for workers outside, counted."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

from marshmallow import Schema, fields
from sqlalchemy import ColumnElement, case, func, or_, select

from app.api import listing
from app.api.attributes import Attribute, Kind, condition
from app.api.blueprints import Blueprint, caller
from app.api.errors import SearchRefused
from app.api.jobs import known_to
from app.api.listing import Listed
from app.api.moments import moment
from app.api.schemas import PageTold, SearchQuery
from app.runtime.job_models import OutsideJob, OutsideJobState
from app.store.database import db

blueprint = Blueprint("job-statistics", "Work for workers outside, counted")

MOST_BUCKETS = 1_000
_RESOLUTIONS = tuple(timedelta(minutes=each) for each in (1, 5, 15, 60, 240, 1_440, 10_080))
_DURATION = re.compile(r"P(?=\d|T\d)(?:(\d{1,4})D)?(?:T(?:(\d{1,5})H)?(?:(\d{1,6})M)?(?:(\d{1,7})S)?)?")
_SPAN = {"from": Attribute(OutsideJob.created_at.expression, Kind.MOMENT)}
_ASKED = {
    "jobType": Attribute(OutsideJob.type.expression),
    "errorCode": Attribute(OutsideJob.error_code.expression),
    "errorMessage": Attribute(OutsideJob.error_message.expression),
}
# A job counts as created, and as what became of it last.
_STATES = (
    ("created", None),
    ("completed", (OutsideJobState.COMPLETED,)),
    ("failed", (OutsideJobState.FAILED, OutsideJobState.ERROR_THROWN)),
)


class StatusMetric(Schema):
    count = fields.Integer(required=True)
    lastUpdatedAt = moment(nullable=True)


class _Metrics(Schema):
    created = fields.Nested(StatusMetric, required=True)
    completed = fields.Nested(StatusMetric, required=True)
    failed = fields.Nested(StatusMetric, required=True)


class JobsInAll(_Metrics):
    isIncomplete = fields.Boolean(required=True)


class JobsOfType(_Metrics):
    jobType = fields.String(required=True)
    workers = fields.Integer(required=True)


class JobsOfWorker(_Metrics):
    worker = fields.String(required=True)


class JobErrors(Schema):
    errorCode = fields.String(required=True)
    errorMessage = fields.String(required=True)
    workers = fields.Integer(required=True)


class JobsAt(_Metrics):
    time = moment()


class JobsOverTime(Schema):
    items = fields.List(fields.Nested(JobsAt), required=True)
    page = fields.Nested(PageTold, required=True)


class JobsByType(Schema):
    items = fields.List(fields.Nested(JobsOfType), required=True)
    page = fields.Nested(PageTold, required=True)


class JobsByWorker(Schema):
    items = fields.List(fields.Nested(JobsOfWorker), required=True)
    page = fields.Nested(PageTold, required=True)


class JobsByError(Schema):
    items = fields.List(fields.Nested(JobErrors), required=True)
    page = fields.Nested(PageTold, required=True)


class Span(Schema):
    """From when to when, and of which type."""

    from_ = fields.String(data_key="from", required=True)
    to = fields.String(required=True)
    jobType = fields.String()


# ------------------------------------------------------------------------------------------------ counting
def _where(wanted: dict[str, Any], *needed: str) -> list[ColumnElement[bool]]:
    """:raises SearchRefused: what is needed is not said, or not understood."""
    for name in ("from", "to", *needed):
        if wanted.get(name) is None:
            raise SearchRefused(f"{name} is needed in the filter.", resource_id=name)
    span = {"from": {"$gte": wanted["from"], "$lt": wanted["to"]}}
    rest = {name: value for name, value in wanted.items() if name not in ("from", "to")}
    return condition(_SPAN, span) + condition(_ASKED, rest)


def _rows(where: list[ColumnElement[bool]], *groups: Any) -> list[Any]:
    """Counts and the last changes by group, of the jobs that the person may know of.

    :raises NotAllowed: jobs are not theirs to see.
    """
    where = [*where, *known_to(caller())]
    columns: list[Any] = []
    for _, states in _STATES:
        holds = OutsideJob.key.is_not(None) if states is None else OutsideJob.state.in_(states)
        columns.append(func.sum(case((holds, 1), else_=0)))
        at = OutsideJob.created_at if states is None else OutsideJob.updated_at
        columns.append(func.max(case((holds, at), else_=None)))
    workers = func.count(func.distinct(func.nullif(OutsideJob.worker, "")))
    query = select(*groups, *columns, workers).where(*where)
    return list(db.session.execute(query.group_by(*groups) if groups else query))


def _metrics(values: Any) -> dict[str, Any]:
    return {
        name: {"count": int(values[2 * place] or 0), "lastUpdatedAt": values[2 * place + 1]}
        for place, (name, _) in enumerate(_STATES)
    }


def _answer(items: list[dict[str, Any]], asked: dict[str, Any], *order: str) -> dict[str, Any]:
    rest = {"page": asked.get("page"), "sort": asked.get("sort")}
    return listing.run(items, Listed.of(dict.fromkeys(order, Kind.TEXT), order), rest)


@blueprint.route("/jobs/statistics/global")
@blueprint.arguments(Span, location="query")
@blueprint.response(200, JobsInAll)
def count_all(asked: dict[str, Any]) -> dict[str, Any]:
    """Get how many jobs were created between two moments, and what became of them."""
    wanted = {"from": asked["from_"], "to": asked["to"]}
    if "jobType" in asked:
        wanted["jobType"] = asked["jobType"]
    [row] = _rows(_where(wanted))
    return {**_metrics(row), "isIncomplete": False}


@blueprint.searching("/jobs/statistics/by-types")
@blueprint.arguments(SearchQuery, required=False)
@blueprint.response(200, JobsByType)
def count_by_type(asked: dict[str, Any]) -> dict[str, Any]:
    """Get the jobs by type."""
    rows = _rows(_where(asked.get("filter") or {}), OutsideJob.type)
    items = [{"jobType": row[0], "workers": row[-1], **_metrics(row[1:])} for row in rows]
    return _answer(items, asked, "jobType")


@blueprint.searching("/jobs/statistics/by-workers")
@blueprint.arguments(SearchQuery)
@blueprint.response(200, JobsByWorker)
def count_by_worker(asked: dict[str, Any]) -> dict[str, Any]:
    """Get the jobs of a type by who had them last."""
    rows = _rows([*_where(asked.get("filter") or {}, "jobType"), OutsideJob.worker != ""], OutsideJob.worker)
    return _answer([{"worker": row[0], **_metrics(row[1:])} for row in rows], asked, "worker")


@blueprint.searching("/jobs/statistics/errors")
@blueprint.arguments(SearchQuery)
@blueprint.response(200, JobsByError)
def count_by_error(asked: dict[str, Any]) -> dict[str, Any]:
    """Get the errors that workers of a type met."""
    where = _where(asked.get("filter") or {}, "jobType")
    where.append(func.coalesce(OutsideJob.error_code, OutsideJob.error_message).is_not(None))
    rows = _rows(where, OutsideJob.error_code, OutsideJob.error_message)
    items = [{"errorCode": row[0] or "", "errorMessage": row[1] or "", "workers": row[-1]} for row in rows]
    return _answer(items, asked, "errorCode", "errorMessage")


# ------------------------------------------------------------------------------------------------ over time
@blueprint.searching("/jobs/statistics/time-series")
@blueprint.arguments(SearchQuery)
@blueprint.response(200, JobsOverTime)
def count_over_time(asked: dict[str, Any]) -> dict[str, Any]:
    """Get the jobs of a type over time: how many were created in each span, and for how many it was the last that happened to them.

    Spans in which nothing happened are left out. `resolution` is how long they are (`PT1M` to `P7D`); about two hundred in all unless said.
    """
    wanted = dict(asked.get("filter") or {})
    resolution = wanted.pop("resolution", None)
    _where(wanted, "jobType")  # what is not understood is refused
    start, end = (_SPAN["from"].value(name, wanted.pop(name)) for name in ("from", "to"))
    width = _width(start, end, resolution)
    query = select(OutsideJob.created_at, OutsideJob.updated_at, OutsideJob.state).where(
        *known_to(caller()),
        *condition(_ASKED, wanted),
        or_(OutsideJob.created_at.between(start, end), OutsideJob.updated_at.between(start, end)),
    )
    spans: dict[int, dict[str, Any]] = {}

    def add(name: str, at: datetime) -> None:
        if start <= at < end:
            place = (at - start) // width
            span = spans.setdefault(place, {"time": start + place * width, **_metrics((0, None) * len(_STATES))})
            span[name]["count"] += 1
            span[name]["lastUpdatedAt"] = max(at, span[name]["lastUpdatedAt"] or at)

    for created, updated, state in db.session.execute(query.execution_options(yield_per=1_000)):
        add("created", created)
        for name, states in _STATES:
            if states is not None and state in states:
                add(name, updated)
    found = [spans[place] for place in sorted(spans)]
    rest = {"page": asked.get("page"), "sort": asked.get("sort")}
    return listing.run(found, Listed.of({"time": Kind.MOMENT}, ("time",)), rest)


def _width(start: datetime, end: datetime, resolution: Any) -> timedelta:
    """How long a span is.

    :raises SearchRefused: it is no duration, or there would be too many.
    """
    if end <= start:
        raise SearchRefused("to must be after from.", resource_id="to")
    if resolution is None:
        return next((each for each in _RESOLUTIONS if (end - start) / each <= 200), _RESOLUTIONS[-1])
    found = _DURATION.fullmatch(resolution) if isinstance(resolution, str) else None
    if found is None:
        raise SearchRefused("resolution must be a duration, for instance PT1H.", resource_id="resolution")
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    width = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
    if not timedelta(minutes=1) <= width <= timedelta(days=7) or (end - start) / width > MOST_BUCKETS:
        raise SearchRefused(
            f"resolution must be from PT1M to P7D, with {MOST_BUCKETS} spans at most.", resource_id="resolution"
        )
    return width
