"""What other people do meanwhile: through the same verbs as the pages, in the database of the served demo."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from flask import Flask, has_app_context
from sqlalchemy import select, update

from app.agencies.models import Agency, Area
from app.cases import deadlines
from app.cases.models import Case
from app.demo import acting, story
from app.factory import create_app
from app.identity.models import User, WebSession
from app.meetings import attendance
from app.meetings.models import Attendee, Meeting
from app.runtime import service as runtime
from app.settings import Env, Settings
from app.store.clock import business_now, clock, load_offset, wall_now
from app.store.database import db, reading
from app.store.jobs import Job, JobState
from app.work import research
from app.work.models import ItemState, WorkItem
from tests.browser.serving import Served
from tests.procedures import answers
from tests.support.waiting import wait_for
from tests.unit.runtime.runtime_kit import doc, line, user, z

Found = TypeVar("Found")
STOPPING = doc(user("dated", z("taskSchedule", dueDate="=1"), name="Choose a date") + line("dated"), pid="stopping")


class Backstage:
    """The same installation, seen from behind the pages."""

    def __init__(self, served: Served) -> None:
        self.served = served
        self.app: Flask = create_app(Settings(env=Env.TEST, data=Path(served.data), base_url=served.base))

    def close(self) -> None:
        with self.app.app_context():
            db.session.remove()
            db.engine.dispose()
        clock.set_offset(timedelta(0))

    @contextmanager
    def _inside(self) -> Iterator[None]:
        if has_app_context():  # a look in the middle of an act
            yield
            return
        with self.app.app_context():
            try:
                yield
            finally:
                db.session.expunge_all()
                db.session.rollback()

    def look(self, query: Callable[[], Found]) -> Found:
        """Look something up in the record."""
        with self._inside(), reading():
            load_offset()
            return query()

    # ------------------------------------------------------------------------------------------- acting
    def act(self, play: Callable[[], Found]) -> Found:
        """Let somebody do something, and keep it."""
        self.look(lambda: None)
        with self._inside():
            found = play()
            db.session.commit()
            return found

    def does(
        self,
        username: str,
        element: str,
        said: Mapping[str, Any] | Callable[[], Mapping[str, Any]],
        case: int | None = None,
    ) -> None:
        """Somebody completes their oldest task of an element."""

        def play() -> None:
            acting.do(username, element, said() if callable(said) else said, case_key=case)

        self.act(play)

    def refer_and_list(self, victim: dict[str, Any], perpetrator: dict[str, Any]) -> int:
        """A case from the referral to its place on the next agenda; its key."""

        def play() -> int:
            key = story.refer(victim, perpetrator)
            story.triage_and_list()
            return key

        return self.act(play)

    def nothing_held(self, username: str, meeting: int, *, leave: int | None = None) -> None:
        """An agency holds nothing on anybody named at a meeting; one case may be left unanswered."""

        def play() -> None:
            person = acting.person(username)
            rows = [row for row in research.sheet(meeting, person).rows if row.item.case_key != leave]
            research.answer_nothing_held(
                [row.item.key for row in rows],
                person,
                search_answers={"outcome": "NOTHING_HELD"},
                confirmation=answers.destroyed(),
            )

        self.act(play)

    def stop(self) -> int:
        """A small procedure stops at its first step; the incident's key."""

        def play() -> int:
            area = db.session.execute(select(Area.key)).scalars().first()
            assert area is not None
            runtime.publish_release({"stopping.bpmn": STOPPING}, area_key=area, by=None, allow_undeclared=True)
            return runtime.incidents(runtime.start("stopping", {}, area_key=area, by=None).key)[0].key

        return self.act(play)

    def age_sign_in(self, username: str) -> None:
        """The person signed in an hour ago, as far as their sessions know."""

        def play() -> None:
            mine = select(User.key).where(User.username == username).scalar_subquery()
            db.session.execute(
                update(WebSession).where(WebSession.user_key == mine).values(auth_time=wall_now() - timedelta(hours=1))
            )

        self.act(play)

    # ------------------------------------------------------------------------------------------- the record
    def user(self, username: str) -> str:
        return str(
            self.look(lambda: db.session.execute(select(User.key).where(User.username == username)).scalar_one())
        )

    def agency(self, slug: str) -> str:
        return str(self.look(lambda: db.session.execute(select(Agency.key).where(Agency.slug == slug)).scalar_one()))

    def case(self, key: int) -> Case:
        return self.look(lambda: db.session.execute(select(Case).where(Case.key == key)).scalar_one())

    def cases(self) -> list[Case]:
        """Every case, oldest first."""
        return self.look(lambda: list(db.session.execute(select(Case).order_by(Case.key)).scalars()))

    def meetings(self) -> list[Meeting]:
        """Every meeting, the one planned first first."""
        return self.look(lambda: list(db.session.execute(select(Meeting).order_by(Meeting.key)).scalars()))

    def items(self, element: str, **where: Any) -> list[WorkItem]:
        """Open tasks of an element, oldest first."""
        query = select(WorkItem).where(WorkItem.element_id == element, WorkItem.state == ItemState.OPEN)
        for name, value in where.items():
            query = query.where(getattr(WorkItem, name) == value)
        return self.look(lambda: list(db.session.execute(query.order_by(WorkItem.key)).scalars()))

    def item(self, element: str, **where: Any) -> WorkItem:
        """The oldest open task of an element."""
        found = self.items(element, **where)
        assert found, f"no open task {element} {where}"
        return found[0]

    def await_item(self, element: str, **where: Any) -> WorkItem:
        """The same, when the worker gets there."""
        wait_for(lambda: bool(self.items(element, **where)), f"a task {element}")
        return self.item(element, **where)

    def attendees(self, meeting: int) -> list[tuple[Attendee, str, str]]:
        """Each attendee with their name and user name ("" without an account)."""

        def find() -> list[tuple[Attendee, str, str]]:
            names = {user.key: user.username for user in db.session.execute(select(User)).scalars()}
            rows = attendance.of_meeting(meeting)
            return [(row, attendance.who_is(row).name, names.get(row.user_key or 0, "")) for row in rows]

        return self.look(find)

    # ------------------------------------------------------------------------------------------- time
    def deadline(self, dossier: int, name: str) -> datetime:
        """When something of a case or meeting is due."""

        def find() -> datetime:
            found = deadlines.current(dossier, name)
            assert found is not None, f"no deadline {name}"
            return found.due_at

        return self.look(find)

    def deadlines(self, dossier: int) -> list[str]:
        """Names of the deadlines that are not met yet."""
        return self.look(lambda: [row.name for row in deadlines.in_force(dossier) if row.met_at is None])

    def now(self) -> datetime:
        return self.look(business_now)

    def advance_to(self, at: datetime) -> None:
        """Move the demo's time to an instant and wait until all that is due by then has happened."""
        seconds = int((at - self.now()).total_seconds())
        assert seconds > 0, "business time only moves forwards"
        self.served.advance(f"PT{seconds}S")
        self.settle()

    def settle(self) -> None:
        """Wait until the worker has nothing to do."""
        wait_for(lambda: not self.look(self._due), "the worker has done what is due")

    @staticmethod
    def _due() -> bool:
        waiting = select(Job.key).where(Job.state == JobState.QUEUED, Job.due_at <= business_now())
        return db.session.execute(waiting.limit(1)).first() is not None
