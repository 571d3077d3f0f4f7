"""Writing entries: what is done, within the transaction that does it; what is seen, once per page after the page is drawn."""

from __future__ import annotations

from typing import Any

from flask import Flask, Response, g, request
from sqlalchemy import insert

from app.audit.chain import digest
from app.audit.models import AuditEntry
from app.audit.state import state
from app.identity.person import Person
from app.store.clock import business_now, wall_now
from app.store.database import db, new_key, short_write
from app.tracing import request_id

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


def record(
    action: str,
    *,
    actor: Person | int | None = None,
    role: str | None = None,
    subject: str | None = None,
    case_key: int | None = None,
    meeting_key: int | None = None,
    instance_key: int | None = None,
    detail: str | None = None,
) -> AuditEntry:
    """Write an entry within the caller's transaction: it commits with what was done, or not at all. It waits for nothing.

    :param action: what was done, for instance ``work.complete``.
    :param actor: who did it: a person, a user's key, or None for the system itself.
    :param role: in which role; every role held when None and the actor is a person.
    :param subject: the reference of what it was done to, for instance ``item:123``; never a name or other content.
    :param detail: content that the entry must prove without telling it (a reason, an answer): only its keyed digest is kept.
    """
    entry = AuditEntry(
        **_values(action, actor, role, subject, case_key, meeting_key, instance_key),
        digest=digest(state().keys, detail) if detail is not None else None,
    )
    db.session.add(entry)
    return entry


def view(
    person: Person,
    what: str,
    *,
    subject: str | None = None,
    case_key: int | None = None,
    meeting_key: int | None = None,
    role: str | None = None,
) -> None:
    """Note that the page being drawn shows content. Written once per page when the response is ready, and before it is sent.

    :param what: what is shown, for instance ``case`` or ``task``.
    """
    seen: dict[tuple[Any, ...], dict[str, Any]] = g.setdefault("convenor_views", {})
    same = (person.key, what, subject, case_key, meeting_key)
    if same not in seen:
        seen[same] = _values(f"view.{what}", person, role, subject, case_key, meeting_key, None)


def flush_views() -> None:
    """Write the views noted for this request.

    A page that only reads gets a small transaction of its own. A request that writes takes the entries along in its transaction,
    unless it was rolled back: what was refused may still have shown something.
    """
    seen: dict[tuple[Any, ...], dict[str, Any]] = g.pop("convenor_views", {})
    if not seen:
        return
    if request.method in _SAFE or g.get("rolled_back", False):
        with short_write():
            db.session.execute(insert(AuditEntry), list(seen.values()))
    else:
        db.session.add_all([AuditEntry(**values) for values in seen.values()])


def init_app(app: Flask) -> None:
    """Write the views of every request. If that fails the page is not sent: nobody sees what is not recorded."""

    @app.after_request
    def _write_views(response: Response) -> Response:
        flush_views()
        return response


def _values(
    action: str,
    actor: Person | int | None,
    role: str | None,
    subject: str | None,
    case_key: int | None,
    meeting_key: int | None,
    instance_key: int | None,
) -> dict[str, Any]:
    person = actor if isinstance(actor, Person) else None
    if role is None and person is not None:
        role = " ".join(sorted(person.role_slugs))[:200] or None
    return {
        "key": new_key(),
        "business_at": business_now(),
        "wall_at": wall_now(),
        "actor": person.key if person is not None else actor,
        "role": role,
        "client": person.client if person is not None else None,
        "action": action,
        "case_key": case_key,
        "meeting_key": meeting_key,
        "instance_key": instance_key,
        "subject": subject,
        "request_id": request_id(),
    }
