"""The ledger of destructions: half a line was never finished; a line that says nothing stops everything."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask

from app.cases import destruction
from app.cases.errors import LedgerDamaged


def test_half_a_line_that_a_power_cut_left_does_not_stop_a_start(app: Flask, tmp_path: Path) -> None:
    with app.app_context():
        destruction.append_ledger(tmp_path, 1)
        file = tmp_path / destruction.LEDGER
        file.write_text(file.read_text() + '{"dossi')
        assert destruction.to_destroy_again(tmp_path) == []
        destruction.append_ledger(tmp_path, 2)
    assert [line[:15] for line in file.read_text().splitlines()] == ['{"dossier": "1"', '{"dossier": "2"']


@pytest.mark.parametrize("line", ["not JSON", '{"at": "2026-01-01"}', '{"dossier": "x"}', "[]"])
def test_a_line_that_cannot_be_read_is_named(app: Flask, tmp_path: Path, line: str) -> None:
    """Nobody knows which case it destroyed: nothing may be served until somebody has put it right."""
    with app.app_context():
        destruction.append_ledger(tmp_path, 1)
        file = tmp_path / destruction.LEDGER
        file.write_text(file.read_text() + line + "\n")
        with pytest.raises(LedgerDamaged, match=r"Line 2 of .*destructions\.jsonl cannot be read"):
            destruction.to_destroy_again(tmp_path)
