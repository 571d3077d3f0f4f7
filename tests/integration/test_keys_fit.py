"""Keys that are another database's: refused before anything is served or restored, in one sentence that names the setting."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select

from app import audit
from app.agencies.models import Area
from app.audit.verifying import verify
from app.cases import dossiers, parties
from app.cases.models import Dossier, PartyRole
from app.cases.parties import PartyDetails
from app.errors import Conflict
from app.identity import register
from app.keeping import backup
from app.keeping.fitting import require_keys
from app.keeping.restore import restore
from app.keys import complete, fresh_key
from app.settings import SettingsError
from app.store.database import db
from tests.support.installation import Blank, Installation


@pytest.fixture(scope="module")
def installation(blank: Blank, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """With one case, its victim, and a sealed audit."""
    with blank.copy(tmp_path_factory.mktemp("fits") / "data") as found:
        with found.app():
            area, rosa = db.session.execute(select(Area.key)).scalar_one(), register.find_user("rosa")
            assert rosa is not None
            case = dossiers.open_case(area, "marac-case", by=rosa.key, agency_key=None)
            parties.replace_parties(case.key, [(PartyRole.VICTIM, PartyDetails("Elin Marsh", "1991-04-12"))])
            audit.record("case.open", actor=rosa.key, case_key=case.key)
            db.session.commit()
            audit.seal_pending()
            backup.make(found.data / "one.backup")
        yield found


def master_key(installation: Installation) -> str:
    return complete(installation.settings()).master_keys.removeprefix("1:")


WRONG = {
    "CONVENOR_MASTER_KEYS": {"master_keys": f"1:{fresh_key()}"},
    "(version 1)": {"master_keys": f"2:{fresh_key()}"},
    "CONVENOR_INDEX_KEY": {"index_key": fresh_key()},
    "CONVENOR_AUDIT_KEY": {"audit_key": fresh_key()},
}


@pytest.mark.parametrize(("names", "keys"), WRONG.items())
def test_another_key_is_refused_unless_the_right_one_is_lost(
    installation: Installation, names: str, keys: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    with installation.app(**keys) as app:
        settings = app.config["SETTINGS"]
        with pytest.raises(SettingsError) as refused:
            require_keys(settings, db.session())
        assert names in refused.value.message
        require_keys(replace(settings, keys_lost=True), db.session())
        assert names in caplog.records[-1].finding  # type: ignore[attr-defined]


def test_the_right_keys_are_taken_and_a_further_one(installation: Installation) -> None:
    with installation.app(master_keys=f"1:{master_key(installation)},2:{fresh_key()}") as app:
        require_keys(app.config["SETTINGS"], db.session())


def test_one_record_that_is_damaged_keeps_nobody_out(installation: Installation) -> None:
    with installation.app() as app:
        now = db.session.execute(select(Dossier.created_at)).scalars().first()
        db.session.add(Dossier(key=2**62, kind="CASE", area_key=1, wrapped_key=b"\x01spoiled", created_at=now))
        db.session.flush()
        require_keys(app.config["SETTINGS"], db.session())
        db.session.rollback()


@pytest.mark.parametrize(("names", "keys"), WRONG.items())
def test_a_backup_of_other_keys_is_not_restored(
    installation: Installation, blank: Blank, tmp_path: Path, names: str, keys: dict[str, str]
) -> None:
    with blank.empty(tmp_path / "data") as empty:
        with empty.app(**keys) as app, pytest.raises(SettingsError) as refused:
            restore(app, installation.data / "one.backup")
        assert names in refused.value.message
        with empty.app() as app:  # nothing was changed: the right keys find it empty
            assert restore(app, installation.data / "one.backup").rows > 0


def test_verifying_with_another_key_says_so_first(installation: Installation) -> None:
    with installation.app(audit_key=fresh_key()):
        assert verify().findings[0].startswith("No seal at all bears our signature: is CONVENOR_AUDIT_KEY")


def test_a_backup_is_not_put_where_no_disk_is_mounted(installation: Installation, tmp_path: Path) -> None:
    with installation.app(), pytest.raises(Conflict, match="There is no folder"):
        backup.make(tmp_path / "mnt" / "backups" / "tonight.backup")
    assert not (tmp_path / "mnt").exists()
