"""What the audit keeps for one application: its derived keys and where signed heads are exported to."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask import Flask, current_app

from app.audit.chain import Keys, signed_by
from app.settings import Settings

_EXTENSION = "convenor.audit"


@dataclass(frozen=True, slots=True)
class AuditState:
    """Keys and the folder of exported heads."""

    keys: Keys
    heads: Path


def install(app: Flask, settings: Settings) -> None:
    """Derive the keys for an application."""
    keys = Keys.derive(settings.single_key("audit_key"))
    app.extensions[_EXTENSION] = AuditState(keys, settings.data / "audit-heads")


def bears_our_signature(seal: Any) -> bool:
    """Whether a stored seal was made under the application's own key."""
    return signed_by(state().keys, seal)


def state() -> AuditState:
    """The audit state of the running application."""
    found: AuditState = current_app.extensions[_EXTENSION]
    return found
