"""What the development provider remembers while the process runs: codes it gave out (used once, a minute) and who is signed in."""

from __future__ import annotations

import secrets
import threading
import time
from dataclasses import dataclass, field

from authlib.oauth2.rfc6749 import AuthorizationCodeMixin

CODE_SECONDS = 60
SESSION_SECONDS = 12 * 3600


@dataclass(frozen=True, slots=True)
class Code(AuthorizationCodeMixin):  # type: ignore[misc]
    """An authorisation code and what it was given for."""

    code: str = field(repr=False)
    client_id: str
    redirect_uri: str
    scope: str
    user_key: int
    auth_time: int
    nonce: str | None
    code_challenge: str | None
    code_challenge_method: str | None
    until: float

    def get_redirect_uri(self) -> str:
        return self.redirect_uri

    def get_scope(self) -> str:
        return self.scope

    def get_nonce(self) -> str | None:
        return self.nonce

    def get_auth_time(self) -> int:
        return self.auth_time

    def get_acr(self) -> str | None:
        return None

    def get_amr(self) -> list[str] | None:
        return None


@dataclass(frozen=True, slots=True)
class BrowserSession:
    """Somebody signed in at the provider, in one browser."""

    user_key: int
    auth_time: int


class Memory:
    """Codes and sessions of one application."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._codes: dict[str, Code] = {}
        self._sessions: dict[str, BrowserSession] = {}

    def keep_code(self, code: Code) -> None:
        with self._lock:
            now = time.time()
            self._codes = {name: kept for name, kept in self._codes.items() if kept.until > now}
            self._codes[code.code] = code

    def take_code(self, code: str, client_id: str) -> Code | None:
        """The code, once: whoever asks first has it, whatever comes of it."""
        with self._lock:
            found = self._codes.pop(code, None)
        return found if found is not None and found.client_id == client_id and found.until > time.time() else None

    def sign_in(self, user_key: int) -> tuple[str, BrowserSession]:
        """A new session, and the id that the browser keeps."""
        session_id = secrets.token_urlsafe(32)
        session = BrowserSession(user_key, int(time.time()))
        with self._lock:
            oldest = time.time() - SESSION_SECONDS
            self._sessions = {name: kept for name, kept in self._sessions.items() if kept.auth_time > oldest}
            self._sessions[session_id] = session
        return session_id, session

    def session(self, session_id: str | None) -> BrowserSession | None:
        with self._lock:
            return self._sessions.get(session_id or "")

    def sign_out(self, session_id: str | None) -> None:
        with self._lock:
            self._sessions.pop(session_id or "", None)
