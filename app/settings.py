"""Settings, read once from the environment (prefix ``CONVENOR_``). An unset ``CONVENOR_ENV`` is production."""

from __future__ import annotations

import base64
import binascii
import re
from enum import StrEnum
from pathlib import Path

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from app.errors import ConvenorError


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

    :raises ValueError: a key is not 32 bytes of base64, or a version is not 1 to 255.
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
        ring[int(version)] = key
    return ring


class Settings(BaseSettings):
    """Everything an operator can set. `docs/operators/settings.md` lists the same names."""

    model_config = SettingsConfigDict(env_prefix="CONVENOR_", extra="ignore", validate_assignment=False)

    env: Env = Env.PRODUCTION
    data: Path = Path("var")
    database_url: str = ""
    base_url: str = ""
    bind: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
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
    session_idle_minutes: int = Field(default=30, ge=1, le=720)
    session_hours: int = Field(default=12, ge=1, le=24)
    fresh_authentication_minutes: int = Field(default=5, ge=1, le=60)
    embedded_worker: bool = True
    lease_seconds: int = Field(default=10, ge=2, le=600)
    history_days: int = Field(default=90, ge=1, le=3650)
    metrics_token: str = ""
    upload_limit_mb: int = Field(default=10, ge=1, le=100)
    log_level: str = "INFO"

    @field_validator("master_keys", "index_key", "audit_key")
    @classmethod
    def _keys(cls, value: str) -> str:
        parse_key_ring(value if ":" in value or not value else f"1:{value}")
        return value

    @field_validator("base_url")
    @classmethod
    def _base_url(cls, value: str) -> str:
        if value and not re.match(r"^https?://[^/]+$", value.rstrip("/")):
            raise ValueError("must be an address like https://convenor.example.gov.uk, without a path")
        return value.rstrip("/")

    @model_validator(mode="after")
    def _complete(self) -> Settings:
        if not self.base_url and self.env is not Env.PRODUCTION:
            self.base_url = f"http://127.0.0.1:{self.port}"
        if self.env is Env.PRODUCTION:
            for name in (
                "secret_key",
                "master_keys",
                "index_key",
                "audit_key",
                "base_url",
                "oidc_issuer",
                "oidc_client_secret",
            ):
                if not getattr(self, name):
                    raise ValueError(f"CONVENOR_{name.upper()} must be set")
            if not self.base_url.startswith("https://"):
                raise ValueError("CONVENOR_BASE_URL must start with https:// in production")
        if self.env is not Env.PRODUCTION and self.bind not in {"127.0.0.1", "::1", "localhost"}:
            raise ValueError(f"CONVENOR_BIND must be a loopback address when CONVENOR_ENV is {self.env}")
        return self

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

    def single_key(self, name: str) -> bytes:
        """The 32 bytes of ``index_key`` or ``audit_key``."""
        return parse_key_ring(f"1:{getattr(self, name)}")[1]


def load_settings(**overrides: object) -> Settings:
    """Read the settings.

    :raises SettingsError: one sentence that names the first wrong setting.
    """
    try:
        return Settings(**overrides)  # type: ignore[arg-type]
    except ValidationError as error:
        first = error.errors()[0]
        text = str(first["msg"]).removeprefix("Value error, ")
        name = "_".join(str(part) for part in first["loc"]).upper()
        raise SettingsError(f"CONVENOR_{name}: {text}." if name else f"{text}.", resource_id=name or None) from None
