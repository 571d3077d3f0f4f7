"""Notices against a real SMTP server, with the real worker: down and up again, TLS, passwords, refusals."""

from __future__ import annotations

import ipaddress
import socket
import ssl
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from flask import Flask
from sqlalchemy import select

from app import notices
from app.notices import Failure, Notice, NoticeState, Template
from app.settings import Env, Settings
from app.store import jobs
from app.store.database import db, prepare_engine
from app.store.jobs import Job
from app.store.worker import Worker, WorkerBeat

START = datetime(2026, 7, 6, 9, 0, tzinfo=UTC)
DUE = datetime(2026, 7, 15, 11, 0, tzinfo=UTC)
LEASE = timedelta(seconds=10)


class Wall:
    """Wall and business time, standing still until moved."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = START
        for place in (
            "app.store.jobs.wall_now",
            "app.store.jobs.business_now",
            "app.store.leases.wall_now",
            "app.store.worker.wall_now",
            "app.notices.job.wall_now",
            "app.notices.service.wall_now",
            "app.notices.message.wall_now",
        ):
            monkeypatch.setattr(place, lambda: self.now)
        monkeypatch.setattr("app.notices.transport.monotonic", lambda: (self.now - START).total_seconds())

    def move(self, **by: float) -> None:
        self.now += timedelta(**by)


class Mailbox:
    """What the server has taken; addresses in ``refuse`` get that answer."""

    def __init__(self) -> None:
        self.taken: list[EmailMessage] = []
        self.refuse: dict[str, str] = {}

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self.refuse:
            return self.refuse[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        assert isinstance(envelope.content, bytes)
        message = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(message, EmailMessage)
        assert [message["To"]] == envelope.rcpt_tos
        self.taken.append(message)
        return "250 taken"


class People:
    def email_of(self, user_key: int) -> str | None:
        return f"person{user_key}@example.org"

    def email_of_ref(self, ref: str) -> str | None:
        return None

    def secret_of_ref(self, ref: str) -> str | None:
        return None


@pytest.fixture
def wall(monkeypatch: pytest.MonkeyPatch) -> Wall:
    return Wall(monkeypatch)


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Flask]:
    app = Flask(__name__)
    app.config["SQLALCHEMY_DATABASE_URI"] = f"sqlite:///{tmp_path / 'test.sqlite3'}"
    db.init_app(app)
    with app.app_context():
        prepare_engine(db.engine)
        tables = [Notice.__table__, Job.__table__, WorkerBeat.__table__]
        db.metadata.create_all(db.engine, tables=tables)  # type: ignore[arg-type]
        yield app
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox()


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def serve(mailbox: Mailbox, port: int) -> Iterator[Callable[..., None]]:
    running: list[Controller] = []

    def start(**options: object) -> None:
        controller = Controller(mailbox, hostname="127.0.0.1", port=port, **options)  # type: ignore[arg-type]
        controller.start()
        running.append(controller)

    yield start
    for controller in running:
        controller.stop()


def worker(app: Flask, url: str, monkeypatch: pytest.MonkeyPatch) -> Worker:
    handlers = jobs.Handlers()
    settings = Settings(
        env=Env.TEST, smtp_url=url, base_url="https://convenor.example", mail_from="convenor@example.org"
    )
    notices.register_jobs(handlers, settings, People())
    monkeypatch.setattr("app.store.jobs.handlers", handlers)
    return Worker(app, lease=LEASE, name="test")


def send(*people: int) -> None:
    notices.send(Template.TASK_ASSIGNED, people, reference="AMB-2026-0042", due=DUE, path="/tasks/9", area_key=1)
    db.session.commit()


def states() -> list[str]:
    db.session.expire_all()
    found = list(db.session.execute(select(Notice.state).order_by(Notice.key)).scalars())
    db.session.rollback()
    return found


def test_mail_waits_out_two_days_without_a_server(
    app: Flask, wall: Wall, mailbox: Mailbox, port: int, serve: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    send(1, 2, 3)
    ours = worker(app, f"smtp://127.0.0.1:{port}", monkeypatch)
    while wall.now < START + timedelta(days=2):
        ours.run_until_idle()
        wall.move(minutes=34)
    assert states() == [NoticeState.QUEUED] * 3
    assert mailbox.taken == []
    serve()
    ours.run_until_idle()
    assert states() == [NoticeState.SENT] * 3
    assert sorted(m["To"] for m in mailbox.taken) == [f"person{n}@example.org" for n in (1, 2, 3)]
    assert len({m["Message-ID"] for m in mailbox.taken}) == 3
    wall.move(days=1)
    assert ours.run_until_idle() == 0
    assert len(mailbox.taken) == 3


def test_the_mail_says_who_must_act_by_when_and_where_and_nothing_else(
    app: Flask, wall: Wall, mailbox: Mailbox, port: int, serve: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    serve()
    send(1)
    worker(app, f"smtp://127.0.0.1:{port}", monkeypatch).run_until_idle()
    (message,) = mailbox.taken
    assert message["Subject"] == "You have a new task: by Wednesday 15 July 2026"
    part = message.get_body(("plain",))
    assert part is not None
    text = str(part.get_content())
    assert "Do this by midday on Wednesday 15 July 2026." in text
    assert "https://convenor.example/tasks/9" in text


def test_a_mailbox_that_is_busy_is_tried_again_and_a_closed_one_is_failed(
    app: Flask, wall: Wall, mailbox: Mailbox, port: int, serve: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    serve()
    mailbox.refuse = {"person1@example.org": "451 busy", "person2@example.org": "550 no such mailbox"}
    send(1, 2, 3)
    ours = worker(app, f"smtp://127.0.0.1:{port}", monkeypatch)
    for _ in range(8):
        ours.run_until_idle()
        wall.move(minutes=34)
    assert states() == [NoticeState.QUEUED, NoticeState.FAILED, NoticeState.SENT]
    assert [n.failure for n in notices.list_failed()] == [Failure.REFUSED]
    job = db.session.execute(select(Job)).scalar_one()
    assert job.error is not None
    assert "person1" not in job.error
    db.session.rollback()
    mailbox.refuse.clear()
    ours.run_until_idle()
    assert states() == [NoticeState.SENT, NoticeState.FAILED, NoticeState.SENT]


def test_starttls_with_a_password(
    app: Flask,
    wall: Wall,
    mailbox: Mailbox,
    port: int,
    serve: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    context = certificate(tmp_path)
    seen: list[tuple[bytes, bytes]] = []

    def check(server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: LoginPassword) -> AuthResult:
        seen.append((data.login, data.password))
        return AuthResult(success=data.password == b"p:ss", handled=False)

    serve(tls_context=context, require_starttls=True, authenticator=check, auth_required=True)
    send(1)
    untrusting = worker(app, f"starttls://me:p%3Ass@127.0.0.1:{port}", monkeypatch)
    untrusting.run_until_idle()
    assert mailbox.taken == []
    assert seen == []  # no password goes to a server whose certificate is not trusted
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert.pem"))
    wall.move(hours=1)
    worker(app, f"starttls://me:wrong@127.0.0.1:{port}", monkeypatch).run_until_idle()
    assert (mailbox.taken, seen[-1]) == ([], (b"me", b"wrong"))
    assert states() == [NoticeState.QUEUED]
    wall.move(hours=1)
    worker(app, f"starttls://me:p%3Ass@127.0.0.1:{port}", monkeypatch).run_until_idle()
    assert len(mailbox.taken) == 1
    assert states() == [NoticeState.SENT]


def certificate(folder: Path) -> ssl.SSLContext:
    """A server's context with a certificate of its own for 127.0.0.1, which is also written to ``cert.pem``."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return context
