"""Encryption at rest: AES-256-GCM, a key for each item, wrapped by its case's key, wrapped by a versioned master key.

A sealed value is ``version byte | 12-byte nonce | ciphertext and tag``. The associated data names what is sealed, so that a value moved to
another row does not open. Destroying a wrapped key destroys what it sealed.
"""

from __future__ import annotations

import hmac
import os
from dataclasses import dataclass
from hashlib import sha256

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from flask import current_app

from app.errors import ConvenorError
from app.settings import KeyRing

KEY_BYTES = 32
_NONCE = 12
_DATA_KEY_VERSION = 0


class VaultError(ConvenorError):
    """A sealed value does not open: wrong key, wrong place, changed bytes, or its key has been destroyed."""

    title = "Sealed value does not open"


@dataclass(frozen=True, slots=True)
class Sealed:
    """One sealed item: its own key, wrapped by its owner's key, and the ciphertext."""

    wrapped_key: bytes
    ciphertext: bytes


def seal(key: bytes, plaintext: bytes, label: str, version: int = _DATA_KEY_VERSION) -> bytes:
    """Seal bytes under a key. The label (for instance ``submission:123``) must be the same when opening."""
    nonce = os.urandom(_NONCE)
    return bytes([version]) + nonce + AESGCM(key).encrypt(nonce, plaintext, label.encode())


def unseal(key: bytes, sealed: bytes, label: str) -> bytes:
    """Open what :func:`seal` made.

    :raises VaultError: it does not open.
    """
    try:
        return AESGCM(key).decrypt(sealed[1 : 1 + _NONCE], sealed[1 + _NONCE :], label.encode())
    except (InvalidTag, ValueError, IndexError):
        raise VaultError("A stored item could not be opened.", resource_id=label) from None


def seal_item(owner_key: bytes, plaintext: bytes, label: str) -> Sealed:
    """Seal an item under a fresh key of its own, wrapped by its owner's key."""
    key = os.urandom(KEY_BYTES)
    return Sealed(seal(owner_key, key, f"key:{label}"), seal(key, plaintext, label))


def unseal_item(owner_key: bytes, item: Sealed, label: str) -> bytes:
    """Open what :func:`seal_item` made.

    :raises VaultError: it does not open, or its key has been destroyed.
    """
    if not item.wrapped_key:
        raise VaultError("This item has been destroyed.", resource_id=label)
    return unseal(unseal(owner_key, item.wrapped_key, f"key:{label}"), item.ciphertext, label)


class Vault:
    """The master keys and the matching-index key. One for each running application."""

    def __init__(self, master_keys: KeyRing, index_key: bytes) -> None:
        if not master_keys:
            raise VaultError("CONVENOR_MASTER_KEYS holds no key.")
        self._ring = master_keys
        self._current = max(master_keys)
        self._index_key = index_key

    @property
    def current_version(self) -> int:
        return self._current

    def new_owner_key(self, label: str) -> bytes:
        """A fresh key for a case (or meeting), wrapped by the current master key."""
        return self.wrap(os.urandom(KEY_BYTES), label)

    def wrap(self, key: bytes, label: str) -> bytes:
        return seal(self._ring[self._current], key, f"owner:{label}", self._current)

    def unwrap(self, wrapped: bytes | None, label: str) -> bytes:
        """The key behind a wrapped owner key.

        :raises VaultError: destroyed, or wrapped under a master key that is not configured.
        """
        if not wrapped:
            raise VaultError("The key of this record has been destroyed.", resource_id=label)
        master = self._ring.get(wrapped[0])
        if master is None:
            raise VaultError(f"Master key version {wrapped[0]} is not configured.", resource_id=label)
        return unseal(master, wrapped, f"owner:{label}")

    def index_token(self, kind: str, value: str) -> str:
        """The keyed blind-index token of a normalised value: 128 bits, hexadecimal."""
        return hmac.new(self._index_key, f"{kind}\x1f{value}".encode(), sha256).hexdigest()[:32]

    def digest(self, text: str) -> str:
        """A keyed digest of content, for the audit: it proves sameness and tells nothing."""
        return hmac.new(self._index_key, b"digest\x1f" + text.encode(), sha256).hexdigest()


def active() -> Vault:
    """The vault of the running application."""
    vault: Vault = current_app.extensions["convenor.vault"]
    return vault
