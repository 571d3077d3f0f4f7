"""Settings, read once from the environment (prefix ``CONVENOR_``). An unset ``CONVENOR_ENV`` is production."""

from __future__ import annotations

import base64
import binascii
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import date
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Any, get_type_hints

from app.errors import ConvenorError

PREFIX = "CONVENOR_"
NEEDED_IN_PRODUCTION = (
    "secret_key",
    "master_keys",
    "index_key",
    "audit_key",
    "base_url",
    "oidc_issuer",
    "oidc_client_secret",
)
_SINGLE_KEYS = ("index_key", "audit_key")
_NEVER_EMPTY = ("oidc_client_id", "oidc_scope", "oidc_username_claim", "oidc_agency_claim")
_SECRET_LENGTH = 32
_LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
_RANGE = "range"
_YES, _NO = frozenset(("1", "true", "yes", "on")), frozenset(("0", "false", "no", "off"))


class SettingsError(ConvenorError):
    """A setting is missing or wrong; the message is one sentence that names it."""

    title = "Wrong setting"


class Env(StrEnum):
    PRODUCTION = "production"
    DEMO = "demo"
    TEST = "test"


KeyRing = dict[int, bytes]


def parse_key_ring(text: str) -> KeyRing:
    """``1:BASE64,2:BASE64`` to {version: 32 bytes}.

    :raises ValueError: a key is not 32 bytes of base64, or a version is not 1 to 255 or is there twice.
    """
    ring: KeyRing = {}
    for part in filter(None, (p.strip() for p in text.split(","))):
        version, _, encoded = part.partition(":")
        try:
            key = base64.b64decode(encoded, validate=True)
        except (binascii.Error, ValueError):
            key = b""
        if not version.isdigit() or not 1 <= int(version) <= 255 or len(key) != 32:
            raise ValueError("must be a list like 1:KEY,2:KEY, each KEY 32 bytes in base64")
        if int(version) in ring:
            raise ValueError("must give each key a version of its own")
        ring[int(version)] = key
    return ring


@lru_cache(maxsize=8)
def parse_outside_workers(text: str) -> Mapping[str, tuple[str, ...]]:
    """``scales-1=outside:scales,outside:weigh;cad=outside:cad-*`` to {account: types of work}.

    :raises ValueError: it is not of this form, or an account is named twice.
    """
    found: dict[str, tuple[str, ...]] = {}
    for part in filter(None, (p.strip() for p in text.split(";"))):
        name, _, listed = part.partition("=")
        account, types = name.strip(), tuple(each.strip() for each in listed.split(","))
        if not account or account in found or any(not each or "*" in each[:-1] for each in types):
            raise ValueError("must be a list like NAME=TYPE,TYPE;NAME=TYPE, each account once; a TYPE may end in *")
        found[account] = types
    return found


@lru_cache(maxsize=8)
def parse_bank_holidays(text: str) -> Mapping[date, bool]:
    """``2027-06-07,-2027-05-31`` to {day: whether it is a bank holiday}.

    :raises ValueError: it is not of this form, or a day is named twice.
    """
    found: dict[date, bool] = {}
    for part in filter(None, (p.strip() for p in text.split(","))):
        if not re.fullmatch(r"-?\d{4}-\d\d-\d\d", part, re.ASCII) or (day := date.fromisoformat(part[-10:])) in found:
            raise ValueError("must be a list like 2027-06-07,-2027-05-31, each day once")
        found[day] = not part.startswith("-")
    return found


