"""Liveness, readiness and metrics. Ready is false when the database does not answer or no worker has beaten lately."""

from __future__ import annotations

import hmac

from flask import Blueprint, Response, current_app, request
from sqlalchemy import func, select

from app.store.database import db
from app.store.jobs import Job, JobState, oldest_overdue_seconds
from app.store.worker import alive, alive_count

bp = Blueprint("health", __name__)


@bp.get("/healthz")
def healthz() -> Response:
    """The process answers."""
    return Response("ok\n", mimetype="text/plain")


@bp.get("/readyz")
def readyz() -> Response:
    """The database answers and a worker is alive."""
    try:
        working = alive()
    except Exception:
        return Response("not ready: the database does not answer\n", status=503, mimetype="text/plain")
    if not working:
        return Response("not ready: no worker has been alive lately\n", status=503, mimetype="text/plain")
    return Response("ready\n", mimetype="text/plain")


@bp.get("/metrics")
def metrics() -> Response:
    """Prometheus metrics; behind a token, or on loopback when none is set."""
    token = current_app.config["SETTINGS"].metrics_token
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if token and not hmac.compare_digest(given.encode(), token.encode()):
        return Response("a token is needed\n", status=401, mimetype="text/plain")
    if not token and not _asked_here():
        return Response("set CONVENOR_METRICS_TOKEN\n", status=403, mimetype="text/plain")
    from prometheus_client import CollectorRegistry, Gauge, generate_latest  # only where somebody watches

    from app.runtime.figures import of_outside_jobs

    registry = CollectorRegistry()
    for name, text, value in _figures():
        Gauge(name, text, registry=registry).set(value)
    jobs = Gauge("convenor_outside_jobs", "Jobs of workers outside", ["type", "state"], registry=registry)
    oldest = Gauge(
        "convenor_outside_jobs_waiting_seconds",
        "How long the oldest job that a worker outside could have has waited",
        ["type"],
        registry=registry,
    )
    for type_, figures in of_outside_jobs().items():
        oldest.labels(type_).set(figures.oldest)
        for stand, count in figures.counts.items():
            jobs.labels(type_, stand).set(count)
    return Response(generate_latest(registry), mimetype="text/plain")


def _asked_here() -> bool:
    """Whether both whoever asks and whoever connects are this machine: a header alone proves nothing about where somebody is."""
    connected = request.environ.get("werkzeug.proxy_fix.orig", {}).get("REMOTE_ADDR", request.remote_addr)
    return {request.remote_addr, connected} <= {"127.0.0.1", "::1"}


def _count(query: object) -> float:
    return float(db.session.execute(query).scalar() or 0)  # type: ignore[call-overload]


def _figures() -> list[tuple[str, str, float]]:
    from app import audit, notices
    from app.runtime.kept import held_count
    from app.runtime.lapsing import late_count
    from app.runtime.models import Incident

    jobs = select(func.count()).select_from(Job)
    return [
        (
            "convenor_oldest_overdue_seconds",
            "How long the oldest timer or job has waited for a worker",
            oldest_overdue_seconds(),
        ),
        ("convenor_workers_alive", "Workers that have been alive lately", float(alive_count())),
        ("convenor_jobs_queued", "Jobs waiting, timers included", _count(jobs.where(Job.state == JobState.QUEUED))),
        ("convenor_jobs_failed", "Jobs that failed for good", _count(jobs.where(Job.state == JobState.FAILED))),
        (
            "convenor_incidents_open",
            "Incidents that wait for a person",
            _count(select(func.count()).select_from(Incident).where(Incident.state == "ACTIVE")),
        ),
        ("convenor_messages_held", "Messages that wait for the end of an instance of their key", float(held_count())),
        ("convenor_messages_late", "Messages kept past their time for instances that had stopped", float(late_count())),
        ("convenor_notices_waiting_seconds", "Age of the oldest notice not sent yet", notices.waiting_seconds()),
        ("convenor_notices_failed", "Notices that could not be sent", float(notices.failed_count())),
        ("convenor_audit_seal_lag_seconds", "Age of the oldest unsealed audit entry", audit.seal_lag_seconds()),
    ]
