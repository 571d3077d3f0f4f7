"""Every operation of the official client is served, or refused with a reason; the guide's table says which."""

from __future__ import annotations

import re
from pathlib import Path

import camunda_orchestration_sdk

from app.api import coverage, missing
from app.api.contract import OPERATIONS

CLIENT = Path(camunda_orchestration_sdk.__file__).parent / "api"
PAGE = Path(__file__).parents[3] / "docs" / "developers" / "api-coverage.md"


def of_the_client() -> set[tuple[str, str, str]]:
    """Name, method and address of every operation, as the client's own modules have them."""
    found = set()
    for module in CLIENT.glob("*/*.py"):
        text = module.read_text()
        method, address = re.search(r'"method": "(\w+)"', text), re.search(r'"url": "([^"]+)"', text)
        if method and address:
            found.add((module.stem, method[1].upper(), re.sub(r"\{\w+\}", "{}", address[1])))
    return found


def test_the_contract_is_what_the_client_offers() -> None:
    ours = {(operation.name, operation.method, operation.path) for operation in OPERATIONS}
    assert ours == of_the_client()
    assert len(ours) == len(OPERATIONS)


def test_every_operation_is_served_or_has_a_reason_and_never_both() -> None:
    here = coverage.served()
    wrong = [
        operation.name
        for operation in OPERATIONS
        if ((operation.method, operation.path) in here) == (missing.reason(operation) is not None)
    ]
    assert wrong == []
    assert all(told.endswith(".") for told in here.values()), "each says in a sentence what it does"


def test_every_reason_is_used() -> None:
    assert {operation.group for operation in OPERATIONS} >= set(missing.BY_GROUP)
    assert {operation.name for operation in OPERATIONS} >= set(missing.BY_NAME)


def test_the_table_of_the_guide_is_the_codes() -> None:
    assert PAGE.read_text() == coverage.table(), "run: python -m app.api.coverage > docs/developers/api-coverage.md"
