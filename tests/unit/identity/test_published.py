"""What the provider publishes: fetched once, its keys again when a token names one that is not known, and never too often."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from joserfc.jwk import RSAKey

from app.errors import Unavailable
from app.identity import published
from app.identity.published import KEYS_AGAIN, Published
from app.identity.transport import Answer, NoAnswer

ISSUER = "https://id.example/realm/"
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
KEY = RSAKey.generate_key(2048, auto_kid=True)


class Documents:
    """A provider of documents, by address."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.status = 200
        self.told: dict[str, Any] = {
            "https://id.example/realm/.well-known/openid-configuration": {
                "issuer": ISSUER,
                "jwks_uri": "https://id.example/keys",
                "id_token_signing_alg_values_supported": ["RS256", "none", "HS256", "ES256"],
            },
            "https://id.example/keys": {"keys": [KEY.as_dict(private=False)]},
        }

    def send(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None) -> Answer:
        self.asked.append(url)
        if url not in self.told:
            raise NoAnswer
        return Answer(self.status, {}, json.dumps(self.told[url]).encode())


@pytest.fixture
def documents() -> Documents:
    return Documents()


def test_documents_are_fetched_once(documents: Documents) -> None:
    found = Published(ISSUER, documents)
    for _ in range(2):
        assert found.metadata()["id_token_signing_alg_values_supported"] == ["RS256", "ES256"]
        assert found.keys().keys[0].kid == KEY.kid
        assert found.jwks() == {"keys": [KEY.as_dict(private=False)]}
    assert len(documents.asked) == 2


def test_keys_are_fetched_again_at_most_once_a_minute(documents: Documents, monkeypatch: pytest.MonkeyPatch) -> None:
    found = Published(ISSUER, documents)
    for after, fetched in ((timedelta(0), 1), (KEYS_AGAIN / 2, 1), (KEYS_AGAIN, 2), (KEYS_AGAIN * 1.5, 2)):
        monkeypatch.setattr(published, "wall_now", lambda after=after: NOW + after)
        found.keys(again=True)
        assert documents.asked.count("https://id.example/keys") == fetched


def test_what_cannot_be_used_is_said_and_asked_again(documents: Documents) -> None:
    found = Published(ISSUER, documents)
    description, keys = documents.told
    good = dict(documents.told)
    for address, wrong in (
        (description, {"issuer": "https://other.example"}),
        (description, ["no description"]),
        (description, {"issuer": ISSUER}),
        (keys, {"keys": "none"}),
        (keys, {}),
    ):
        documents.told = {**good, address: wrong}
        with pytest.raises(Unavailable):
            Published(ISSUER, documents).keys()
    documents.told, documents.status = good, 302
    with pytest.raises(Unavailable):
        found.keys()
    documents.status = 200
    assert found.keys().keys
