"""What identity keeps for one application."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from flask import Flask, current_app

from app.settings import Settings

if TYPE_CHECKING:
    from app.identity.provider import Provider
    from app.identity.published import Published
    from app.identity.tokens import Tokens
    from app.identity.transport import Transport

EXTENSION = "convenor.identity"


class Identity:
    """Settings and, each once it is needed: the checking of bearer tokens, and the identity provider for signing in.

    What they need is large. A start should not wait for it, and a process that answers the API alone should not hold what only signing in
    needs (Authlib). Two threads that come first at once may both make one; either will do.
    """

    def __init__(self, app: Flask, settings: Settings, transport: Transport | None) -> None:
        self.settings = settings
        self._app, self._given = app, transport

    @cached_property
    def tokens(self) -> Tokens:
        from app.identity.tokens import Tokens

        return Tokens(self._published, self.settings)

    @cached_property
    def provider(self) -> Provider:
        from app.identity.provider import Provider

        return Provider(self.settings, self._published, self._transport)

    @cached_property
    def _published(self) -> Published:
        from app.identity.published import Published

        return Published(self.settings.issuer, self._transport)

    @cached_property
    def _transport(self) -> Transport:
        if self._given is not None:
            return self._given
        if self.settings.development_provider:
            from app.identity.in_process import InProcess

            return InProcess(self._app)
        from app.identity.transport import Network

        return Network()


def identity() -> Identity:
    """Identity of the running application."""
    found: Identity = current_app.extensions[EXTENSION]
    return found
