"""The job that sends a notice.

Talking to a mail server may take seconds, so it happens between two transactions: the first looks the address up, the second records
that the mail went out together with the end of the job. Between them the ledger of sent notices is written: who tries again looks there.
A crash between the mail server's answer and the ledger's line sends the same message again, under the same Message-ID.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from sqlalchemy import update

from app.notices.errors import MailRefused
from app.notices.ledger import note_sent, sent_before
from app.notices.message import compose, mailbox
from app.notices.models import Failure, Notice, NoticeState
from app.notices.service import JOB_KIND, MAX_ATTEMPTS, SECRET
from app.notices.transport import Transport, transport_for
from app.settings import Settings, SettingsError
from app.store import faults
from app.store.clock import wall_now
from app.store.database import db
from app.store.jobs import Handler, Handlers, Job
from app.store.leases import still_held

# A refused recipient is mostly a closed mailbox, sometimes a relay set up wrongly: worth some tries, not days of them.
REFUSALS_TAKEN = 6


class Directory(Protocol):
    """Who can be reached where; filled at start-up. Addresses are looked up when the mail goes out and never kept in a notice."""

    def email_of(self, user_key: int) -> str | None:
        """The address of a user; None when there is none or the person is deactivated."""

    def email_of_ref(self, ref: str) -> str | None:
        """The address behind a reference, for somebody without an account."""

    def secret_of_ref(self, ref: str) -> str | None:
        """The one-time secret that completes the link for a reference; None when it has been used or has run out."""


@dataclass(frozen=True, slots=True)
class Sender:
    """Sends notices with one transport and one directory."""

    transport: Transport
    directory: Directory
    base_url: str
    mail_from: str
    ledger: Path

    def run(self, job: Job) -> None:
        """Send the notice that a job names, unless it has gone out already.

        :raises app.notices.errors.MailError: the mail server cannot take it now; the job is tried again.
        :raises LeaseLost: the process was stopped meanwhile, and another may send it.
        :raises MailRefused: the recipient is refused; tried again a few times.
        """
        notice = db.session.get(Notice, int(job.payload["notice"]))
        if notice is None or notice.state != NoticeState.QUEUED:
            return
        notice.attempts = job.attempts
        address, path = self._target(notice)
        if address is None or path is None:
            _settle(notice.key, NoticeState.FAILED, failure=Failure.NO_ADDRESS)
            return
        key = notice.key
        try:
            message = compose(notice, address=address, path=path, base_url=self.base_url, sender=self.mail_from)
            db.session.commit()  # no lock is held while the mail server is spoken to
            faults.point("notice.before-send")
            if job.attempts > 1 and (at := sent_before(self.ledger, key)) is not None:
                _settle(key, NoticeState.SENT, sent_at=at)
                return
            still_held(job)
            self.transport.deliver(message, str(key))
            faults.point("notice.after-send")
        except MailRefused:
            if job.attempts < REFUSALS_TAKEN:
                raise
            _settle(key, NoticeState.FAILED, failure=Failure.REFUSED)
        else:
            sent_at = wall_now()
            note_sent(self.ledger, notice, sent_at)
            _settle(key, NoticeState.SENT, sent_at=sent_at)

    def give_up(self, job: Job, _error: BaseException) -> None:
        """Mark the notice that could not be sent; it is counted in the metrics and can be sent again."""
        _settle(int(job.payload["notice"]), NoticeState.FAILED, failure=Failure.GAVE_UP)

    def _target(self, notice: Notice) -> tuple[str | None, str | None]:
        if notice.recipient_ref is None:
            return (self.directory.email_of(notice.recipient_key) if notice.recipient_key else None), notice.path
        path: str | None = notice.path
        if SECRET in notice.path:
            secret = self.directory.secret_of_ref(notice.recipient_ref)
            path = notice.path.replace(SECRET, secret) if secret else None
        return self.directory.email_of_ref(notice.recipient_ref), path


def register_jobs(handlers: Handlers, settings: Settings, directory: Directory) -> None:
    """Register what runs ``notice.send``.

    :raises app.settings.SettingsError: ``CONVENOR_SMTP_URL`` or ``CONVENOR_MAIL_FROM`` is wrong.
    """
    try:
        mailbox(settings.mail_from)
    except MailRefused:
        raise SettingsError("CONVENOR_MAIL_FROM: must be an e-mail address.", resource_id="MAIL_FROM") from None
    sender = Sender(transport_for(settings), directory, settings.base_url, settings.mail_from, settings.data / "ledger")
    handlers.register(JOB_KIND, Handler(run=sender.run, failed=sender.give_up, max_attempts=MAX_ATTEMPTS))


def _settle(key: int, state: NoticeState, *, failure: Failure | None = None, sent_at: datetime | None = None) -> None:
    """Say how it ended; a notice that was removed meanwhile, or is settled already, stays as it is."""
    db.session.execute(
        update(Notice)
        .where(Notice.key == key, Notice.state == NoticeState.QUEUED)
        .values(state=state, failure=failure, sent_at=sent_at)
    )
