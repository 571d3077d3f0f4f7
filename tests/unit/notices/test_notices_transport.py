"""Where mail goes: the server that the setting names, or files."""

from __future__ import annotations

import stat
from email.message import EmailMessage
from pathlib import Path

import pytest
from notice_fakes import FakeDirectory, Wall

from app.notices.errors import MailError, MailServerDown
from app.notices.job import register_jobs
from app.notices.transport import REST_SECONDS, FileTransport, Resting, parse_smtp_url, transport_for
from app.settings import Env, Settings, SettingsError
from app.store.jobs import Handlers


def message() -> EmailMessage:
    mail = EmailMessage()
    mail["To"] = "ada@example.org"
    mail.set_content("hello")
    return mail


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("smtp://127.0.0.1", ("smtp", "127.0.0.1", 25, "", "")),
        ("starttls://mail.example", ("starttls", "mail.example", 587, "", "")),
        ("smtps://me%40x:p%3Aw@mail.example:1465", ("smtps", "mail.example", 1465, "me@x", "p:w")),
        ("smtp://me:pw@localhost:2525", ("smtp", "localhost", 2525, "me", "pw")),
    ],
)
def test_addresses_are_read(url: str, expected: tuple[object, ...]) -> None:
    found = parse_smtp_url(url)
    assert (found.security, found.host, found.port, found.user, found.password) == expected


@pytest.mark.parametrize(
    "url",
    [
        "http://mail.example",
        "mail.example:25",
        "smtp://",
        "smtp://h:99999",
        "smtp://h/path",
        "smtp://h?x=1",
        "smtp://u:p@mail.example",
    ],
)
def test_wrong_addresses_are_refused_by_the_name_of_the_setting(url: str) -> None:
    with pytest.raises(SettingsError, match=r"^CONVENOR_SMTP_URL: ") as caught:
        parse_smtp_url(url)
    assert "u:p" not in caught.value.message


def test_files_are_private_and_written_again_under_the_same_name(tmp_path: Path) -> None:
    transport = FileTransport(tmp_path / "mail")
    transport.deliver(message(), "42")
    transport.deliver(message(), "42")
    (file,) = (tmp_path / "mail").iterdir()
    assert file.name == "42.eml"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert b"To: ada@example.org" in file.read_bytes()


def test_a_folder_that_cannot_be_written_is_tried_again_later(tmp_path: Path) -> None:
    (tmp_path / "mail").write_text("in the way")
    with pytest.raises(MailError, match="folder"):
        FileTransport(tmp_path / "mail").deliver(message(), "42")


def test_the_settings_choose(tmp_path: Path) -> None:
    assert transport_for(Settings(env=Env.TEST, data=tmp_path)) == FileTransport(tmp_path / "mail")
    smtp = transport_for(Settings(env=Env.TEST, smtp_url="smtps://mail.example"))
    assert isinstance(smtp, Resting)
    with pytest.raises(SettingsError):
        transport_for(Settings(env=Env.TEST, smtp_url="gopher://mail.example"))


def test_a_server_found_down_is_left_alone_for_a_while(wall: Wall) -> None:
    class Down:
        tries = 0

        def deliver(self, message: EmailMessage, name: str) -> None:
            self.tries += 1
            raise MailServerDown("down")

    down = Down()
    transport = Resting(down)
    for _ in range(3):
        with pytest.raises(MailServerDown):
            transport.deliver(message(), "1")
    assert down.tries == 1
    wall.move(seconds=REST_SECONDS + 1)
    with pytest.raises(MailServerDown):
        transport.deliver(message(), "1")
    assert down.tries == 2


def test_a_temporary_no_does_not_stop_the_others() -> None:
    class Busy:
        tries = 0

        def deliver(self, message: EmailMessage, name: str) -> None:
            self.tries += 1
            raise MailError("451")

    busy = Busy()
    transport = Resting(busy)
    for _ in range(3):
        with pytest.raises(MailError):
            transport.deliver(message(), "1")
    assert busy.tries == 3


def test_a_wrong_sender_is_refused_at_start() -> None:
    with pytest.raises(SettingsError, match="CONVENOR_MAIL_FROM"):
        register_jobs(Handlers(), Settings(env=Env.TEST, mail_from="nobody"), FakeDirectory())
