"""One-time signature links: they let somebody without an account sign the attendance sheet, and nothing else."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from app.cases.dossiers import seal_for, unseal_for
from app.meetings.attendance import find as find_attendee
from app.meetings.errors import LinkRefused
from app.meetings.models import Attendee, SignLink
from app.store.clock import wall_now
from app.store.database import db, new_key

LIFETIME = timedelta(hours=24)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def make(attendee_key: int, *, by: int, address: str = "") -> tuple[SignLink, str]:
    """A fresh link for an attendee and its secret, which is shown once; earlier links of theirs stop working."""
    attendee = find_attendee(attendee_key)
    now = wall_now()
    for earlier in db.session.execute(select(SignLink).where(SignLink.attendee_key == attendee_key)).scalars():
        if earlier.used_at is None:
            earlier.expires_at = min(earlier.expires_at, now)
    token = secrets.token_urlsafe(32)
    row = SignLink(
        key=new_key(),
        attendee_key=attendee_key,
        token_hash=_hash(token),
        created_by=by,
        created_at=now,
        expires_at=now + LIFETIME,
    )
    if address:
        row.sealed_address = seal_for(attendee.meeting_key, {"to": address, "secret": token}, f"sign-link:{row.key}")
    db.session.add(row)
    return row, token


def attendee_of(token: str) -> tuple[SignLink, Attendee]:
    """Whom a link is for.

    :raises LinkRefused: used, run out, or unknown; the same answer for all three.
    """
    row = db.session.execute(select(SignLink).where(SignLink.token_hash == _hash(token))).scalar_one_or_none()
    if row is None or row.used_at is not None or row.expires_at <= wall_now():
        raise LinkRefused("This link has been used or has run out. Ask the co-ordinator for a new one.")
    return row, find_attendee(row.attendee_key)


def use(link: SignLink) -> None:
    """The link has done its work."""
    link.used_at = wall_now()
    link.sealed_address = None


def delivery_of(link_key: int) -> tuple[str, str] | None:
    """Where a link is to be sent and its secret, while it waits to be used; None once it has been, or was never to be sent."""
    link = db.session.get(SignLink, link_key)
    if link is None or link.sealed_address is None or link.used_at is not None or link.expires_at <= wall_now():
        return None
    attendee = find_attendee(link.attendee_key)
    value: Any = unseal_for(attendee.meeting_key, link.sealed_address, f"sign-link:{link.key}")
    return str(value["to"]), str(value["secret"])
