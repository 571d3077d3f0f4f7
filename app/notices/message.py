"""From a notice to the e-mail: plain text and simple HTML that say the same."""

from __future__ import annotations

from datetime import datetime
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from urllib.parse import urlsplit

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from app.notices.catalogue import CATALOGUE, Due, Template
from app.notices.errors import MailRefused
from app.notices.models import Notice
from app.notices.wording import day_in_words, due_in_words, start_in_words
from app.store.clock import wall_now

_environment = Environment(
    loader=PackageLoader("app.notices", "templates"),
    autoescape=select_autoescape(["html"]),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)


def compose(notice: Notice, *, address: str, path: str, base_url: str, sender: str) -> EmailMessage:
    """The e-mail of a notice. Its Message-ID comes from the notice's key, so that a message sent twice is seen to be one.

    :param path: where the link leads, with any one-time secret filled in.
    :raises MailRefused: the address cannot be one.
    """
    wording = CATALOGUE[Template(notice.template)]
    due = datetime.fromisoformat(notice.params["due"]) if notice.params.get("due") else None
    words = {
        "what": notice.params.get("what") or wording.what,
        "why": wording.why,
        "due": f"{wording.due.value} {_when(wording.due, due)}." if due else "",
        "reference": notice.reference,
        "link": wording.link,
        "url": base_url + path,
        "sign_in": wording.sign_in,
        "subject": _subject(wording.subject, wording.due, due),
    }
    message = EmailMessage()
    message["Subject"] = words["subject"]
    message["From"] = mailbox(sender, "Convenor")
    message["To"] = mailbox(address)
    message["Date"] = format_datetime(wall_now())
    message["Message-ID"] = f"<notice.{notice.key}@{urlsplit(base_url).hostname}>"
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "All"
    message.set_content(_environment.get_template("notice.txt").render(words), cte="quoted-printable")
    message.add_alternative(
        _environment.get_template("notice.html").render(words), subtype="html", cte="quoted-printable"
    )
    return message


def mailbox(address: str, name: str = "") -> Address:
    """An address in the form that a header takes.

    :raises MailRefused: it cannot be one.
    """
    try:
        box = Address(display_name=name, addr_spec=address)
    except (MessageError, ValueError, IndexError):
        box = Address()
    if not box.username or not box.domain:
        raise MailRefused("This is not an e-mail address.") from None
    return box


def _when(kind: Due, at: datetime) -> str:
    return start_in_words(at) if kind in {Due.NEW_DATE, Due.MEETING} else due_in_words(at)


def _subject(text: str, kind: Due, at: datetime | None) -> str:
    if at is None:
        return text
    return (
        f"{text}: {'it was due on' if kind is Due.WAS_DUE else 'by'} {day_in_words(at)}" if kind in _DEADLINES else text
    )


_DEADLINES = {Due.DO_BY, Due.WAS_DUE, Due.DECIDE_BY}
