"""Mending on both databases: a look-out, many tried again by a worker, two process owners at the same moment."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from app import schema
from app.errors import ConvenorError
from app.identity.person import Person
from app.identity.register import find_user, person_for
from app.operations import mending
from app.operations.mending import Act, MendingState
from app.runtime import service as runtime
from app.store.database import db
from tests.support.installation import Blank
from tests.support.ward import Ward


@pytest.fixture
def ward(blank: Blank, tmp_path: Path) -> Iterator[Ward]:
    with blank.empty(tmp_path / "data") as installation, installation.app() as app:
        schema.migrate(app)
        yield Ward(app)


def person(username: str) -> Person:
    user = find_user(username)
    assert user is not None
    return person_for(user.key)


def test_many_are_tried_again_and_a_lonely_task_is_found(ward: Ward) -> None:
    instances = [ward.begin(ready="x", case=True) for _ in range(25)]
    ward.begin("t")
    assert mending.look() == 1
    keys = [ward.incident(one).key for one in instances]
    found = mending.page(person("oscar"), mending.Filters(kind="ROLE", release=1))
    assert [row.element_id for row, _ in found.rows] == ["alone"]
    assert [cause.count for cause in mending.causes(person("oscar")).rows] == [25, 1]
    for key in instances[:20]:
        runtime.set_variables(key, {"ready": True}, by=None)
    db.session.commit()
    made = mending.retry(person("oscar"), keys)
    db.session.commit()
    ward.work()
    assert mending.progress(made.key) == {"done": 20, "stopped": 5}
    assert mending.find(person("oscar"), made.key).state == MendingState.DONE
    # Those that went on wait for somebody who may know of the case, of whom there is none: a slow worker's next look may find that too.
    assert [cause.count for cause in mending.causes(person("oscar")).rows if cause.kind != "ROLE"] == [5]


def test_two_who_approve_at_the_same_moment_do_it_once(ward: Ward) -> None:
    instance = ward.begin("q", case=True)
    stopped = ward.incident(instance).key
    made = mending.propose(person("oscar"), Act.SKIP, [stopped], reason="No date is needed.")
    db.session.commit()
    key, ready, told = made.key, threading.Barrier(2), list[str]()

    def approve(username: str) -> None:
        with ward.app.app_context():
            who = person(username)
            db.session.rollback()
            ready.wait()
            try:
                told.append(str(mending.approve(who, key).state))
                db.session.commit()
            except ConvenorError as error:
                db.session.rollback()
                told.append(error.message)

    threads = [threading.Thread(target=approve, args=(name,)) for name in ("olive", "otto")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(told) == ["This has been decided already.", "done"]
    assert ward.tasks(instance) == ["next"]
