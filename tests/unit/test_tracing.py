"""For which request something is done."""

from __future__ import annotations

from flask import Flask, g

from app.tracing import following, request_id


def test_it_is_the_request_that_is_answered_or_the_one_that_this_follows_from() -> None:
    assert request_id() is None
    with Flask("tracing").test_request_context():
        assert request_id() is None
        g.request_id = "answered"
        assert request_id() == "answered"
        with following("earlier"):
            assert request_id() == "earlier"
            with following(None):
                assert request_id() is None, "not known: whoever asks meanwhile has nothing to do with it"
            assert request_id() == "earlier"
        assert request_id() == "answered"
    with following("earlier"):
        assert request_id() == "earlier"
    assert request_id() is None