def _within(least: int, most: int, usual: int) -> int:
    """A whole number of a range."""
    found: int = field(default=usual, metadata={_RANGE: (least, most)})
    return found


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Everything an operator can set. `docs/operators/settings.md` lists the same names.

    :raises SettingsError: one sentence that names the first wrong setting.
    """

    env: Env = Env.PRODUCTION
    data: Path = Path("var")
    database_url: str = ""
    base_url: str = ""
    bind: str = "127.0.0.1"
    port: int = _within(0, 65535, 8000)
    secret_key: str = ""
    master_keys: str = ""
    index_key: str = ""
    audit_key: str = ""
    oidc_issuer: str = ""
    oidc_client_id: str = "convenor"
    oidc_client_secret: str = ""
    oidc_scope: str = "openid profile email"
    oidc_username_claim: str = "preferred_username"
    oidc_roles_claim: str = ""
    oidc_agency_claim: str = "agency"
    oidc_api_audience: str = ""
    smtp_url: str = ""
    mail_from: str = "convenor@localhost"
    session_idle_minutes: int = _within(1, 720, 30)
    session_hours: int = _within(1, 24, 12)
    fresh_authentication_minutes: int = _within(1, 60, 5)
    embedded_worker: bool = True
    lease_seconds: int = _within(2, 600, 10)
    history_days: int = _within(1, 3650, 90)
    keys_lost: bool = False
    metrics_token: str = ""
    outside_workers: str = ""
    bank_holidays: str = ""
    upload_limit_mb: int = _within(1, 100, 10)
    log_level: str = "INFO"

    def __post_init__(self) -> None:
        for each in fields(self):
            least, most = each.metadata.get(_RANGE, (None, None))
            if least is not None and not least <= getattr(self, each.name) <= most:
                raise _wrong(each.name, f"must be a whole number from {least} to {most}")
        try:
            parse_key_ring(self.master_keys)
        except ValueError as error:
            raise _wrong("master_keys", str(error)) from None
        for name in _SINGLE_KEYS:
            try:
                if getattr(self, name):
                    self.single_key(name)
            except ValueError:
                raise _wrong(name, "must be one key of 32 bytes in base64, without a version") from None
        for name in _NEVER_EMPTY:
            if not getattr(self, name):
                raise _wrong(name, "must not be empty; leave it out for the usual value")
        if self.log_level.upper() not in _LOG_LEVELS:
            raise _wrong("log_level", f"must be one of {', '.join(_LOG_LEVELS)}")
        try:
            parse_outside_workers(self.outside_workers)
        except ValueError as error:
            raise _wrong("outside_workers", str(error)) from None
        try:
            parse_bank_holidays(self.bank_holidays)
        except ValueError:
            raise _wrong("bank_holidays", "must be a list of days like 2027-06-07,-2027-05-31, each once") from None
        self._address()
        if self.env is not Env.PRODUCTION and self.bind not in {"127.0.0.1", "::1", "localhost"}:
            raise _wrong("bind", f"must be a loopback address when CONVENOR_ENV is {self.env}")

    def _address(self) -> None:
        address = self.base_url.rstrip("/")
        if address and not re.fullmatch(r"https?://[^/\s?#@]+", address):
            raise _wrong("base_url", "must be an address like https://convenor.example.gov.uk, without a path")
        if self.env is Env.PRODUCTION:
            for name in NEEDED_IN_PRODUCTION:
                if not getattr(self, name):
                    raise _wrong(name, "must be set")
            if not address.startswith("https://"):
                raise _wrong("base_url", "must start with https:// in production")
            if not self.oidc_issuer.startswith("https://"):
                raise _wrong("oidc_issuer", "must start with https:// in production")
            if len(self.secret_key) < _SECRET_LENGTH:
                raise _wrong("secret_key", f"must be at least {_SECRET_LENGTH} characters long in production")
        object.__setattr__(self, "base_url", address or f"http://127.0.0.1:{self.port}")

    @property
    def sqlalchemy_url(self) -> str:
        """The database address in SQLAlchemy's form; SQLite under the data folder when none is set."""
        url = self.database_url or f"sqlite:///{(self.data / 'convenor.sqlite3').resolve()}"
        return re.sub(r"^postgres(ql)?://", "postgresql+psycopg://", url)

    @property
    def development_provider(self) -> bool:
        """The development identity provider runs only in the demo (and its tests), on loopback."""
        return self.env is not Env.PRODUCTION and not self.oidc_issuer

    @property
    def issuer(self) -> str:
        """The identity provider that is trusted: the configured one, or the development provider inside Convenor."""
        return self.oidc_issuer or self.base_url

    @property
    def api_audience(self) -> str:
        """The `aud` that an API token must carry; never the client id, so that an ID token is no API token."""
        return self.oidc_api_audience or f"{self.base_url}/v2"

    @property
    def master_key_ring(self) -> KeyRing:
        return parse_key_ring(self.master_keys)

    def job_types_of(self, username: str) -> tuple[str, ...]:
        """The types of work that the account of a worker outside is given; one may end in ``*``. None unless named."""
        return parse_outside_workers(self.outside_workers).get(username, ())

    @property
    def proclaimed_days(self) -> Mapping[date, bool]:
        """Bank holidays that were proclaimed (True) or moved away (False) since this version was made."""
        return parse_bank_holidays(self.bank_holidays)

    def single_key(self, name: str) -> bytes:
        """The 32 bytes of ``index_key`` or ``audit_key``."""
        return parse_key_ring(f"1:{getattr(self, name)}")[1]


def _wrong(name: str, what: str) -> SettingsError:
    return SettingsError(f"{PREFIX}{name.upper()} {what}.", resource_id=name.upper())


def _read(name: str, kind: type, given: object) -> Any:
    """A setting as its type, from the text of the environment."""
    if isinstance(given, kind) or not isinstance(given, str):
        return given
    text = given.strip()
    if kind is bool:
        if text.lower() not in _YES | _NO:
            raise _wrong(name, "must be true or false")
        return text.lower() in _YES
    if kind is int:
        if not re.fullmatch(r"-?[0-9]{1,9}", text):
            raise _wrong(name, "must be a whole number")
        return int(text)
    if kind is Env:
        if text not in set(Env):
            raise _wrong(name, f"must be one of {', '.join(Env)}")
        return Env(text)
    return kind(given)


def unknown_names() -> list[str]:
    """What the environment sets that is no setting of ours: mistyped, or of an earlier version."""
    known = {PREFIX + each.name.upper() for each in fields(Settings)} | {PREFIX + "FAULT"}
    return sorted(name for name in os.environ if name.startswith(PREFIX) and name not in known)


def load_settings(**overrides: object) -> Settings:
    """Read the settings.

    :raises SettingsError: one sentence that names the first wrong setting.
    """
    kinds = get_type_hints(Settings)
    given = {name: text.strip() for name in kinds if (text := os.environ.get(PREFIX + name.upper())) is not None}
    return Settings(**{name: _read(name, kinds[name], value) for name, value in {**given, **overrides}.items()})
