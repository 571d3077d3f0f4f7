"""The ledger of sent notices, kept outside the database and its backups: a restored system reads it, and sends nothing twice.

A line holds keys and codes; no address, no case number and nothing of a case. There is a file for each month.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select, update

from app.notices.models import Notice, NoticeState
from app.notices.service import job_key
from app.store.appending import append
from app.store.database import db
from app.store.jobs import cancel

log = logging.getLogger("convenor.notices")
_PART = 500


def note_sent(folder: Path, notice: Notice, at: datetime) -> None:
    """Add a notice that has just gone out. A ledger that cannot be written is logged: the mail has left and must not leave again."""
    line = {
        "notice": str(notice.key),
        "area": str(notice.area_key),
        "template": notice.template,
        "dedupe": notice.dedupe_key,
        "user": str(notice.recipient_key) if notice.recipient_key else None,
        "ref": notice.recipient_ref,
        "at": at.isoformat(),
    }
    try:
        append(folder / f"sent-{at:%Y-%m}.jsonl", [json.dumps(line)])
    except OSError as error:
        log.error("the ledger of sent notices cannot be written", extra={"error": type(error).__name__})


def sent_before(folder: Path, notice_key: int) -> datetime | None:
    """When a notice went out that the database does not know to be sent: whoever sent it has died since. None when it has not."""
    wanted = f'"notice": "{notice_key}"'.encode()
    for file in sorted(folder.glob("sent-*.jsonl"))[-2:] if folder.is_dir() else []:
        content = file.read_bytes()
        if (place := content.find(wanted)) >= 0 and (end := content.find(b"\n", place)) >= 0:
            return datetime.fromisoformat(json.loads(content[content.rfind(b"\n", 0, place) + 1 : end])["at"])
    return None


def replay_sent(folder: Path, since: datetime | None = None) -> int:
    """Mark what the ledger lists and a restored database still means to send, in the caller's transaction; how many notices that were.

    :param since: when the backup was made. A notice written only after it is put back as sent, when it is one that must not be written
        twice: the timer that asked for it fires again. None: nothing is put back.
    """
    waiting = select(Notice.key).where(Notice.state == NoticeState.QUEUED).limit(1)
    if since is None and db.session.execute(waiting).first() is None:
        return 0
    known = 0
    for part in _parts(folder):
        found = {
            key: state
            for key, state in db.session.execute(
                select(Notice.key, Notice.state).where(Notice.key.in_([int(line["notice"]) for line in part]))
            )
        }
        named = [line["dedupe"] for line in part if line["dedupe"]]
        taken = set(db.session.execute(select(Notice.dedupe_key).where(Notice.dedupe_key.in_(named))).scalars())
        for line in part:
            key = int(line["notice"])
            if found.get(key) == NoticeState.QUEUED:
                _mark(key, line)
                known += 1
            elif since is None or key in found or datetime.fromisoformat(line["at"]) < since:
                continue
            elif line["dedupe"] and line["dedupe"] not in taken:
                taken.add(line["dedupe"])
                db.session.add(_stub(key, line))
        db.session.flush()
    return known


def _mark(key: int, line: dict[str, Any]) -> None:
    at = datetime.fromisoformat(line["at"])
    db.session.execute(update(Notice).where(Notice.key == key).values(state=NoticeState.SENT, sent_at=at))
    cancel(job_key(key))


def _stub(key: int, line: dict[str, Any]) -> Notice:
    at = datetime.fromisoformat(line["at"])
    return Notice(
        key=key,
        area_key=int(line["area"]),
        recipient_key=int(line["user"]) if line["user"] else None,
        recipient_ref=line["ref"],
        template=line["template"],
        reference="-",
        params={},
        path="/work",
        state=NoticeState.SENT,
        dedupe_key=line["dedupe"],
        created_at=at,
        sent_at=at,
    )


def _parts(folder: Path) -> Iterator[list[dict[str, Any]]]:
    """The lines of every month, some hundreds at a time. A line that a power cut left half written is passed over."""
    part: list[dict[str, Any]] = []
    for file in sorted(folder.glob("sent-*.jsonl")) if folder.is_dir() else []:
        with file.open(encoding="utf-8") as lines:
            for line in lines:
                try:
                    part.append(json.loads(line))
                except json.JSONDecodeError:
                    continue
                if len(part) == _PART:
                    yield part
                    part = []
    if part:
        yield part
