"""A victim dies: the case is kept, whoever acts in it is told and sees it before they act, and nothing of the procedure is ended by it."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import select

from app.cases import deaths, holds
from app.cases.models import Case, TimelineEvent
from app.store.database import db
from app.work.models import ItemState
from tests.support.hours import Time
from tests.support.stage import Stage

WHY = "DS Farrow telephoned at 9: she was found on Sunday"
SAYS = "The victim has died. Contact nobody in this case before you have spoken to the co-ordinator."
TOLD = "Read this before you act on a case"


@pytest.fixture
def stage(researching: Flask) -> Stage:
    """The borough while research is going on."""
    return Stage(researching, Time(researching))


@pytest.fixture
def case(stage: Stage) -> Case:
    found: Case = stage.look(lambda: db.session.execute(select(Case).order_by(Case.key)).scalars().first())
    return found


def record(stage: Stage, case: Case) -> None:
    cora = stage.as_("cora")
    cora.get(f"/cases/{case.key}")
    cora.follow("The victim has died")
    assert cora.press("Record the death").errors == ["Enter what is known, and who said so"]
    assert SAYS in cora.press("Record the death", reason=WHY).text


def test_the_case_is_held_everybody_is_told_and_each_task_says_so(stage: Stage, case: Case) -> None:
    ida = stage.as_("ida")
    ida.open_task("Contact the victim safely", case.reference)
    contact = f"/work/{ida.key}"
    open_before = [item.key for item in stage.items("ContactVictim", state=ItemState.OPEN)]
    stage.post()
    record(stage, case)
    assert {"ida", "chidi", "spoc.housing"} <= stage.told(TOLD), "who holds a task, who decides, who has the case"
    assert SAYS in ida.get(contact).text
    assert [item.key for item in stage.items("ContactVictim", state=ItemState.OPEN)] == open_before
    assert stage.state(case.reference) == case.state, "the case goes on"
    assert stage.case(case.reference).legal_hold
    assert [one.reason for one in stage.look(lambda: holds.decisions(case.key))] == [WHY]
    trail = stage.as_("audrey").get("/audit", case=case.reference).text
    assert "Recorded that the victim has died" in trail
    assert WHY not in trail
    other = next(one for one in stage.look(lambda: list(db.session.query(Case))) if one.key != case.key)
    assert SAYS not in stage.as_("cora").get(f"/cases/{other.key}").text


def test_who_said_so_is_sealed_and_goes_with_the_case(stage: Stage, case: Case) -> None:
    record(stage, case)
    kept = stage.look(lambda: [str(e.facts) for e in db.session.query(TimelineEvent).filter_by(dossier_key=case.key)])
    assert not [facts for facts in kept if "Farrow" in facts]
    assert not [letter for letter in stage.letters() if "Farrow" in letter.as_string() or "died" in letter.as_string()]
    page = stage.as_("chidi").get(f"/cases/{case.key}/death")
    assert WHY in page.text
    assert "Cora" in page.text


def test_an_error_is_taken_back_and_the_hold_stays(stage: Stage, case: Case) -> None:
    record(stage, case)
    cora = stage.as_("cora")
    cora.get(f"/cases/{case.key}/death")
    assert cora.post(f"/cases/{case.key}/death", {"act": "died", "reason": "Twice"}).status == 409
    cora.get(f"/cases/{case.key}/death")
    stage.post()
    page = cora.press("It was recorded in error", reason="It was another person of that name")
    assert SAYS not in page.text
    assert "chidi" in stage.told(TOLD)
    assert stage.case(case.reference).legal_hold
    assert not stage.look(lambda: deaths.has_died(case.key))
    cora.get(f"/cases/{case.key}/death")
    assert cora.post(f"/cases/{case.key}/death", {"act": "error", "reason": "Twice"}).status == 409


def test_only_who_decides_on_a_hold_records_it(stage: Stage, case: Case) -> None:
    for who in ("isla", "dee", "rosa", "spoc.housing", "oscar"):
        somebody = stage.as_(who)
        somebody.get("/account")
        said = {"act": "died", "reason": "Because"}
        assert somebody.post(f"/cases/{case.key}/death", said).status in (403, 404), who
    assert not stage.look(lambda: deaths.has_died(case.key))
