"""The development provider's signing key, kept in the data folder so that tokens survive a restart, and what is derived from it."""

from __future__ import annotations

import contextlib
import hmac
import json
import os
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from app.settings import Settings

if TYPE_CHECKING:
    from joserfc.jwk import RSAKey

ALGORITHM = "RS256"


def signing_key(settings: Settings) -> RSAKey:
    """The key; made on first use."""
    return _read(settings.data.resolve() / "development-provider" / "key.json")


def public_keys(settings: Settings) -> dict[str, object]:
    """What `/devidp/jwks` publishes."""
    from joserfc.jwk import KeySet

    return dict(KeySet([signing_key(settings)]).as_dict(private=False))


def client_secret(settings: Settings, username: str) -> str:
    """The client secret of a demo person: the same for as long as the data folder lives."""
    private = str(signing_key(settings).as_dict(private=True)["d"])
    return hmac.new(private.encode(), b"demo client\x1f" + username.encode(), sha256).hexdigest()[:40]


@lru_cache(maxsize=8)
def _read(path: Path) -> RSAKey:
    from joserfc.jwk import RSAKey  # large: not for a start

    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = RSAKey.generate_key(2048, parameters={"use": "sig", "alg": ALGORITHM}, auto_kid=True)
        mine = path.with_suffix(f".{os.getpid()}")
        descriptor = os.open(mine, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump(fresh.as_dict(private=True), file)
        # The first process to link its key wins; all others read that one.
        with contextlib.suppress(FileExistsError):
            os.link(mine, path)
        mine.unlink()
    return RSAKey.import_key(json.loads(path.read_text()))
