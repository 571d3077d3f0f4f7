"""Server-side sessions for Flask: the browser holds a random id, the database its digest, and nobody else the content.

A session is read only when something asks for it, in one statement together with the person and their roles. It is written only when it
changed, or once a minute to say that it is in use. Times are wall time.
"""

from __future__ import annotations

import hmac
import logging
import re
import secrets
from collections.abc import Iterator
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

import orjson
from flask import Flask, Request, Response
from flask.sessions import SessionInterface, SessionMixin
from sqlalchemy import bindparam, delete, select, update
from sqlalchemy.exc import SQLAlchemyError

from app.identity.models import RoleGrant, User, WebSession
from app.identity.person import Person
from app.identity.register import CHANGING, HELD_NOW, person_from_rows
from app.settings import Settings
from app.store.clock import wall_now
from app.store.database import db, new_key, reading, short_write
from app.store.outage import outage
from app.store.vault import VaultError, seal, unseal

log = logging.getLogger(__name__)

TOUCH_EVERY = timedelta(minutes=1)
BEFORE_SIGN_IN = timedelta(minutes=15)
_TOKEN = re.compile(r"^[A-Za-z0-9_-]{43}$")


# Built once: it is asked at every request. Of the tables, not of their classes: nobody needs objects, and SQLAlchemy makes none.
_session, _user, _grant = WebSession.__table__, User.__table__, RoleGrant.__table__
_SESSION = (
    select(
        _session.c.key.label("session_key"),
        _session.c.user_key,
        _session.c.last_seen_at,
        _session.c.expires_at,
        _session.c.auth_time,
        _session.c.sealed,
        _user.c.key,
        _user.c.username,
        _user.c.name,
        _user.c.agency_key,
        _user.c.area_key,
        _user.c.active,
        _grant.c.key.label("role_key"),
        _grant.c.role,
        _grant.c.agency_key.label("role_agency"),
        _grant.c.area_key.label("role_area"),
        CHANGING.label("changing"),
    )
    .select_from(_session)
    .outerjoin(_user, _user.c.key == _session.c.user_key)
    .outerjoin(_grant, (_grant.c.user_key == _user.c.key) & HELD_NOW)
    .where(_session.c.id_hash == bindparam("id_hash"))
)


def cookie_name(settings: Settings) -> str:
    """``__Host-`` binds the cookie to this host and to https; a demo on loopback has no https."""
    return "__Host-convenor" if settings.base_url.startswith("https://") else "convenor"


def hash_of(token: str) -> str:
    """What the database knows of a session id."""
    return sha256(token.encode()).hexdigest()


def _seal_key(token: str) -> bytes:
    return hmac.new(token.encode(), b"convenor session content", sha256).digest()


