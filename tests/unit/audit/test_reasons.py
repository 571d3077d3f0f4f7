"""A reason is as long wherever it is given."""

from __future__ import annotations

import pytest
from flask import Flask
from marshmallow import Schema

from app.api.mending import Refusal
from app.api.moving import MoveAsked
from app.api.schemas import Assignment
from app.audit.reasons import LONGEST_REASON, TOO_LONG
from app.errors import Invalid
from app.operations.mending import proposing
from app.web import typed


@pytest.mark.parametrize(("schema", "field"), [(Refusal, "reason"), (MoveAsked, "reason"), (Assignment, "action")])
def test_the_api_takes_it_up_to_its_length(schema: type[Schema], field: str) -> None:
    assert field not in schema().validate({field: "x" * LONGEST_REASON})
    assert field in schema().validate({field: "x" * (LONGEST_REASON + 1)})


def test_pages_and_proposals_say_so_in_the_same_words(app: Flask) -> None:
    reason = "x" * (LONGEST_REASON + 1)
    with app.test_request_context(method="POST", data={"reason": reason}):
        assert typed.reason() == (reason, [("reason", TOO_LONG.removesuffix("."))])
    with pytest.raises(Invalid) as refused:
        proposing._read(reason)
    assert str(refused.value) == TOO_LONG
