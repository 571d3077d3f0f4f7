"""Tasks: claiming, handing over, four eyes, conflicts, the loser of a race."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask

from app.cases.involvement import declare_conflict
from app.demo import seed, story
from app.demo.acting import do, filled, open_items, person
from app.store.database import db
from app.work import completion, drafts, inbox, items, overview, starting
from app.work.errors import AnswersRefused, HeldByAnother, ItemClosed, NotOffered, SamePerson, UnknownItem
from app.work.models import WorkItem

ELIN, DARREN = story.VICTIM, story.PERPETRATOR


@pytest.fixture(scope="module")
def borough(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """One seeded borough for the module; every test rolls back."""
    from app.factory import create_app
    from app.settings import Env, Settings
    from app.store.clock import clock
    from tests.conftest import START

    clock.freeze(START)
    app = create_app(Settings(env=Env.TEST, data=tmp_path_factory.mktemp("borough")))
    with app.app_context():
        db.create_all()
        seed.people_and_procedures()
        db.session.commit()
    yield app
    clock.freeze(None)
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def world(borough: Flask) -> Iterator[None]:
    with borough.app_context():
        yield
        db.session.rollback()


def _waiting_for_a_manager() -> WorkItem:
    first = starting.start("marac-case", person("rosa"))
    assert first is not None
    do("rosa", "CompleteRiskChecklist", story.checklist_answers(ELIN, DARREN), case_key=first.case_key)
    do("rosa", "SeekAgreement", story.consent_answers(), case_key=first.case_key)
    do("rosa", "CompleteIswcForm", story.iswc_answers(), case_key=first.case_key)
    do("rosa", "AnswerChecklist", story.iswc_checklist_answers(), case_key=first.case_key)
    (item,) = open_items(person("mark"), "AuthoriseSharing", first.case_key)
    return item


def test_the_author_never_authorises_whatever_role_they_also_hold(world: None) -> None:
    from app.identity import register
    from app.identity.roles import Role

    item = _waiting_for_a_manager()
    rosa = person("rosa")
    with pytest.raises((NotOffered, UnknownItem)):
        items.claim(item.key, rosa)
    register.grant_role(rosa.key, Role.AUTHORISING_MANAGER, agency_key=rosa.agency_key, area_key=rosa.area_key)
    rosa = person("rosa")
    with pytest.raises(SamePerson):
        items.claim(item.key, rosa)
    with pytest.raises(SamePerson):
        completion.complete(item.key, rosa, story.authorise_answers())
    with pytest.raises(SamePerson):
        items.reassign(item, rosa.key, "r", by=person("cora"))
    with pytest.raises(SamePerson):
        items.take_over(item, "r", by=rosa)
    assert rosa.key not in {key for key, _ in items.hand_over_targets(item)}


def test_one_holds_a_task_and_the_other_is_told_who(world: None) -> None:
    item = _waiting_for_a_manager()
    items.claim(item.key, person("mark"))
    items.claim(item.key, person("mark"))
    with pytest.raises(HeldByAnother, match="Mark Mensah has this task"):
        items.claim(item.key, person("maya"))
    view = items.open_item(item.key, person("maya"))
    assert (view.holder_name, view.may_claim, view.may_complete) == ("Mark Mensah", False, False)
    items.release(item.key, person("mark"))
    assert items.claim(item.key, person("maya")).assignee == person("maya").key


def test_the_loser_of_a_race_is_told_by_whom(world: None) -> None:
    item = _waiting_for_a_manager()
    mark, maya = person("mark"), person("maya")
    answers = filled(item, mark, story.authorise_answers())
    completion.complete(item.key, mark, answers)
    with pytest.raises(ItemClosed, match="completed by Mark Mensah") as caught:
        completion.complete(item.key, maya, answers)
    assert caught.value.by == mark.key
    assert caught.value.at == item.completed_at


def test_a_task_is_handed_over_with_a_sealed_reason_to_somebody_who_may(world: None) -> None:
    item = _waiting_for_a_manager()
    items.claim(item.key, person("mark"))
    assert [name for _, name in items.hand_over_targets(item)] == ["Maya Lindqvist"]
    with pytest.raises(UnknownItem):
        items.hand_over(item.key, person("ida").key, "r", person("mark"))
    with pytest.raises(UnknownItem):
        items.hand_over(item.key, person("maya").key, "r", person("ida"))
    items.hand_over(item.key, person("maya").key, "I am on leave", person("mark"))
    assert item.assignee == person("maya").key


def test_a_conflict_of_interest_beats_every_grant(world: None) -> None:
    item = _waiting_for_a_manager()
    mark = person("mark")
    assert item.case_key is not None
    declare_conflict(item.case_key, user_key=mark.key, reason="He knows the family", by=person("chidi").key)
    with pytest.raises(UnknownItem):
        items.open_item(item.key, mark)
    with pytest.raises(UnknownItem):
        items.claim(item.key, mark)
    assert inbox.search(mark, view="team").total == 0
    assert mark.key not in {key for key, _ in items.hand_over_targets(item)}


def test_strangers_cannot_tell_whether_a_task_exists(world: None) -> None:
    item = _waiting_for_a_manager()
    for username in ("spoc.housing", "gwen", "audrey", "oscar", "nora"):
        with pytest.raises(UnknownItem) as hidden:
            items.open_item(item.key, person(username))
        with pytest.raises(UnknownItem) as missing:
            items.open_item(12345, person(username))
        assert hidden.value.message == missing.value.message


def test_answers_that_do_not_pass_change_nothing(world: None) -> None:
    item = _waiting_for_a_manager()
    mark = person("mark")
    drafts.save(item, mark, {"decision": "APPROVE"})
    with pytest.raises(AnswersRefused) as caught:
        completion.complete(item.key, mark, {"decision": "APPROVE"})
    assert {anchor for anchor, _ in caught.value.errors} >= {"reason"}
    assert item.state == "open"
    kept = drafts.load(item, mark)
    assert kept is not None
    assert kept[0] == {"decision": "APPROVE"}


def test_the_list_shows_names_to_those_cleared_and_finds_by_reference_and_name(world: None) -> None:
    item = _waiting_for_a_manager()
    (row,) = inbox.search(person("mark"), view="team").rows
    assert row.item.key == item.key
    assert row.parties == ["Elin Marsh", "Darren Pole"]
    assert inbox.search(person("mark"), view="team", text=row.reference.lower()).total == 1
    assert inbox.search(person("mark"), view="team", text="Ellie Marsh").total == 1
    assert inbox.search(person("mark"), view="team", text="Nobody Known").total == 0
    assert inbox.search(person("ida"), view="team", text="Elin Marsh").total == 0


def test_who_has_more_tasks_than_anybody_reads_is_told_so(world: None, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(4):
        _waiting_for_a_manager()
    assert overview.overview(person("mark")).counts == {"mine": 0, "team": 4}
    whole = inbox.search(person("mark"), view="team", size=2)
    assert (whole.total, whole.pages, whole.cut) == (4, 2, False)
    monkeypatch.setattr(inbox, "LISTED", 3)
    cut = inbox.search(person("mark"), view="team", size=2, page=9)
    assert (cut.total, cut.pages, cut.page, cut.cut) == (4, 2, 2, True)
    monkeypatch.setattr(inbox, "LISTED", 2)
    monkeypatch.setattr(overview, "LISTED", 2)
    assert overview.overview(person("mark")).counts == {"mine": 0, "team": 3}, "counting ends where the list does"
    assert inbox.search(person("mark"), view="team", size=2).pages == 1
