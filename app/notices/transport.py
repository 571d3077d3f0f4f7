"""How mail leaves: by SMTP, or as files when no server is set."""

from __future__ import annotations

import os
import smtplib
import ssl
from dataclasses import dataclass
from email.message import EmailMessage
from ipaddress import ip_address
from math import inf
from pathlib import Path
from time import monotonic
from typing import Protocol
from urllib.parse import unquote, urlsplit

from app.notices.errors import MailError, MailRefused, MailServerDown
from app.settings import Settings, SettingsError

_PORTS = {"smtp": 25, "starttls": 587, "smtps": 465}
TIMEOUT_SECONDS = 10

# After the server was found down nobody tries for so long: hundreds of waiting messages must not each wait for a time-out while
# timers and other jobs stand behind them.
REST_SECONDS = 45


class Transport(Protocol):
    """What takes a finished message away."""

    def deliver(self, message: EmailMessage, name: str) -> None:
        """Hand one message over.

        :param name: a name for it that is the same on every attempt.
        :raises MailError: not now; try again later.
        :raises MailRefused: the recipient is refused for good.
        """


@dataclass(frozen=True, slots=True)
class SmtpTransport:
    """A mail server. ``security`` is ``smtp`` (as it is), ``starttls`` (must upgrade) or ``smtps`` (TLS from the start)."""

    security: str
    host: str
    port: int
    user: str = ""
    password: str = ""

    def deliver(self, message: EmailMessage, name: str) -> None:
        try:
            with self._connect() as server:
                if self.user:
                    server.login(self.user, self.password)
                server.send_message(message)
        except smtplib.SMTPRecipientsRefused as error:
            code = next((code for code, _ in error.recipients.values()), 0)
            if 500 <= code < 600:
                raise MailRefused(f"The mail server refused the recipient ({code}).", resource_id=name) from None
            raise MailError(f"The mail server did not take the recipient ({code}).", resource_id=name) from None
        except (smtplib.SMTPConnectError, smtplib.SMTPHeloError, smtplib.SMTPAuthenticationError) as error:
            raise MailServerDown(f"The mail server turned us away ({error.smtp_code}).", resource_id=name) from None
        except smtplib.SMTPNotSupportedError:
            raise MailError("The mail server lacks something that this message needs.", resource_id=name) from None
        except smtplib.SMTPResponseException as error:
            raise MailError(f"The mail server answered {error.smtp_code}.", resource_id=name) from None
        except (smtplib.SMTPException, OSError) as error:
            raise MailServerDown(
                f"The mail server cannot be used ({type(error).__name__}).", resource_id=name
            ) from None

    def _connect(self) -> smtplib.SMTP:
        if self.security == "smtps":
            return smtplib.SMTP_SSL(self.host, self.port, timeout=TIMEOUT_SECONDS, context=ssl.create_default_context())
        server = smtplib.SMTP(self.host, self.port, timeout=TIMEOUT_SECONDS)
        try:
            if self.security == "starttls":
                server.starttls(context=ssl.create_default_context())
        except BaseException:
            server.close()
            raise
        return server


@dataclass(slots=True)
class Resting:
    """A transport that is left alone for a while after it was found down. ``down_until`` is on the monotonic clock."""

    transport: Transport
    down_until: float = -inf

    def deliver(self, message: EmailMessage, name: str) -> None:
        if monotonic() < self.down_until:
            raise MailServerDown("The mail server was down a moment ago.", resource_id=name)
        try:
            self.transport.deliver(message, name)
        except MailServerDown:
            self.down_until = monotonic() + REST_SECONDS
            raise


@dataclass(frozen=True, slots=True)
class FileTransport:
    """Mail as ``.eml`` files in a folder that only this user can read."""

    folder: Path

    def deliver(self, message: EmailMessage, name: str) -> None:
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            part = self.folder / f".{name}.part"
            descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(message.as_bytes())
            part.replace(self.folder / f"{name}.eml")
        except OSError as error:
            raise MailError(
                f"The mail folder could not be written ({type(error).__name__}).", resource_id=name
            ) from None


def transport_for(settings: Settings) -> Transport:
    """The transport that the settings ask for.

    :raises SettingsError: ``CONVENOR_SMTP_URL`` is not an address that mail can be sent to.
    """
    if not settings.smtp_url:
        return FileTransport(settings.data / "mail")
    return Resting(parse_smtp_url(settings.smtp_url))


def parse_smtp_url(url: str) -> SmtpTransport:
    """``smtp://host:25``, ``starttls://user:password@host:587`` or ``smtps://user:password@host:465``.

    :raises SettingsError: it is none of these, or would send a password in clear over a network.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise _wrong("must be an address like starttls://user:password@mail.example.gov.uk:587") from None
    if parts.scheme not in _PORTS or not parts.hostname or parts.path.strip("/") or parts.query or parts.fragment:
        raise _wrong("must start with smtp://, starttls:// or smtps:// and name a host")
    if parts.username and parts.scheme == "smtp" and not _loopback(parts.hostname):
        raise _wrong("must start with starttls:// or smtps:// when it holds a password")
    return SmtpTransport(
        security=parts.scheme,
        host=parts.hostname,
        port=port or _PORTS[parts.scheme],
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
    )


def _loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _wrong(text: str) -> SettingsError:
    return SettingsError(f"CONVENOR_SMTP_URL: {text}.", resource_id="SMTP_URL")
