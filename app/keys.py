"""Keys of a demo or test installation: made on first start, kept beside the data. Production keys come from the environment."""

from __future__ import annotations

import base64
import json
import os
import secrets
from dataclasses import replace
from pathlib import Path
from typing import Any

from app.settings import Env, Settings, SettingsError

NAMES = ("secret_key", "master_keys", "index_key", "audit_key", "oidc_client_secret")


def complete(settings: Settings) -> Settings:
    """Settings with every key present.

    :raises SettingsError: production without a key.
    """
    missing = [name for name in NAMES if not getattr(settings, name)]
    if not missing:
        return settings
    if settings.env is Env.PRODUCTION:
        raise SettingsError(f"CONVENOR_{missing[0].upper()} must be set.", resource_id=missing[0])
    found: dict[str, Any] = {name: value for name, value in _kept(settings.data).items() if name in missing}
    return replace(settings, **found)


def _kept(folder: Path) -> dict[str, str]:
    path = folder / "demo-keys.json"
    if path.exists():
        kept: dict[str, str] = json.loads(path.read_text())
        return kept
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    made = {
        "secret_key": secrets.token_urlsafe(48),
        "master_keys": f"1:{fresh_key()}",
        "index_key": fresh_key(),
        "audit_key": fresh_key(),
        "oidc_client_secret": secrets.token_urlsafe(32),
    }
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        json.dump(made, file, indent=1)
    return made


def fresh_key() -> str:
    """32 random bytes in base64."""
    return base64.b64encode(secrets.token_bytes(32)).decode()
