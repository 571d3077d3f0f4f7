"""Asking for notices, counting and mending those that failed."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime

from sqlalchemy import delete, func, select

from app.errors import Invalid
from app.notices.catalogue import Template
from app.notices.models import Notice, NoticeState
from app.store.clock import wall_now
from app.store.database import db, new_key
from app.store.flushing import unwritten
from app.store.jobs import arm, cancel, enqueue
from app.store.remembering import tell, told

JOB_KIND = "notice.send"
SECRET = "{secret}"  # noqa: S105 - a marker, no password

# With the back-off of the job table (30 minutes at most, less a tenth) 200 attempts last at least three and a half days.
MAX_ATTEMPTS = 200

_PATH = re.compile(r"^/[A-Za-z0-9/_.~#-]*$")
_LINE = re.compile(r"^[^\r\n@<>]{1,160}$")


def send(
    template: Template | str,
    recipients: Iterable[int] = (),
    *,
    refs: Iterable[str] = (),
    reference: str,
    what: str | None = None,
    due: datetime | None,
    path: str,
    dedupe: str | None = None,
    fresh: bool = False,
    area_key: int,
) -> list[Notice]:
    """Write a notice for each recipient, and the job that sends it, in the caller's transaction.

    :param recipients: keys of users; somebody named twice is told once.
    :param refs: references to people without an account; the directory resolves them when the mail is sent.
    :param reference: the case or meeting number.
    :param what: one neutral sentence on what is asked, from a diagram or a constant; never a name or a detail of a case.
    :param due: the instant by which to act (for a meeting: when it starts).
    :param path: where the link leads, without a query; ``{secret}`` in it is filled in at sending from the directory, never stored.
    :param dedupe: the same dedupe for the same recipient sends nothing more.
    :param fresh: the dedupe names something that this transaction has made, so that nothing can have been sent about it before.
    :returns: the notices written now.
    :raises Invalid: an unknown template, a path or sentence that a notice may not carry, a due time without an offset.
    """
    kind = _template(template)
    if not _PATH.match(path.replace(SECRET, "")) or path.startswith("//"):
        raise Invalid("The link of a notice must be a path of this site, without a query.")
    if not _LINE.match(reference) or len(reference) > 60 or (what is not None and not _LINE.match(what)):
        raise Invalid("A notice carries a reference and one plain sentence on one line.")
    if due is not None and due.tzinfo is None:
        raise Invalid("The due time of a notice needs an offset.")
    params = {"what": what, "due": due.astimezone(UTC).isoformat() if due else None}
    people: list[tuple[int | None, str | None]] = [(key, None) for key in dict.fromkeys(recipients)]
    people += [(None, ref) for ref in dict.fromkeys(refs)]
    notices: list[Notice] = []
    taken = (
        set() if fresh else _taken([dedupe_key for key, ref in people if (dedupe_key := _dedupe_key(dedupe, key, ref))])
    )
    for user_key, ref in people:
        dedupe_key = _dedupe_key(dedupe, user_key, ref)
        if dedupe_key in taken:
            continue
        notice = Notice(
            key=new_key(),
            area_key=area_key,
            recipient_key=user_key,
            recipient_ref=ref,
            template=kind,
            reference=reference,
            params=params,
            path=path,
            state=NoticeState.QUEUED,
            dedupe_key=dedupe_key,
            created_at=wall_now(),
        )
        db.session.add(notice)
        if dedupe_key is not None and not fresh:
            _known_of((dedupe_key,))[dedupe_key] = True
        arm(JOB_KIND, _payload(notice), dedupe_key=job_key(notice.key), max_attempts=MAX_ATTEMPTS)
        notices.append(notice)
    return notices


def failed_count() -> int:
    """How many notices could not be sent (for the metrics and the operator's page)."""
    query = select(func.count()).select_from(Notice).where(Notice.state == NoticeState.FAILED)
    return db.session.execute(query).scalar_one()


def waiting_seconds() -> float:
    """How long the oldest notice that has not gone out has waited, in seconds of wall time; 0 when none waits (for the metrics)."""
    oldest = db.session.execute(select(func.min(Notice.created_at)).where(Notice.state == NoticeState.QUEUED)).scalar()
    return max(0.0, (wall_now() - oldest).total_seconds()) if oldest else 0.0


def list_failed(limit: int = 100) -> list[Notice]:
    """The notices that could not be sent, newest first."""
    query = select(Notice).where(Notice.state == NoticeState.FAILED).order_by(Notice.key.desc()).limit(limit)
    return list(db.session.execute(query).scalars())


def requeue_failed(limit: int = 1000) -> int:
    """Try the failed notices again, once the cause is mended. Says how many."""
    notices = list_failed(limit)
    for notice in notices:
        requeue(notice)
    return len(notices)


def requeue(notice: Notice) -> None:
    """Try a failed notice again."""
    notice.state, notice.failure, notice.attempts = NoticeState.QUEUED, None, 0
    enqueue(JOB_KIND, _payload(notice), dedupe_key=job_key(notice.key), max_attempts=MAX_ATTEMPTS)


def leave(notice: Notice) -> None:
    """A failed notice is not to go out any more: whoever it was for has been told another way, or is not there."""
    notice.state = NoticeState.LEFT


def forget(reference: str) -> int:
    """Remove every notice of a case or meeting, sent or not (the case is destroyed). Says how many."""
    keys = list(db.session.execute(select(Notice.key).where(Notice.reference == reference)).scalars())
    for key in keys:
        cancel(job_key(key))
    db.session.execute(delete(Notice).where(Notice.key.in_(keys)))
    tell("sent", (), {})
    return len(keys)


def _template(template: Template | str) -> Template:
    try:
        return Template(template)
    except ValueError:
        raise Invalid("There is no notice of this kind.", resource_id=str(template)) from None


def _dedupe_key(dedupe: str | None, user_key: int | None, ref: str | None) -> str | None:
    return f"{dedupe}:{user_key if ref is None else ref}" if dedupe is not None else None


def _taken(dedupe_keys: list[str]) -> set[str]:
    if not dedupe_keys:
        return set()
    known = _known_of(dedupe_keys)
    return {key for key in dedupe_keys if known[key]}


def expect(wanted: Mapping[str, Iterable[int]]) -> None:
    """Several notices are sent next: whether they have been sent already is asked once for all.

    :param wanted: the recipients by what is given as ``dedupe``.
    """
    _known_of([f"{dedupe}:{user_key}" for dedupe, people in wanted.items() for user_key in people])


def _known_of(dedupe_keys: Collection[str]) -> dict[str, bool]:
    """Whether notices of these keys are in the database, asked once in a transaction that writes none of them otherwise."""
    known: dict[str, bool] = told("sent") or {}
    if missing := [key for key in dedupe_keys if key not in known]:
        with unwritten(Notice) as fresh:
            query = select(Notice.dedupe_key).where(Notice.dedupe_key.in_(missing))
            found = {*db.session.execute(query).scalars(), *(row.dedupe_key for row in fresh)}
        known.update({key: key in found for key in missing})
        tell("sent", (), known)
    return known


def job_key(notice_key: int) -> str:
    """The dedupe key of the job that sends a notice."""
    return f"{JOB_KIND}:{notice_key}"


def _payload(notice: Notice) -> dict[str, str]:
    return {"notice": str(notice.key)}
