"""Settings: production by default, and one sentence for what is wrong."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from app import keys
from app.cli.main import main
from app.keys import fresh_key
from app.settings import Env, Settings, SettingsError, load_settings, parse_key_ring, unknown_names

GOOD = {
    "secret_key": "x" * 40,
    "master_keys": f"1:{fresh_key()}",
    "index_key": fresh_key(),
    "audit_key": fresh_key(),
    "base_url": "https://convenor.example.gov.uk",
    "oidc_issuer": "https://id.example.gov.uk",
    "oidc_client_secret": "s",
}


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    for name in list(os.environ):
        if name.startswith("CONVENOR_"):
            monkeypatch.delenv(name)


def test_production_is_the_default_and_needs_every_key() -> None:
    assert load_settings(**GOOD).env is Env.PRODUCTION
    for name in GOOD:
        with pytest.raises(SettingsError) as caught:
            load_settings(**{k: v for k, v in GOOD.items() if k != name})
        assert f"CONVENOR_{name.upper()}" in caught.value.message


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"base_url": "http://convenor.example.gov.uk"}, "https://"),
        ({"base_url": "https://convenor.example.gov.uk/path"}, "without a path"),
        ({"master_keys": "1:short"}, "32 bytes in base64"),
        ({"base_url": "https://convenor example"}, "without a path"),
        ({"master_keys": f"1:{fresh_key()},1:{fresh_key()}"}, "must give each key a version of its own"),
        ({"index_key": f"1:{fresh_key()}"}, "CONVENOR_INDEX_KEY must be one key of 32 bytes"),
        ({"audit_key": f"1:{fresh_key()},2:{fresh_key()}"}, "CONVENOR_AUDIT_KEY must be one key of 32 bytes"),
        ({"secret_key": "short"}, "CONVENOR_SECRET_KEY must be at least 32 characters long"),
        ({"oidc_issuer": "http://id.example.gov.uk"}, "CONVENOR_OIDC_ISSUER must start with https://"),
        ({"oidc_client_id": ""}, "CONVENOR_OIDC_CLIENT_ID must not be empty"),
        ({"log_level": "LOUD"}, "CONVENOR_LOG_LEVEL must be one of DEBUG, INFO"),
        ({"port": 99999}, "CONVENOR_PORT"),
        ({"env": "demo", "bind": "0.0.0.0"}, "loopback"),
        ({"env": "staging"}, "CONVENOR_ENV must be one of production, demo, test."),
        ({"port": "eighty"}, "CONVENOR_PORT must be a whole number."),
        ({"port": "0x50"}, "CONVENOR_PORT must be a whole number."),
        ({"session_hours": "25"}, "CONVENOR_SESSION_HOURS must be a whole number from 1 to 24."),
        ({"embedded_worker": "perhaps"}, "CONVENOR_EMBEDDED_WORKER must be true or false."),
        ({"outside_workers": "scales"}, "CONVENOR_OUTSIDE_WORKERS must be a list like NAME=TYPE,TYPE;NAME=TYPE"),
        ({"outside_workers": "a=x;a=y"}, "each account once"),
        ({"outside_workers": "a=x*y"}, "a TYPE may end in *"),
        ({"bank_holidays": "7 June 2027"}, "CONVENOR_BANK_HOLIDAYS must be a list of days like 2027-06-07,-2027-05-31"),
        ({"bank_holidays": "2027-06-31"}, "CONVENOR_BANK_HOLIDAYS must be a list of days"),
        ({"bank_holidays": "2027-06-07,-2027-06-07"}, "each once"),
    ],
)
def test_a_wrong_setting_is_named(change: dict[str, object], says: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings(**{**GOOD, **change})
    assert says in caught.value.message
    assert "\n" not in caught.value.message


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"ENV": "test", "PORT": " 8123", "EMBEDDED_WORKER": "off", "DATA": "/srv/convenor"}.items():
        monkeypatch.setenv(f"CONVENOR_{name}", value)
    found = load_settings(port=9000)
    assert (found.env, found.port, found.embedded_worker, found.data) == (Env.TEST, 9000, False, Path("/srv/convenor"))
    assert load_settings().base_url == "http://127.0.0.1:8123"


def test_an_account_has_the_types_of_work_that_are_named_for_it() -> None:
    found = load_settings(**GOOD, outside_workers=" scales-1 = outside:scales, outside:weigh; cad@x=outside:cad-* ;")
    assert found.job_types_of("scales-1") == ("outside:scales", "outside:weigh")
    assert found.job_types_of("cad@x") == ("outside:cad-*",)
    assert found.job_types_of("olive") == load_settings(**GOOD).job_types_of("scales-1") == ()


def test_the_development_provider_never_runs_in_production() -> None:
    assert not load_settings(**GOOD).development_provider
    assert load_settings(env="demo").development_provider
    assert not load_settings(env="demo", oidc_issuer="https://id.example").development_provider


def test_demo_keys_are_made_once_and_only_for_the_demo(tmp_path: object) -> None:
    first = keys.complete(load_settings(env="demo", data=tmp_path))
    again = keys.complete(load_settings(env="demo", data=tmp_path))
    assert first.master_keys == again.master_keys
    assert parse_key_ring(first.master_keys).keys() == {1}
    with pytest.raises(SettingsError):
        load_settings(**{**GOOD, "audit_key": ""})


@pytest.mark.parametrize("command", [["serve"], ["worker"], ["migrate"], ["audit", "verify"]])
def test_the_command_line_says_it_in_one_line_and_exits_with_2(
    command: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONVENOR_SECRET_KEY", "")
    assert main(command) == 2
    said = capsys.readouterr().err
    assert said.startswith("convenor: CONVENOR_")
    assert said.count("\n") == 1


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("DATABASE_URL", "convenor", "CONVENOR_DATABASE_URL must be an address like postgresql://"),
        ("DATABASE_URL", "mysql://host/name", "CONVENOR_DATABASE_URL must be an address like postgresql://"),
        (
            "DATABASE_URL",
            "postgresql://host:port/name",
            "CONVENOR_DATABASE_URL must be an address like postgresql://",
        ),
        ("DATA", "file", "CONVENOR_DATA must be a folder that Convenor may make and write in: "),
        ("DATA", "file/below", "CONVENOR_DATA must be a folder that Convenor may make and write in: "),
    ],
)
def test_what_cannot_be_used_is_said_in_one_line(
    name: str,
    value: str,
    says: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("CONVENOR_ENV", "demo")
    monkeypatch.setenv("CONVENOR_DATA", str(tmp_path / "data"))
    monkeypatch.setenv(f"CONVENOR_{name}", value if name == "DATABASE_URL" else str(tmp_path / value))
    assert main(["audit", "verify"]) == 2
    told = capsys.readouterr().err
    assert told.startswith(f"convenor: {says}")
    assert told.count("\n") == 1


def test_demo_commands_are_refused_in_production(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in GOOD.items():
        monkeypatch.setenv(f"CONVENOR_{name.upper()}", value)
    monkeypatch.setenv("CONVENOR_ENV", "production")
    for command in (["demo", "people"], ["demo", "advance", "P1D"], ["token", "cora"]):
        assert main(command) == 1
        assert "refused in production" in capsys.readouterr().err


def test_a_mistyped_name_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONVENOR_SESION_HOURS", "2")
    monkeypatch.setenv("CONVENOR_SESSION_HOURS", "2")
    assert unknown_names() == ["CONVENOR_SESION_HOURS"]


def test_every_setting_is_in_the_guides_and_the_other_way_round() -> None:
    guides = (Path(__file__).parents[2] / "docs" / "operators").glob("*.md")
    told = {name for guide in guides for name in re.findall(r"CONVENOR_[A-Z_]+", guide.read_text(encoding="utf-8"))}
    of_tests = {name for name in told if name.startswith("CONVENOR_SOAK_")}
    assert told - of_tests == {f"CONVENOR_{each.name.upper()}" for each in fields(Settings)}
