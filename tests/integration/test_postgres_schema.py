"""The schema: migrated from nothing it equals the models, on both databases; a process whose code does not fit it refuses to start."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from app import schema
from app.store.database import db
from tests.support.differences import differences
from tests.support.installation import Blank, Installation
from tests.support.processes import Nest


@pytest.fixture
def installation(blank: Blank, tmp_path: Path) -> Iterator[Installation]:
    with blank.copy(tmp_path / "data") as found:
        yield found


@pytest.fixture
def nest(tmp_path: Path) -> Iterator[Nest]:
    made = Nest(tmp_path)
    yield made
    made.close()


def test_migrating_from_nothing_gives_what_the_models_say(blank: Blank, tmp_path: Path) -> None:
    with blank.empty(tmp_path / "data") as installation, installation.app() as app:
        schema.migrate(app)
        schema.check(app)
        assert differences() == []


@pytest.mark.parametrize(
    ("revision", "said"),
    [
        ("'9999_from_the_future'", "newer than this version of Convenor"),
        (None, "older than this version of Convenor"),
    ],
)
def test_another_schema_is_refused_in_one_sentence(
    installation: Installation, nest: Nest, revision: str | None, said: str
) -> None:
    with installation.app():
        db.session.execute(text("DELETE FROM alembic_version"))
        if revision is not None:
            db.session.execute(text(f"INSERT INTO alembic_version VALUES ({revision})"))
        db.session.commit()
    for command in ("serve", "worker"):
        process = nest.convenor(command, **installation.environment())
        assert process.wait() == 1
        lines = process.log.read_text().strip().splitlines()
        assert len(lines) == 1, lines
        assert said in lines[0]


def test_a_wrong_setting_is_refused_in_one_sentence(installation: Installation, nest: Nest) -> None:
    for name, value in (("CONVENOR_LEASE_SECONDS", "never"), ("CONVENOR_ENV", "production"), ("CONVENOR_FAULT", "x")):
        process = nest.convenor("serve", **installation.environment(**{name: value}))
        assert process.wait() == 2, name
        lines = process.log.read_text().strip().splitlines()
        assert len(lines) == 1, lines
        assert lines[0].startswith("convenor: CONVENOR_"), lines
