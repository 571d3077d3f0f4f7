"""Keys for tests: one for each owner, made of its number."""

from __future__ import annotations

import hmac
from hashlib import sha256

from app.documents.models import Document
from app.store.vault import VaultError


class FakeKeys:
    """A key for each owner; an owner whose key is taken away has been destroyed."""

    def __init__(self) -> None:
        self.gone: set[int] = set()

    def owner_key(self, document: Document) -> bytes:
        owner = document.case_key or document.meeting_key or 0
        if owner in self.gone:
            raise VaultError("The key of this record has been destroyed.", resource_id=str(owner))
        return sha256(f"owner {owner}".encode()).digest()

    def digest(self, text: str) -> str:
        return hmac.new(b"index", text.encode(), sha256).hexdigest()
