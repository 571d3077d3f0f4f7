"""How an installation begins: an area, its agencies and its people from a file, through the command line."""

from __future__ import annotations

import io
import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update

from app.agencies import service as agencies
from app.agencies.models import Area, Tier
from app.audit.models import AuditEntry
from app.cli import serve_commands
from app.cli.main import main
from app.identity import register
from app.identity.models import User
from app.identity.person import Person
from app.identity.roles import Role
from app.runtime.models import Release
from app.store.database import db
from tests.unit.runtime.runtime_kit import doc, line, user

GUIDE = (Path(__file__).parents[3] / "docs" / "operators" / "install.md").read_text(encoding="utf-8")
[EXAMPLE] = [
    json.loads(block.partition("```")[0]) for block in GUIDE.split("```json\n")[1:]
]  # the guide's own, so that it is right


@pytest.fixture
def set_up(app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """Runs the command: exit code, what it printed, what it complained of."""
    monkeypatch.setattr(serve_commands, "application", lambda *_: app)
    monkeypatch.setattr("app.settings.load_settings", lambda: None)

    def run(said: object) -> tuple[int, str, str]:
        file = tmp_path / "area.json"
        file.write_text(said if isinstance(said, str) else json.dumps(said), encoding="utf-8")
        code = main(["set-up", str(file)])
        return (code, *capsys.readouterr())

    return run


def someone(app: Flask, username: str) -> Person:
    with app.app_context():
        user = register.find_user(username)
        assert user is not None
        return register.person_for(user.key)


def changed(**changes: Any) -> dict[str, Any]:
    said: dict[str, Any] = deepcopy(EXAMPLE)
    for path, value in changes.items():
        said[path] = value
    return said


def test_the_guides_file_is_entered_and_those_named_can_begin(app: Flask, set_up: Any) -> None:
    code, told, _ = set_up(EXAMPLE)
    assert code == 0
    assert "convenor publish --area borsetshire" in told
    assert "Nobody is its MARAC Co-ordinator" not in told
    with app.app_context():
        area = db.session.execute(select(Area).where(Area.slug == "borsetshire")).scalar_one()
        assert (area.demo, area.second_person) == (False, True)
        assert {row.slug: row.tier for row in agencies.agencies(area.key)}["community-safety"] == Tier.NON_CORE
        told_by = db.session.execute(select(AuditEntry.action)).scalars().all()
        assert {"area.enter", "agency.enter", "person.enter"} <= set(told_by)
    co_ordinator, operator, spoc = someone(app, "c.coyle"), someone(app, "o.byrne"), someone(app, "r.reyes")
    assert co_ordinator.has_role(Role.MARAC_COORDINATOR)
    assert co_ordinator.area_key == area.key
    assert operator.has_role(Role.OPERATOR)
    assert operator.area_key is None
    assert spoc.has_role(Role.AGENCY_SPOC, spoc.agency_key)


def test_what_is_there_is_left_as_it_is(app: Flask, set_up: Any) -> None:
    set_up(EXAMPLE)
    with app.app_context():
        rosa = register.find_user("r.reyes")
        assert rosa is not None
        register.end_role(rosa.key, Role.AGENCY_SPOC, agency_key=rosa.agency_key)
        db.session.commit()
    again = changed(area={"slug": "borsetshire", "name": "Another name"})
    again["people"][0]["roles"].append("auditor")
    code, told, _ = set_up(again)
    assert (code, "Entered: 0 agencies, 0 people." in told) == (0, True)
    assert not someone(app, "r.reyes").has_role(Role.AGENCY_SPOC)
    assert not someone(app, "c.coyle").has_role(Role.AUDITOR)


def test_who_signed_in_before_gets_their_first_roles_and_who_is_shut_out_none(app: Flask, set_up: Any) -> None:
    with app.app_context():
        early = register.register_person("c.coyle", "Cora", subject="sub-1")
        shut_out = register.register_person("r.reyes", "Rosa", subject="sub-2")
        db.session.flush()
        register.deactivate(shut_out.key)
        db.session.commit()
        early_key, shut_out_key = early.key, shut_out.key
    assert set_up(EXAMPLE)[0] == 0
    assert someone(app, "c.coyle").key == early_key
    assert someone(app, "c.coyle").has_role(Role.MARAC_COORDINATOR)
    with app.app_context():
        row = db.session.get(User, shut_out_key)
        assert row is not None
        assert (row.active, row.area_key) == (False, None)


@pytest.mark.parametrize(
    ("said", "says"),
    [
        ("{", "is not JSON, line 1."),
        ([], "the file: Invalid input type."),
        ({}, "area: Missing data for required field."),
        (changed(area={"slug": "Borset Shire", "name": "B"}), "area, slug: Must be a short name"),
        (changed(area={"slug": "b", "name": " "}), "area, name: Must be one line of text"),
        (changed(agencies=[]), "people, number 1, agency: there is no agency “community-safety”"),
        (changed(agencies=EXAMPLE["agencies"] * 2), "agencies: “police” is there 2 times."),
        (changed(people=[{"username": "a", "name": "A", "roles": ["agency-spoc"]}]), "Needs an agency for this role."),
        (changed(people=[{"username": "a", "name": "A", "roles": ["king"]}]), "roles, number 1: Must be one of: "),
        (changed(people=[{"username": "a", "name": "A", "email": "a@b"}]), "email: Must be an e-mail address."),
        (
            changed(people=[{"username": "a", "name": "A", "roles": ["marac-chair"], "wholeInstallation": True}]),
            "Only operators and auditors",
        ),
    ],
)
def test_a_file_that_is_not_right_enters_nothing_and_says_where(app: Flask, set_up: Any, said: Any, says: str) -> None:
    code, told, complained = set_up(said)
    assert code == 1
    assert says in told + complained
    assert complained.startswith("convenor: ")
    assert len(complained.splitlines()) == 1
    with app.app_context():
        assert db.session.execute(select(Area)).first() is None
        assert db.session.execute(select(User)).first() is None


def test_the_file_may_come_from_standard_input(app: Flask, set_up: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(json.dumps(EXAMPLE).encode())))
    assert main(["set-up", "-"]) == 0
    monkeypatch.setattr("sys.stdin", None)  # closed
    assert main(["set-up", "-"]) == 1


def test_what_is_published_from_the_command_line_is_in_the_audit(
    app: Flask, set_up: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    set_up(EXAMPLE)
    with app.app_context():
        db.session.execute(update(Area).values(demo=True))  # takes diagrams that declare nothing
        db.session.commit()
    file = tmp_path / "a.bpmn"
    file.write_bytes(doc(user("asked") + line("asked")))
    assert main(["publish", "--area", "borsetshire", str(file)]) == 0
    assert capsys.readouterr().out == "Release 1 is published in borsetshire.\n"
    with app.app_context():
        entry = db.session.execute(select(AuditEntry).where(AuditEntry.action == "release.publish")).scalar_one()
        assert (entry.actor, entry.digest is not None) == (None, True)


def test_all_that_is_wrong_with_a_release_is_told_at_once(
    app: Flask, set_up: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    set_up(EXAMPLE)
    files = [tmp_path / name for name in ("a.bpmn", "b.bpmn")]
    for file in files:
        file.write_text("This is no diagram.")
    assert main(["publish", "--area", "borsetshire", *map(str, files)]) == 1
    told = capsys.readouterr()
    assert [row.split(":")[0] for row in told.out.splitlines()] == ["a.bpmn", "b.bpmn"]
    assert told.err.startswith("convenor: Nothing was published, because the files have 2 problems.")
    with app.app_context():
        assert db.session.execute(select(Release)).first() is None
