"""The work list in the browser when there is more than anybody reads."""

from __future__ import annotations

import pytest
from flask import Flask

from app.work import inbox
from tests.support.browser import Browser


def test_a_long_list_is_cut_and_says_so(researching: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    cora = Browser(researching, "cora").sign_in()
    told = cora.get("/work?view=all").document.text_content()
    assert "are listed. Narrow the list" not in told
    monkeypatch.setattr(inbox, "LISTED", 3)
    told = " ".join(cora.get("/work?view=all").document.text_content().split())
    assert "The first 3 are listed. Narrow the list to see others." in told
    assert "Everybody’s 3+" in told
