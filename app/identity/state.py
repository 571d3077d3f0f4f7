"""What identity keeps for one application."""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING

from flask import Flask, current_app

from app.settings import Settings

if TYPE_CHECKING:
    from requests.adapters import BaseAdapter

    from app.identity.provider import Provider
    from app.identity.tokens import Tokens

EXTENSION = "convenor.identity"


@dataclass(frozen=True)
class Parties:
    """The identity provider as Convenor sees it, and the checking of its bearer tokens."""

    provider: Provider
    tokens: Tokens


class Identity:
    """Settings and, once somebody signs in or calls the API, the identity provider and the checking of bearer tokens.

    What they need (Authlib, joserfc, requests) is large, and a start should not wait for it.
    """

    def __init__(self, app: Flask, settings: Settings, transport: BaseAdapter | None) -> None:
        self.settings = settings
        self._app, self._transport, self._lock = app, transport, Lock()
        self._made: Parties | None = None

    @property
    def provider(self) -> Provider:
        return self._parties.provider

    @property
    def tokens(self) -> Tokens:
        return self._parties.tokens

    @property
    def _parties(self) -> Parties:
        with self._lock:
            if self._made is None:
                from app.identity.in_process import InProcess
                from app.identity.provider import Provider
                from app.identity.tokens import Tokens

                transport = self._transport
                if transport is None and self.settings.development_provider:
                    transport = InProcess(self._app)
                provider = Provider(self._app, self.settings, transport)
                self._made = Parties(provider, Tokens(provider, self.settings))
        return self._made


def identity() -> Identity:
    """Identity of the running application."""
    found: Identity = current_app.extensions[EXTENSION]
    return found
