"""The main job while every running instance changes its release before every act: nobody notices."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from app.demo import story
from app.runtime import moving, releases
from app.runtime.models import Instance, InstanceStatus
from app.runtime.moving import ElementMap
from app.store.database import db
from tests.procedures import test_both_databases as job
from tests.support import releases as redrawn
from tests.support.hours import Time
from tests.support.installation import Blank


class Restless:
    """Moves every running instance between two equal releases; each third time there and back and there again."""

    def __init__(self) -> None:
        self.rounds = 0
        self.moved: Counter[str] = Counter()

    def publish(self) -> None:
        """The shipped procedures once more, the diagrams a few bytes longer."""
        files = {
            name: content.replace(b"</bpmn:definitions>", b"<!-- again --></bpmn:definitions>")
            for name, content in redrawn.shipped().items()
        }
        redrawn.redraw(files)
        db.session.commit()

    def move(self) -> None:
        db.session.rollback()
        db.session.expire_all()
        self.rounds += 1
        for row in list(db.session.execute(select(Instance).where(Instance.status == InstanceStatus.ACTIVE)).scalars()):
            version = releases.definition(row.definition_key).version
            target = releases.find_definition(row.area_key, row.process_id, 2 if version == 1 else 1)
            elements = ElementMap(row.process_id)
            done = moving.move(row.key, target, elements)
            told = done.plan
            assert (told.tasks, told.timers, told.deadlines, told.notes) == ([], [], [], []), row.process_id
            if self.rounds % 3 == 0:
                moving.move_back(row.key, done.before, done.revision)
                assert row.state == done.before.state
                moving.move(row.key, target, elements)
            self.moved[row.process_id] += 1
        db.session.commit()


@pytest.mark.usefixtures("still")
@pytest.mark.parametrize("blank", ["sqlite"], indirect=True)
def test_the_main_job_runs_to_its_end_on_changing_releases(
    blank: Blank, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    restless = Restless()
    act, to, begin = job.act, Time.to, story.begin

    def begun(app: Flask, number: int) -> None:
        begin(app, number)
        db.session.commit()
        restless.publish()

    def acted(*given: Any) -> None:
        restless.move()
        act(*given)

    def gone_on(hours: Time, at: datetime) -> None:
        to(hours, at)
        restless.move()

    monkeypatch.setattr(story, "begin", begun)
    monkeypatch.setattr(job, "act", acted)
    monkeypatch.setattr(Time, "to", gone_on)
    job.test_a_referral_runs_to_closed_actions(blank, tmp_path)
    assert set(restless.moved) >= {"marac-case", "marac-meeting", "sharing-follow-up"}
    assert restless.moved.total() > 50
