"""The chain: a keyed digest of each entry and of the digest before it. Whoever lacks the key cannot make it fit again."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import orjson

from app.audit.models import AuditEntry

GENESIS = "0" * 64


@dataclass(frozen=True, slots=True)
class Keys:
    """Three keys derived from CONVENOR_AUDIT_KEY, each for one use."""

    link: bytes
    seal: bytes
    digest: bytes

    @classmethod
    def derive(cls, audit_key: bytes) -> Keys:
        return cls(
            *(hmac.new(audit_key, use, sha256).digest() for use in (b"audit link", b"audit seal", b"audit digest"))
        )


def canonical_time(at: datetime) -> str:
    """An instant, the same whatever database it was read from."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def link_after(keys: Keys, previous: str, entry: AuditEntry, sequence: int) -> str:
    """The chain's value after an entry."""
    content: list[Any] = [
        previous,
        sequence,
        entry.key,
        canonical_time(entry.business_at),
        canonical_time(entry.wall_at),
        entry.actor,
        entry.role,
        entry.client,
        entry.action,
        entry.case_key,
        entry.meeting_key,
        entry.instance_key,
        entry.subject,
        entry.digest,
        entry.request_id,
    ]
    return hmac.new(keys.link, orjson.dumps(content), sha256).hexdigest()


def signature(keys: Keys, *, number: int, first: int, last: int, previous: str, root: str, wall_at: str) -> str:
    """The signature of a seal, and of the head that is exported from it."""
    return hmac.new(keys.seal, orjson.dumps([number, first, last, previous, root, wall_at]), sha256).hexdigest()


def seal_signature(keys: Keys, seal: Any) -> str:
    """The signature that a stored seal should bear."""
    return signature(
        keys,
        number=seal.number,
        first=seal.first,
        last=seal.last,
        previous=seal.previous,
        root=seal.root,
        wall_at=canonical_time(seal.wall_at),
    )


def signed_by(keys: Keys, seal: Any) -> bool:
    """Whether a stored seal (or a row with its columns) bears the signature of these keys."""
    return bool(hmac.compare_digest(str(seal.signature), seal_signature(keys, seal)))


def digest(keys: Keys, text: str) -> str:
    """A keyed digest of content: it proves sameness and tells nothing."""
    return hmac.new(keys.digest, text.encode(), sha256).hexdigest()
