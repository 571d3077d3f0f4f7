"""The borough as a scenario plays it: people at their browsers, the clock, the post, and what the record says."""

from __future__ import annotations

import email
from collections.abc import Callable, Mapping
from datetime import date, datetime
from email.message import EmailMessage
from email.policy import default
from io import BytesIO
from pathlib import Path
from typing import Any

from flask import Flask
from pypdf import PdfReader
from sqlalchemy import select

from app.agencies.models import Agency
from app.cases import actions, deadlines
from app.cases.models import Case, Deadline
from app.cases.parties import parties
from app.documents.models import Document
from app.identity.models import User
from app.meetings import attendance
from app.meetings.models import Attendee, Meeting
from app.store.clock import LONDON
from app.store.database import db
from app.work.models import WorkItem
from tests.support.browser import Browser, People
from tests.support.hours import Time


def london(day: int, month: int, hour: int = 0, minute: int = 0, year: int = 2026) -> datetime:
    """An instant of the scenario, London time."""
    return datetime(year, month, day, hour, minute, tzinfo=LONDON)


class Stage:
    """Everything a scenario needs, in the words of the procedure."""

    def __init__(self, app: Flask, hours: Time) -> None:
        self.app = app
        self.hours = hours
        self.people = People(app)
        self._read = 0
        self._opened: dict[Path, EmailMessage] = {}

    # ------------------------------------------------------------------------------------------- people and time
    def as_(self, username: str) -> Browser:
        """A person's browser."""
        return self.people.as_(username)

    def at(self, when: datetime) -> None:
        """Time goes on until an instant; everything due by then happens on the way."""
        self.hours.to(when)

    def settle(self) -> None:
        """What is due now happens: documents are made, mail goes out."""
        self.hours.settle()

    def given(self, answers: Callable[..., dict[str, Any]], *args: Any, **more: Any) -> dict[str, Any]:
        """Answers that look something up."""
        with self.app.app_context():
            return answers(*args, **more)

    # ------------------------------------------------------------------------------------------- the post
    def post(self) -> list[EmailMessage]:
        """Every e-mail since the last look."""
        found = self.letters()
        fresh, self._read = found[self._read :], len(found)
        return fresh

    def told(self, subject: str, task: int | None = None) -> set[str]:
        """Who has had an e-mail with this subject since the last look; about one task where its key is given."""
        link = f"/work/{task}" if task is not None else ""
        return {
            str(one["To"]).partition("@")[0]
            for one in self.post()
            if str(one["Subject"]).startswith(subject) and link in one.as_string()
        }

    def letters(self) -> list[EmailMessage]:
        """Every e-mail so far, oldest first."""
        self.settle()
        folder = self.app.config["SETTINGS"].data / "mail"
        files = sorted(folder.glob("*.eml"), key=lambda path: path.stat().st_mtime_ns) if folder.exists() else []
        for path in files:
            if path not in self._opened:
                self._opened[path] = email.message_from_bytes(path.read_bytes(), policy=default)  # type: ignore[assignment]
        return [self._opened[path] for path in files]

    # ------------------------------------------------------------------------------------------- the record
    def look(self, query: Callable[[], Any]) -> Any:
        """Look something up in the record."""
        with self.app.app_context():
            try:
                return query()
            finally:
                db.session.expunge_all()
                db.session.rollback()

    def case(self, reference: str) -> Case:
        """A case by its reference."""
        found: Case = self.look(
            lambda: db.session.execute(select(Case).where(Case.reference == reference)).scalar_one()
        )
        return found

    def state(self, reference: str) -> str:
        return self.case(reference).state

    def newest_case(self) -> str:
        """The reference of the case opened last."""
        return str(
            self.look(
                lambda: db.session.execute(select(Case.reference).order_by(Case.key.desc()).limit(1)).scalar_one()
            )
        )

    def parties(self, reference: str) -> list[str]:
        """Ids of a case's people."""
        key = self.case(reference).key
        return list(self.look(lambda: [str(one.key) for one in parties(key)]))

    def meetings(self) -> list[Meeting]:
        """All meetings, the one planned first first."""
        return list(self.look(lambda: list(db.session.execute(select(Meeting).order_by(Meeting.key)).scalars())))

    def deadline(self, dossier: int, name: str) -> Deadline | None:
        """The deadline of that name in force."""
        found: Deadline | None = self.look(lambda: deadlines.current(dossier, name))
        return found

    def action_due(self, reference: str, agency: str) -> date:
        """By when an agency's action on a case is to be done, as lists of actions print it."""
        case, owner = self.case(reference).key, int(self.agency(agency))
        (found,) = self.look(lambda: [row for row in actions.of_case(case) if row.owner_agency_key == owner])
        return found.due_date  # type: ignore[no-any-return]

    def user(self, username: str) -> str:
        """A person's id."""
        return str(
            self.look(lambda: db.session.execute(select(User.key).where(User.username == username)).scalar_one())
        )

    def agency(self, slug: str) -> str:
        """An agency's id."""
        return str(self.look(lambda: db.session.execute(select(Agency.key).where(Agency.slug == slug)).scalar_one()))

    def attendee(self, meeting: int, name: str) -> str:
        """The id of somebody on a meeting's attendance list."""

        def find() -> str:
            return next(str(a.key) for a in attendance.of_meeting(meeting) if attendance.who_is(a).name == name)

        return str(self.look(find))

    def attendees(self, meeting: int) -> list[tuple[Attendee, str, str]]:
        """Each attendee with name and user name ("" without an account)."""

        def find() -> list[tuple[Attendee, str, str]]:
            names = {u.key: u.username for u in db.session.execute(select(User)).scalars()}
            return [
                (a, attendance.who_is(a).name, names.get(a.user_key or 0, "")) for a in attendance.of_meeting(meeting)
            ]

        return list(self.look(find))

    def items(self, element: str, **where: Any) -> list[WorkItem]:
        """The tasks of an element, oldest first."""
        query = select(WorkItem).where(WorkItem.element_id == element).order_by(WorkItem.key)
        for name, value in where.items():
            query = query.where(getattr(WorkItem, name) == value)
        return list(self.look(lambda: list(db.session.execute(query).scalars())))

    def documents(self, **where: Any) -> list[Document]:
        """Documents, oldest first."""
        query = select(Document).order_by(Document.key)
        for name, value in where.items():
            query = query.where(getattr(Document, name) == value)
        return list(self.look(lambda: list(db.session.execute(query).scalars())))


def pdf_text(content: bytes) -> str:
    """What a PDF says, spaces made one."""
    return " ".join(" ".join(page.extract_text() for page in PdfReader(BytesIO(content)).pages).split())


def plain(answers: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """Answers with some changed."""
    return {**answers, **more}