class ServerSession(SessionMixin):
    """One browser's session. Reads like a dictionary; loads itself on first use."""

    accessed = False

    def __init__(self, token: str | None, settings: Settings) -> None:
        self._token = token if token and _TOKEN.match(token) else None
        self._settings = settings
        self._loaded = False
        self._key: int | None = None
        self._data: dict[str, Any] = {}
        self._person: Person | None = None
        self._last_seen: datetime | None = None
        self.modified = False
        self.fresh_cookie = False
        self.drop_cookie = False
        self._idle = False

    # The dictionary.

    def __getitem__(self, key: str) -> Any:
        return self._content()[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self._content()[key] = value
        self.modified = True

    def __delitem__(self, key: str) -> None:
        del self._content()[key]
        self.modified = True

    def __iter__(self) -> Iterator[str]:
        return iter(self._content())

    def __len__(self) -> int:
        return len(self._content())

    # Who and for how long.

    @property
    def person(self) -> Person | None:
        """The person signed in, with the roles held now; None when nobody is."""
        self._load()
        return self._person

    @property
    def token(self) -> str | None:
        """The random id that the browser holds."""
        return self._token

    @property
    def ended_idle(self) -> bool:
        """The browser's session was not used for too long: the person proves again who they are, whatever the provider thinks."""
        self._load()
        return self._idle

    def start(self, user_key: int, auth_time: datetime, **content: Any) -> None:
        """Begin a signed-in session under a new id, and end the one before it, within the caller's transaction.

        :raises LookupError: the session before it is gone already: another answer to the same sign-in was first.
        """
        self._load()
        if self._token is not None:
            gone = db.session.execute(delete(WebSession).where(WebSession.id_hash == hash_of(self._token)))
            if not gone.rowcount:  # type: ignore[attr-defined]
                raise LookupError
        now = wall_now()
        self._token, self._data, self._key = secrets.token_urlsafe(32), dict(content), new_key()
        db.session.add(
            WebSession(
                key=self._key,
                id_hash=hash_of(self._token),
                user_key=user_key,
                created_at=now,
                last_seen_at=now,
                expires_at=now + timedelta(hours=self._settings.session_hours),
                auth_time=auth_time,
                sealed=self._sealed(),
            )
        )
        db.session.flush()
        self._person, self._last_seen, self.modified = None, now, False
        self.fresh_cookie, self.drop_cookie = True, False

    def end(self) -> None:
        """End the session at once, within the caller's transaction."""
        if self._token is not None:
            db.session.execute(delete(WebSession).where(WebSession.id_hash == hash_of(self._token)))
        self._token, self._key, self._data, self._person = None, None, {}, None
        self._loaded, self.modified = True, False
        self.fresh_cookie, self.drop_cookie = False, True

    # Storage.

    def _content(self) -> dict[str, Any]:
        self.accessed = True
        self._load()
        return self._data

    def _load(self) -> None:
        if self._loaded:
            return
        self.accessed = True
        if self._token is None:
            self._loaded = True
            return
        now = wall_now()
        rows = db.session.execute(_SESSION, {"id_hash": hash_of(self._token)}).all()
        self._loaded = True  # not before: what could not be read is not written over
        first = rows[0] if rows else None
        if first is None or first.expires_at <= now or (first.user_key is not None and not first.active):
            self._token, self.drop_cookie = None, True
            return
        if first.last_seen_at + timedelta(minutes=self._settings.session_idle_minutes) <= now:
            self._token, self._idle = None, first.user_key is not None
            return
        self._key, self._last_seen = first.session_key, first.last_seen_at
        if first.sealed:
            try:
                self._data = orjson.loads(unseal(_seal_key(self._token), first.sealed, "web-session"))
            except (VaultError, orjson.JSONDecodeError):
                self._token, self.drop_cookie = None, True
                return
        if first.user_key is not None:
            self._person = person_from_rows(
                rows, auth_time=first.auth_time, session_key=first.session_key, changing=first.changing
            )

    def _sealed(self) -> bytes | None:
        if not self._data or self._token is None:
            return None
        return seal(_seal_key(self._token), orjson.dumps(self._data), "web-session")

    def save(self) -> None:
        """Write what changed, in a small transaction of its own. A session ended meanwhile elsewhere is not brought back."""
        if not self._loaded:
            return
        now = wall_now()
        if self.modified and self._token is None:
            if not self._data:
                return
            self._token, self.fresh_cookie, self.drop_cookie = secrets.token_urlsafe(32), True, False
            with short_write():
                db.session.add(
                    WebSession(
                        id_hash=hash_of(self._token),
                        created_at=now,
                        last_seen_at=now,
                        expires_at=now + BEFORE_SIGN_IN,
                        sealed=self._sealed(),
                    )
                )
        elif self._token is not None and (self.modified or self._stale(now)):
            values: dict[str, Any] = {"last_seen_at": now}
            if self.modified:
                values["sealed"] = self._sealed()
            with short_write():
                db.session.execute(
                    update(WebSession).where(WebSession.id_hash == hash_of(self._token)).values(**values),
                    execution_options={"synchronize_session": False},
                )

    def _stale(self, now: datetime) -> bool:
        return self._last_seen is not None and now - self._last_seen >= TOUCH_EVERY


class ServerSessions(SessionInterface):
    """Flask's door to :class:`ServerSession`."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._cookie = cookie_name(settings)
        self._secure = settings.base_url.startswith("https://")

    def open_session(self, app: Flask, request: Request) -> ServerSession:
        return ServerSession(request.cookies.get(self._cookie), self._settings)

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        if not isinstance(session, ServerSession):
            return
        _save(session)
        if session.accessed:
            response.vary.add("Cookie")
        if session.fresh_cookie and session.token:
            response.set_cookie(
                self._cookie, session.token, path="/", secure=self._secure, httponly=True, samesite="Lax"
            )
        elif session.drop_cookie:
            response.delete_cookie(self._cookie, path="/", secure=self._secure, httponly=True, samesite="Lax")


def _save(session: ServerSession) -> None:
    """The answer stands: what was asked is done or refused by now, and that the session could not be written changes nothing of it."""
    try:
        session.save()
    except SQLAlchemyError as error:
        if outage(error) is None:
            raise
        session.fresh_cookie = False
        log.warning("a session was not written", extra={"error": type(error).__name__})


def sweep() -> int:
    """Delete the rows of sessions whose absolute time is up, in a transaction of its own; how many. They were refused before."""
    ended = WebSession.expires_at <= wall_now()
    with reading():
        found = db.session.execute(select(WebSession.key).where(ended).limit(1)).first()
        db.session.rollback()
    if found is None:
        return 0
    with short_write():
        gone = db.session.execute(delete(WebSession).where(ended))
    return int(gone.rowcount)  # type: ignore[attr-defined]
