"""Rotating the master key, on both databases: everything opens, the old key can go, an interrupted rotation goes on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest
from sqlalchemy import select

from app import audit
from app.agencies.models import Area
from app.cases import dossiers
from app.cases.models import Dossier, DossierKind
from app.keeping import rotation
from app.keys import fresh_key
from app.settings import load_settings
from app.store.database import db
from app.store.vault import VaultError
from tests.support.installation import Blank, Installation
from tests.support.processes import Nest

OLD, NEW = f"1:{fresh_key()}", f"2:{fresh_key()}"


@pytest.fixture
def installation(blank: Blank, tmp_path: Path) -> Iterator[Installation]:
    with blank.copy(tmp_path / "data") as found:
        yield found


def some(count: int) -> dict[int, bytes]:
    """Dossiers with something sealed under each."""
    area = db.session.execute(select(Area.key)).scalar_one()
    made: dict[int, bytes] = {}
    for number in range(count):
        key = dossiers.open_dossier(DossierKind.CASE, area).key
        made[key] = dossiers.seal_for(key, number, "test")
    db.session.commit()
    return made


def opened(sealed: dict[int, bytes]) -> list[object]:
    return [dossiers.unseal_for(key, value, "test") for key, value in sealed.items()]


def test_after_rotation_the_old_key_can_go(installation: Installation, tmp_path: Path) -> None:
    with installation.app(master_keys=OLD):
        sealed = some(7)
        gone = next(iter(sealed))
        row = db.session.get(Dossier, gone)
        assert row is not None
        row.wrapped_key = None
        db.session.commit()
        del sealed[gone]
        assert rotation.rotate().wrapped == 0
    environment = installation.environment(CONVENOR_MASTER_KEYS=f"{OLD},{NEW}")
    nest = Nest(tmp_path)
    try:
        process = nest.convenor("rotate-key", **environment)
        assert process.wait() == 0
        assert "6 keys were wrapped again; version 2 wraps every key." in process.log.read_text()
    finally:
        nest.close()
    with installation.app(master_keys=NEW):
        assert opened(sealed) == [1, 2, 3, 4, 5, 6]
        assert rotation.versions() == {2: 6}
        destroyed = db.session.get(Dossier, gone)
        assert destroyed is not None
        assert destroyed.wrapped_key is None
        audit.seal_pending()
        assert audit.verify().sound
    with installation.app(master_keys=OLD), pytest.raises(VaultError, match="version 2 is not configured"):
        opened(sealed)


def test_an_interrupted_rotation_goes_on(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    with installation.app(master_keys=OLD):
        sealed = some(7)
    with installation.app(master_keys=f"{OLD},{NEW}"):
        wrap, calls = rotation._wrap, []

        def breaks(key: int) -> int:
            calls.append(key)
            if len(calls) == 4:
                raise ConnectionError
            return wrap(key)

        monkeypatch.setattr(rotation, "_wrap", breaks)
        with pytest.raises(ConnectionError):
            rotation.rotate(batch=2)
        db.session.rollback()
        assert rotation.versions() == {1: 5, 2: 2}, "a batch is done as a whole or not at all"
        assert opened(sealed) == list(range(7))
        db.session.rollback()
        monkeypatch.setattr(rotation, "_wrap", wrap)
        assert rotation.rotate(batch=2).wrapped == 5
        assert rotation.versions() == {2: 7}
        db.session.expire_all()
        assert opened(sealed) == list(range(7))


def test_the_newest_version_is_the_highest(installation: Installation) -> None:
    settings = load_settings(**asdict(installation.settings()))
    assert settings.env == "test"
    with installation.app(master_keys=f"{NEW},{OLD}"):
        some(1)
        assert rotation.versions() == {2: 1}
