"""Who knows what a document says: one builder for each kind, given by the rooms above at start-up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from flask import Flask, current_app

from app.documents.content.base import Content
from app.documents.errors import DocumentNotMade
from app.documents.models import Document

Builder = Callable[[Document], Content]

_EXTENSION = "convenor.documents"
_builders: dict[str, Builder] = {}


class Keys(Protocol):
    """The key of what a document belongs to, and the digest that the audit uses."""

    def owner_key(self, document: Document) -> bytes:
        """The key of the document's case or, when it has none, of its meeting: 32 bytes.

        :raises app.store.vault.VaultError: the case or meeting has been destroyed.
        """

    def digest(self, text: str) -> str:
        """A keyed digest of 64 hexadecimal characters (:meth:`app.store.vault.Vault.digest`)."""


def register_builder(kind: str, build: Builder) -> None:
    """Say how a kind of document is filled. The builder reads the database, writes nothing and touches nothing outside it."""
    _builders[kind] = build


def builder_of(kind: str) -> Builder:
    """The builder of a kind.

    :raises DocumentNotMade: none is registered.
    """
    build = _builders.get(kind)
    if build is None:
        raise DocumentNotMade(f"Convenor does not know how to make a document of the kind '{kind}'.", resource_id=kind)
    return build


def init_app(app: Flask, keys: Keys) -> None:
    """Give an application the keys that seal and open its documents."""
    app.extensions[_EXTENSION] = keys


def keys() -> Keys:
    """The keys of the running application."""
    found: Keys = current_app.extensions[_EXTENSION]
    return found
