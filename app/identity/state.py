"""What identity keeps for one application."""

from __future__ import annotations

from dataclasses import dataclass

from flask import current_app

from app.identity.provider import Provider
from app.identity.tokens import Tokens
from app.settings import Settings

EXTENSION = "convenor.identity"


@dataclass(frozen=True, slots=True)
class Identity:
    """Settings, the identity provider as Convenor sees it, and the checking of bearer tokens."""

    settings: Settings
    provider: Provider
    tokens: Tokens


def identity() -> Identity:
    """Identity of the running application."""
    found: Identity = current_app.extensions[EXTENSION]
    return found
