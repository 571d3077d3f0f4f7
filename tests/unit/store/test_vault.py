"""Sealing: what opens, what does not, and that a value says nothing."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.store.vault import Sealed, Vault, VaultError, seal, seal_item, unseal, unseal_item

KEY = os.urandom(32)


@given(st.binary(max_size=300), st.text(max_size=30))
def test_what_is_sealed_opens_under_its_own_label_only(plain: bytes, label: str) -> None:
    sealed = seal(KEY, plain, label)
    assert unseal(KEY, sealed, label) == plain
    with pytest.raises(VaultError):
        unseal(KEY, sealed, label + "x")
    with pytest.raises(VaultError):
        unseal(os.urandom(32), sealed, label)


@given(st.binary(min_size=1, max_size=60), st.integers(min_value=0, max_value=200))
def test_a_changed_byte_is_noticed(plain: bytes, place: int) -> None:
    sealed = bytearray(seal(KEY, plain, "a"))
    at = 1 + place % (len(sealed) - 1)  # the first byte is the version, which is held against the key ring instead
    sealed[at] ^= 1
    with pytest.raises(VaultError):
        unseal(KEY, bytes(sealed), "a")


def test_an_item_whose_key_is_destroyed_is_gone() -> None:
    item = seal_item(KEY, b"secret words", "submission:1")
    assert unseal_item(KEY, item, "submission:1") == b"secret words"
    assert b"secret" not in item.ciphertext
    with pytest.raises(VaultError, match="destroyed"):
        unseal_item(KEY, Sealed(b"", item.ciphertext), "submission:1")


def test_two_items_never_share_a_key() -> None:
    one, two = seal_item(KEY, b"same", "submission:1"), seal_item(KEY, b"same", "submission:1")
    assert one.ciphertext != two.ciphertext
    with pytest.raises(VaultError):
        unseal_item(KEY, Sealed(one.wrapped_key, two.ciphertext), "submission:1")


def test_master_keys_are_versioned() -> None:
    old, new = os.urandom(32), os.urandom(32)
    wrapped = Vault({1: old}, KEY).new_owner_key("dossier:5")
    both = Vault({1: old, 2: new}, KEY)
    assert both.unwrap(wrapped, "dossier:5") == Vault({1: old}, KEY).unwrap(wrapped, "dossier:5")
    assert both.new_owner_key("dossier:6")[0] == 2
    with pytest.raises(VaultError, match="version 1 is not configured"):
        Vault({2: new}, KEY).unwrap(wrapped, "dossier:5")
    with pytest.raises(VaultError, match="destroyed"):
        both.unwrap(None, "dossier:5")


def test_index_tokens_are_keyed_and_separated_by_kind() -> None:
    vault = Vault({1: KEY}, KEY)
    assert vault.index_token("name", "elin marsh") == vault.index_token("name", "elin marsh")
    assert vault.index_token("name", "elin marsh") != vault.index_token("sound", "elin marsh")
    assert vault.index_token("name", "elin marsh") != Vault({1: KEY}, os.urandom(32)).index_token("name", "elin marsh")
