"""What the tests' process does once instead of for each of its hundreds of applications. Nothing of it changes what an application does.

- A page's template is compiled once: it is the same code for every application.
- A document is drawn once from the same page: each test's case is written and its letters are dated as the one before.
- The development provider's key is checked once for each key, not whenever a copy of it is read.
- Objects that exist when the tests begin are not looked through again by each collection of garbage.
"""

from __future__ import annotations

import gc
import json
from functools import cache, lru_cache
from types import CodeType
from typing import Any

from flask import Flask
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket
from joserfc.jwk import RSAKey

from app.documents import render


class CompiledPages(BytecodeCache):
    """Keeps what templates compile to in memory, by their place and their text."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], CodeType] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self._kept.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        assert bucket.code is not None
        self._kept[bucket.key, bucket.checksum] = bucket.code


_import_key = RSAKey.import_key


@cache
def _checked(private: str) -> RSAKey:
    return _import_key(json.loads(private))


def _imported(value: Any, *more: Any, **named: Any) -> RSAKey:
    if more or named or not isinstance(value, dict) or "d" not in value:
        return _import_key(value, *more, **named)
    return _checked(json.dumps(value, sort_keys=True))


Flask.jinja_options = {"bytecode_cache": CompiledPages()}
RSAKey.import_key = _imported  # type: ignore[method-assign]
render.to_pdf = lru_cache(maxsize=1000)(render.to_pdf)


def spare_collections() -> None:
    """What exists now stays to the end; what comes is looked through by larger handfuls."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000)
