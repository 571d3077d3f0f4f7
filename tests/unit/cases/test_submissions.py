"""The latest of what was submitted is asked for once, and is never one that has been overtaken or destroyed."""

from __future__ import annotations

from typing import Any

from flask import Flask
from sqlalchemy import event

from app.cases import submissions
from app.cases.dossiers import open_case
from app.cases.models import Submission
from app.store.database import db

FORM, OTHER = "marac-referral", "marac-risk-checklist"


def submit(case: int, form_id: str = FORM, agency_key: int = 5) -> Submission:
    return submissions.record(
        case, {"a": agency_key}, form_id=form_id, release_key=1, element_id="E", agency_key=agency_key, by=1
    )


def asking() -> list[str]:
    sent: list[str] = []

    def note(_connection: Any, _cursor: Any, text: str, *_: Any) -> None:
        if "FROM submission" in text:
            sent.append(text)

    event.listen(db.engine, "before_cursor_execute", note)
    return sent


def test_the_latest_is_asked_for_once_until_another_is_recorded_or_it_is_destroyed(app: Flask) -> None:
    with app.app_context():
        case = open_case(1, "marac-case", by=1, agency_key=None).key
        first, second = submit(case), submit(case)
        db.session.commit()
        sent = asking()
        assert [submissions.latest(case, FORM), submissions.latest(case, FORM)] == [second, second]
        assert len(sent) == 1
        submissions.destroy(second)
        assert submissions.latest(case, FORM) is first
        assert submissions.latest(case, FORM, 6) is None
        third = submit(case, agency_key=6)
        assert submissions.latest(case, FORM) is third
        assert submissions.latest(case, FORM, 6) is third
        fourth = submit(case, agency_key=5)
        assert submissions.latest(case, FORM) is fourth
        assert [submissions.latest(case, FORM, key) for key in (5, 6)] == [fourth, third]


def test_the_newest_of_several_forms_is_what_this_transaction_recorded_else_the_last_that_is_kept(app: Flask) -> None:
    with app.app_context():
        case = open_case(1, "marac-case", by=1, agency_key=None).key
        assert submissions.newest(case, (FORM, OTHER)) is None
        submit(case)
        older = submit(case, OTHER)
        db.session.commit()
        assert submissions.newest(case, (FORM, OTHER)) is older
        newer = submit(case)
        assert submissions.newest(case, (FORM, OTHER)) is newer
