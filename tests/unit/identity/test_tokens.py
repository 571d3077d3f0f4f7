"""A token is checked once and known for a while, never longer than it says itself."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.identity import tokens
from app.identity.errors import SignInNeeded
from app.identity.tokens import CHECKED_FOR, Tokens

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


class Checked(Tokens):
    """Counts how often a token's signature is looked at."""

    def __init__(self, lives: float) -> None:
        super().__init__(None, None)  # type: ignore[arg-type]
        self.ends, self.looked = (NOW + timedelta(seconds=lives)).timestamp(), 0

    def _check(self, token: str) -> dict[str, Any]:
        self.looked += 1
        if token == "forged" or tokens.wall_now().timestamp() >= self.ends:
            raise SignInNeeded("no")
        return {"sub": token, "exp": self.ends}


def at(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    monkeypatch.setattr(tokens, "wall_now", lambda: NOW + timedelta(seconds=seconds))


def test_a_token_is_looked_at_again_after_some_minutes(monkeypatch: pytest.MonkeyPatch) -> None:
    known = Checked(lives=3_600)
    for seconds, looked in ((0, 1), (CHECKED_FOR - 1, 1), (CHECKED_FOR, 2)):
        at(monkeypatch, seconds)
        assert known._claims("olive")["sub"] == "olive"
        assert known.looked == looked


def test_a_token_that_has_run_out_is_refused_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    known = Checked(lives=60)
    at(monkeypatch, 0)
    known._claims("olive")
    at(monkeypatch, 60)
    with pytest.raises(SignInNeeded):
        known._claims("olive")


def test_what_was_refused_is_not_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    known = Checked(lives=60)
    at(monkeypatch, 0)
    for _ in range(2):
        with pytest.raises(SignInNeeded):
            known._claims("forged")
    assert known.looked == 2
    assert known._claims("olive")["sub"] == "olive"
    assert known._claims("rosa")["sub"] == "rosa"
