"""The operator's pages: what has stopped and why; trying again, proposing, approving; one at a time and many together."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select, update

from app.agencies.models import Area
from app.audit import AuditEntry
from app.cases.involvement import declare_conflict
from app.identity import register
from app.identity.models import User
from app.identity.person import Person
from app.notices import Notice
from app.operations import mending
from app.operations.mending import Mending, MendingItem, staffing
from app.operations.mending.models import Act
from app.runtime import late
from app.runtime import service as runtime
from app.runtime.mending import raise_elsewhere
from app.runtime.models import BufferedMessage, Incident, IncidentState, Instance
from app.runtime.timers import wake_failed
from app.store import jobs
from app.store.clock import business_now, clock
from app.store.database import db, new_key
from app.store.jobs import Handler, Job, handlers
from app.work.models import WorkItem
from tests.support.ward import SECRET, Ward
from tests.unit.runtime.runtime_kit import doc, line, props, user, z


@pytest.fixture
def ward(app: Flask) -> Ward:
    return Ward(app)


def path(key: int) -> str:
    return f"/admin/incidents/{key}"


def test_every_cause_is_listed_and_counts_are_of_ones_own_area(ward: Ward) -> None:
    with ward.app.app_context():
        here = register.find_user("oscar").area_key  # type: ignore[union-attr]
        far = Area(key=new_key(), slug="far", name="Far", demo=True, second_person=False)
        db.session.add(far)
        db.session.flush()
        for area, many in ((here, 51), (far.key, 1)):
            for number in range(many):
                for _ in range(2):
                    raise_elsewhere("JOB", f"Cause {number:02d} of {area}", area_key=area)
        db.session.commit()
        register.register_person("opal", "Opal", roles=[("operator", None)])
        db.session.commit()
        assert mending.count_around(person_of("oscar")) == 102
        assert mending.count_around(person_of("opal")) == 104, "of the whole installation"
    oscar = ward.as_("oscar")
    first, second = oscar.get("/admin/incidents"), oscar.get("/admin/incidents?causes=2")
    assert "51 causes" in first.text
    listed = {f"Cause {n:02d} of {here}" for n in range(51)}
    tables = [page.text.partition("Any time")[0] for page in (first, second)]
    assert sum(any(cause in table for table in tables) for cause in listed) == 51
    assert sum(cause in tables[0] for cause in listed) == 50
    assert f"Cause 00 of {far.key}" not in first.text + second.text


def person_of(username: str) -> Person:
    return register.person_for(register.find_user(username).key)  # type: ignore[union-attr]


def test_an_operator_sees_where_and_why_and_never_a_value(ward: Ward) -> None:
    instance = ward.begin(case=True, ready=SECRET, other=SECRET)
    found = ward.incident(instance)
    oscar = ward.as_("oscar")
    page = oscar.get("/admin/incidents")
    assert "fork" in page.text
    page = oscar.follow("fork")
    assert page.path == path(found.key)
    for words in ("gave a string instead of true or false", "=ready", "Condition", "release 1"):
        assert words.lower() in page.text.lower(), words
    assert SECRET not in page.content
    assert "Values are shown only to people who are cleared" in page.text
    assert oscar.status_of(f"{path(found.key)}/diagram.bpmn") == 200
    cora = ward.as_("cora").get(path(found.key))
    assert SECRET in cora.text, "the co-ordinator may read the case's variables"
    assert not cora.has_button("Try again")
    with ward.app.app_context():
        views = select(AuditEntry.subject, AuditEntry.actor).where(AuditEntry.action == "view.incident-values")
        assert [row.subject for row in db.session.execute(views)] == [f"incident:{found.key}"]


def test_lists_are_narrowed_by_kind_procedure_release_element_and_age(ward: Ward) -> None:
    ward.begin()
    clock.advance(timedelta(days=2))
    ward.begin("q")
    oscar = ward.as_("oscar")
    for query, shown in (
        ({"kind": "CONDITION"}, {"fork"}),
        ({"procedure": "q"}, {"dated"}),
        ({"element": "dated"}, {"dated"}),
        ({"release": "1"}, {"fork", "dated"}),
        ({"release": "2"}, set()),
        ({"age": "24"}, {"fork"}),
        ({"state": "resolved"}, set()),
    ):
        page = oscar.get("/admin/incidents", **query)
        rows = {link.text_content() for link in page.document.xpath("//tbody//th/a")}
        assert rows == shown, query


def test_a_correction_waits_for_a_process_owner_and_is_done_with_the_approval(ward: Ward) -> None:
    instance = ward.begin(case=True, ready="x")
    found = ward.incident(instance)
    oscar = ward.as_("oscar")
    oscar.get(path(found.key))
    page = oscar.press("Propose the correction", variable="ready", value="perhaps")
    assert page.status == 422
    assert "Say why" in page.text
    page = oscar.press("Propose the correction", variable="ready", value="{", reason="The form wrote a text.")
    assert page.status == 422
    assert "Enter a value in JSON" in page.text
    page = oscar.press("Propose the correction", variable="ready", value="true", reason="The form wrote a text.")
    assert "Waits for approval" in page.text
    proposal = page.path
    assert not page.has_button("Approve")
    assert ward.as_("oscar").post(f"{proposal}/approve", {}).status == 403
    assert ward.tasks(instance) == []
    olive = ward.as_("olive")
    assert "Open now: 1. 1 waits for your approval." in olive.get("/admin").text
    assert "The form wrote a text." in olive.get(proposal).text
    assert "Approved and done" in olive.press("Approve and do it").text
    assert ward.tasks(instance) == ["yes"]
    assert ward.audited() == ["incident.propose", "incident.approve", "incident.correct"]
    assert "approved by Olive" in oscar.get(path(found.key)).text
    assert olive.post(f"{proposal}/approve", {}).status == 409
    with ward.app.app_context():
        item = db.session.execute(select(MendingItem)).scalar_one()
        assert b"form wrote" not in item.told, "sealed with the case"


def test_whoever_has_a_conflict_of_interest_in_a_case_has_nothing_to_do_with_its_incidents(ward: Ward) -> None:
    instance = ward.begin(case=True, ready=SECRET)
    other = ward.begin(ready=SECRET)
    found, besides = ward.incident(instance), ward.incident(other)
    oscar = ward.as_("oscar")
    oscar.get(path(found.key))
    proposal = oscar.press("Propose the correction", variable="ready", value="true", reason="It wrote a text.").path
    with ward.app.app_context():
        row = db.session.get(Instance, instance)
        assert row is not None
        assert row.case_key is not None
        for username in ("oscar", "olive"):
            user = db.session.execute(select(User.key).where(User.username == username)).scalar_one()
            declare_conflict(row.case_key, user_key=user, agency_key=None, reason="A cousin", by=1)
        db.session.commit()
    for username in ("oscar", "olive"):
        person = ward.as_(username)
        listed = person.get("/admin/incidents").content
        assert path(found.key) not in listed
        assert path(besides.key) in listed
        assert proposal not in listed
        assert person.status_of(path(found.key)) == 404
        assert person.status_of(f"{path(found.key)}/diagram.bpmn") == 404
        assert person.status_of(proposal) == 404
    assert ward.as_("oscar").post(f"{path(found.key)}/retry", {}).status == 404
    assert ward.as_("olive").post(f"{proposal}/approve", {}).status == 404
    assert ward.tasks(instance) == []
    otto = ward.as_("otto")
    otto.get(proposal)
    assert "Approved and done" in otto.press("Approve and do it").text


def test_approving_needs_a_fresh_sign_in(ward: Ward, monkeypatch: pytest.MonkeyPatch) -> None:
    instance = ward.begin("q")
    ward.as_("oscar").get(path(ward.incident(instance).key))
    proposal = ward.as_("oscar").press("Propose to skip it", reason="No date is needed.").path
    olive = ward.as_("olive")
    olive.get(proposal)
    with monkeypatch.context() as patched:
        patched.setattr("app.identity.freshness.is_fresh", lambda person: False)
        token = olive.page.document.xpath("//input[@name='csrf_token']/@value")[0]
        answer = olive.client.post(
            f"{proposal}/approve", data={"csrf_token": token}, base_url="http://127.0.0.1:8000",
            headers={"Referer": "http://127.0.0.1:8000/"},
        )  # fmt: skip
    assert (answer.status_code, "fresh=1" in answer.headers["Location"]) == (302, True)
    assert ward.tasks(instance) == []


def test_a_stale_proposal_changes_nothing(ward: Ward) -> None:
    instance = ward.begin(ready="x")
    oscar = ward.as_("oscar")
    oscar.get(path(ward.incident(instance).key))
    proposal = oscar.press("Propose the correction", variable="ready", value="true", reason="It was a text.").path
    with ward.app.app_context():
        runtime.set_variables(instance, {"else": 1}, by=None)
        db.session.commit()
    ward.as_("olive").get(proposal)
    page = ward.as_("olive").press("Approve and do it")
    assert "moved on since" in page.text
    assert "Not done" in page.text
    assert ward.tasks(instance) == []
    with ward.app.app_context():
        assert runtime.plain_variables(instance) == {"ready": "x", "else": 1}


def test_a_process_owner_does_not_approve_their_own_and_refusing_changes_nothing(ward: Ward) -> None:
    instance = ward.begin("q")
    with ward.app.app_context():
        oscar = register.find_user("oscar")
        assert oscar is not None
        register.grant_role(oscar.key, "process-owner", area_key=ward.area)
        db.session.commit()
    browser = ward.as_("oscar")
    browser.get(path(ward.incident(instance).key))
    page = browser.press("Propose the move", target="next", reason="It is next.")
    proposal = page.path
    assert not page.has_button("Approve and do it")
    assert browser.post(f"{proposal}/approve", {}).status == 403
    ward.as_("otto").get(proposal)
    assert "Refused" in ward.as_("otto").press("Refuse", reason="No.").text
    assert ward.tasks(instance) == []
    browser.get(path(ward.incident(instance).key))
    proposal = browser.press("Propose the move", target="next", reason="It is next.").path
    ward.as_("otto").get(proposal)
    ward.as_("otto").press("Approve and do it")
    assert ward.tasks(instance) == ["next"]


def test_a_decision_is_neither_skipped_nor_passed(ward: Ward) -> None:
    instance = ward.begin("r")
    found = ward.incident(instance)
    oscar = ward.as_("oscar")
    page = oscar.get(path(found.key))
    assert "nobody may do or skip it for them" in page.text
    assert not page.has_button("Propose to skip it")
    assert not page.has_button("Propose the move")
    for act in ({"act": "skip"}, {"act": "move", "target": "e"}):
        oscar.get(path(found.key))
        assert oscar.post(f"{path(found.key)}/propose", {**act, "reason": "I want to."}).status == 422
    with ward.app.app_context():
        assert db.session.execute(select(Mending)).all() == []


def test_many_are_tried_again_together_as_a_job(ward: Ward) -> None:
    instances = [ward.begin(ready="x") for _ in range(25)]
    other = ward.begin("q")
    oscar = ward.as_("oscar")
    page = oscar.get("/admin/incidents")
    page = oscar.follow("Mend together")
    assert "25 incidents of the same cause" in page.text
    with ward.app.app_context():
        for key in instances[:20]:
            runtime.set_variables(key, {"ready": True}, by=None)
        db.session.commit()
    page = oscar.press("Try all again")
    assert "Being done" in page.text
    ward.work()
    page = oscar.get(page.path)
    assert "25 of 25: 20 went on, 5 stopped again, 0 not done" in page.text
    assert [ward.tasks(key) for key in instances] == [["yes"]] * 20 + [[]] * 5
    assert ward.incident(other).element_id == "dated"
    assert ward.audited().count("incident.retry") == 25


def test_many_are_corrected_together_after_one_approval(ward: Ward) -> None:
    instances = [ward.begin(ready="x") for _ in range(3)]
    oscar = ward.as_("oscar")
    oscar.get(f"{path(ward.incident(instances[0]).key)}/alike")
    proposal = oscar.press("Propose the correction", variable="ready", value="true", reason="Texts.").path
    with ward.app.app_context():
        runtime.set_variables(instances[2], {"else": 1}, by=None)
        db.session.commit()
    ward.as_("olive").get(proposal)
    assert "It is being done" in ward.as_("olive").press("Approve and do it").text
    ward.work()
    assert [ward.tasks(key) for key in instances] == [["yes"], ["yes"], []]
    assert "2 went on, 0 stopped again, 1 not done" in oscar.get(proposal).text


def test_a_job_that_was_killed_goes_on_where_it_stopped(ward: Ward) -> None:
    instances = [ward.begin(ready="x") for _ in range(mending.doing.CHUNK + 3)]
    with ward.app.app_context():
        for key in instances:
            runtime.set_variables(key, {"ready": True}, by=None)
        db.session.commit()
    ward.as_("oscar").get(f"{path(ward.incident(instances[0]).key)}/alike")
    ward.as_("oscar").press("Try all again")
    with ward.app.app_context():
        job = db.session.execute(select(Job).where(Job.kind == mending.doing.JOB_KIND)).scalar_one()
        mending.doing.run_job(job)
        db.session.rollback()  # killed before the commit
    assert [ward.tasks(key) for key in instances] == [[]] * len(instances)
    ward.work()
    assert [ward.tasks(key) for key in instances] == [["yes"]] * len(instances)
    assert ward.audited().count("incident.retry") == len(instances)


# ------------------------------------------------------------------------------------------------ who is told
def told(ward: Ward, template: str) -> list[tuple[str, str]]:
    """Who has had a notice of a kind, and its sentence."""
    with ward.app.app_context():
        query = select(Notice.params, User.username).join(User, User.key == Notice.recipient_key)
        rows = db.session.execute(query.where(Notice.template == template).order_by(Notice.key))
        return [(row.username, row.params["what"] or "") for row in rows]


def test_process_owners_are_told_of_a_proposal_and_the_operator_of_the_answer(ward: Ward) -> None:
    instance = ward.begin("q", case=True)
    with ward.app.app_context():
        case = db.session.execute(select(Instance.case_key).where(Instance.key == instance)).scalar_one()
        otto = db.session.execute(select(User.key).where(User.username == "otto")).scalar_one()
        assert case is not None
        declare_conflict(case, by=1, user_key=otto, reason="Cousin of one of the parties.")
        db.session.commit()
    oscar = ward.as_("oscar")
    oscar.get(path(ward.incident(instance).key))
    proposal = oscar.press("Propose to skip it", reason=f"About {SECRET}.").path
    assert told(ward, "mending-proposed") == [("olive", "")], "otto has a conflict of interest in the case"
    olive = ward.as_("olive")
    olive.get(proposal)
    olive.press("Approve and do it")
    assert told(ward, "mending-decided") == [("oscar", "What you proposed has been approved and done.")]

    second = ward.begin("q")
    oscar.get(path(ward.incident(second).key))
    proposal = oscar.press("Propose to skip it", reason="No date.").path
    assert [name for name, _ in told(ward, "mending-proposed")] == ["olive", "olive", "otto"]
    olive.get(proposal)
    olive.press("Refuse", reason="It has one.")
    assert told(ward, "mending-decided")[1:] == [("oscar", "What you proposed has been refused. Nothing was changed.")]
    oscar.get(path(ward.incident(second).key))
    oscar.press("Propose to skip it", reason="No date.")
    oscar.press("Take it back")
    assert len(told(ward, "mending-decided")) == 2, "whoever takes it back knows"
    with ward.app.app_context():
        about = Notice.template.like("mending-%")
        written = db.session.execute(select(Notice.reference, Notice.params, Notice.path).where(about)).all()
        assert SECRET not in str(written)
        assert {row.path.rpartition("/")[0] for row in written} == {"/admin/incidents/proposals"}


# ------------------------------------------------------------------------------------------------ what fails elsewhere
def test_a_task_that_nobody_can_take_is_an_incident_until_somebody_can(ward: Ward) -> None:
    instance = ward.begin("t")
    with ward.app.app_context():
        assert mending.look() == 1
        assert mending.look() == 0
    oscar = ward.as_("oscar")
    page = oscar.get("/admin/incidents")
    assert "Nobody can take this task: it is for IDVA manager" in page.text
    assert "It stopped again" in oscar.press("Try again").text
    with ward.app.app_context():
        user = register.register_person("ivy", "Ivy", area_key=ward.area, roles=[("idva-manager", ward.agency)])
        db.session.commit()
        key = user.key
    oscar.get("/admin/incidents")
    assert "It went on" in oscar.press("Try again").text
    with ward.app.app_context():
        register.deactivate(key)
        db.session.commit()
        assert mending.look() == 1, "shut out: nobody holds it any more"
        register.reactivate(key)
        db.session.commit()
        assert mending.look() == 1, "over by itself"
        assert runtime.incidents(instance) == []


def assigned(ward: Ward, who: str, **more: str) -> int:
    """An instance of an area's own procedure, which gives its one task to somebody by name or key."""
    with ward.app.app_context():
        task = user("theirs", z("assignmentDefinition", assignee="=who", **more))
        content = doc(task + line("theirs"), pid="own", ext=props(variable__who="string", startVariables="who"))
        runtime.publish_release({"own.bpmn": content}, area_key=ward.area, by=1)
        db.session.commit()
    return ward.begin("own", who=who)


def holder(ward: Ward, instance: int) -> str | None:
    with ward.app.app_context():
        query = select(User.username).join(WorkItem, WorkItem.assignee == User.key)
        return db.session.execute(query.where(WorkItem.instance_key == instance)).scalar_one_or_none()


@pytest.mark.parametrize("who", ["nemo", "12345678"])
def test_a_task_given_to_nobody_is_an_incident_and_goes_to_whom_the_correction_names(ward: Ward, who: str) -> None:
    instance = assigned(ward, who)
    with ward.app.app_context():
        assert mending.look() == 1
        assert mending.look() == 0
    found = ward.incident(instance)
    oscar = ward.as_("oscar")
    page = oscar.get(path(found.key))
    assert "Nobody can" in page.text
    assert "=who" in page.text
    assert "It stopped again" in oscar.press("Try again").text
    oscar.get(path(found.key))
    proposal = oscar.press("Propose the correction", variable="who", value="cora", reason="A slip.").path
    olive = ward.as_("olive")
    olive.get(proposal)
    assert "Approved and done" in olive.press("Approve and do it").text
    assert holder(ward, instance) == "cora"
    with ward.app.app_context():
        assert runtime.incidents(instance) == []
        assert mending.look() == 0
        assert "task-assigned" in set(db.session.execute(select(Notice.template)).scalars()), "she is told"
    cora = ward.as_("cora")
    cora.get("/work")
    assert "theirs" in cora.follow("theirs").text


def test_a_task_whose_holder_is_shut_out_or_works_elsewhere_is_an_incident_while_that_is_so(ward: Ward) -> None:
    with ward.app.app_context():
        cora = register.find_user("cora")
        assert cora is not None
        key, here = cora.key, cora.area_key
    instance = assigned(ward, str(key))
    with ward.app.app_context():
        assert mending.look() == 0
        register.deactivate(key)
        db.session.commit()
        assert mending.look() == 1
        assert "Nobody can do this task: whoever has it" in runtime.incidents(instance)[0].message
        register.reactivate(key)
        db.session.commit()
        assert mending.look() == 1, "over by itself"
        assert runtime.incidents(instance) == []
        there = Area(key=new_key(), slug="there", name="There", demo=True, second_person=False)
        db.session.add(there)
        db.session.flush()
        register.find_user("cora").area_key = there.key
        db.session.commit()
        assert mending.look() == 1
        register.find_user("cora").area_key = here
        db.session.commit()
        assert mending.look() == 1
        assert runtime.incidents(instance) == []


def test_a_task_that_others_may_take_too_is_offered_to_them_when_it_is_tried_again(ward: Ward) -> None:
    instance = assigned(ward, "nemo", candidateGroups="marac-coordinator")
    with ward.app.app_context():
        assert mending.look() == 0, "the co-ordinator may take it"
        [item] = db.session.execute(select(WorkItem).where(WorkItem.instance_key == instance)).scalars()
        item.assignee = register.register_person("leo", "Leo", area_key=ward.area).key
        db.session.flush()
        register.deactivate(item.assignee)
        db.session.commit()
        assert mending.look() == 1
    oscar = ward.as_("oscar")
    oscar.get(path(ward.incident(instance).key))
    assert "It went on" in oscar.press("Try again").text
    assert holder(ward, instance) is None
    assert "theirs" in ward.as_("cora").get("/work").text


def test_tasks_that_somebody_else_may_take_do_not_hide_one_that_nobody_may(
    ward: Ward, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(2):
        assigned(ward, "nemo", candidateGroups="idva-manager,marac-coordinator")
    instance = assigned(ward, "nemo", candidateGroups="idva-manager")
    monkeypatch.setattr(staffing, "AT_MOST", 2)
    with ward.app.app_context():
        assert [item.instance_key for item in staffing.without_anybody()] == [instance]


def test_a_task_of_an_instance_that_cannot_be_read_keeps_no_other_from_being_found(ward: Ward) -> None:
    damaged, other = assigned(ward, "nemo"), assigned(ward, "nemo")
    with ward.app.app_context():
        db.session.execute(update(Instance).where(Instance.key == damaged).values(state=b"damaged"))
        db.session.commit()
        assert mending.look() == 2
        assert [len(runtime.incidents(one)) for one in (damaged, other)] == [1, 1]


def test_a_job_that_has_failed_for_good_is_an_incident_and_tried_again(ward: Ward) -> None:
    runs: list[int] = []

    def fails_once(job: Job) -> None:
        runs.append(job.key)
        if len(runs) == 1:
            raise RuntimeError(SECRET)

    with ward.app.app_context():
        handlers.register("test.job", Handler(fails_once))
        jobs.enqueue("test.job", max_attempts=1)
        db.session.commit()
    ward.work()
    with ward.app.app_context():
        mending.look()
    oscar = ward.as_("oscar")
    page = oscar.get("/admin/incidents")
    assert "The job test.job has failed for good after 1 attempts (RuntimeError)." in page.text
    assert SECRET not in page.content
    oscar.follow("test.job")
    assert "It went on" in oscar.press("Try again").text
    ward.work()
    assert len(runs) == 2
    assert "Nothing has stopped" in oscar.get("/admin/incidents").text


def test_a_notice_that_could_not_be_sent_is_an_incident_and_sent_again(ward: Ward) -> None:
    from app import notices
    from app.notices.models import Notice, NoticeState

    with ward.app.app_context():
        cora = register.find_user("cora")
        assert cora is not None
        notices.send(
            notices.Template.TASK_ASSIGNED, [cora.key], reference="W-1", due=None, path="/work/1", area_key=ward.area
        )
        db.session.commit()
    ward.work()
    with ward.app.app_context():
        assert db.session.execute(select(Notice.state)).scalar_one() == NoticeState.FAILED, "she has no address"
        mending.look()
        cora = register.find_user("cora")
        assert cora is not None
        cora.email = "cora@example.gov.uk"
        db.session.commit()
    oscar = ward.as_("oscar")
    assert "could not be sent" in oscar.get("/admin/incidents").text
    oscar.press("Try again")
    ward.work()
    with ward.app.app_context():
        assert db.session.execute(select(Notice.state)).scalar_one() == NoticeState.SENT
        assert mending.look() == 0


def test_however_many_notices_have_failed_each_is_an_incident_until_it_is_sent(
    ward: Ward, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The earliest are not taken for mended because others have failed since."""
    from app import notices
    from app.notices.models import NoticeState

    monkeypatch.setattr("app.operations.mending.watching.AT_MOST", 2)
    with ward.app.app_context():
        written = [
            notices.send(
                notices.Template.TASK_ASSIGNED, [7], reference="W-1", due=None, path=f"/work/{n}", area_key=ward.area
            )
            for n in range(5)
        ]
        for (one,) in written:
            one.state = NoticeState.FAILED
        db.session.commit()
        keys = [one.key for (one,) in written]
        assert [mending.look() for _ in range(4)] == [2, 2, 1, 0]
        db.session.execute(update(Notice).where(Notice.key == keys[0]).values(state=NoticeState.SENT))
        db.session.commit()
        assert mending.look() == 1
        open_ = (
            select(Incident.subject_key).where(Incident.state == IncidentState.ACTIVE).order_by(Incident.subject_key)
        )
        assert list(db.session.execute(open_).scalars()) == keys[1:]


def test_a_broken_alarm_is_tried_again_from_the_page(ward: Ward) -> None:
    instance = ward.begin("t")
    with ward.app.app_context():
        wake_failed(Job(payload={"instance": str(instance)}), RuntimeError("x"))
        db.session.commit()
        assert runtime.instance(instance).has_incident
    oscar = ward.as_("oscar")
    oscar.get("/admin/incidents")
    assert "It went on" in oscar.press("Try again").text
    with ward.app.app_context():
        assert not runtime.instance(instance).has_incident


def test_reasons_are_destroyed_with_the_case(ward: Ward) -> None:
    instance = ward.begin("q", case=True)
    found = ward.incident(instance)
    oscar = ward.as_("oscar")
    oscar.get(path(found.key))
    oscar.press("Propose to skip it", reason=SECRET)
    with ward.app.app_context():
        from app.cases.destruction import destroy_case

        row = db.session.get(Instance, instance)
        assert row is not None
        assert row.case_key is not None
        runtime.forget_case(row.case_key)
        destroy_case(row.case_key, by=None)
        db.session.commit()
    page = oscar.get(path(found.key))
    assert SECRET not in page.content
    assert "Destroyed with its case" in page.text


def test_only_those_who_may_see_and_mend(ward: Ward) -> None:
    instance = ward.begin("q")
    found = ward.incident(instance)
    for username, seen in (("cora", 404), ("olive", 200)):
        browser = ward.as_(username)
        assert browser.status_of(path(found.key)) == seen, username
        browser.get("/account")
        for post in ("retry", "propose"):
            assert browser.post(f"{path(found.key)}/{post}", {"act": str(Act.SKIP), "reason": "x"}).status == 403
    with ward.app.app_context():
        outside = Area(key=new_key(), slug="far", name="Far", demo=True, second_person=False)
        db.session.add(outside)
        db.session.flush()
        register.register_person(
            "fay", "Fay", area_key=outside.key, roles=[("operator", None), ("process-owner", None)]
        )
        db.session.commit()
    fay = ward.as_("fay")
    assert fay.status_of(path(found.key)) == 404
    fay.get("/account")
    assert fay.post(f"{path(found.key)}/retry", {}).status == 404
    assert "Nothing has stopped" in fay.get("/admin/incidents").text


FORM = {
    "type": "default",
    "id": "slow",
    "schemaVersion": 19,
    "components": [
        {
            "type": "textfield",
            "id": "Field_a",
            "key": "a",
            "label": "A",
            "conditional": {"hide": "=count(for x in 1..600, y in 1..600 return x * y) > 1"},
        }
    ],
}
FILLED = doc(
    user("fill", z("formDefinition", formId="slow") + z("assignmentDefinition", candidateGroups="marac-coordinator"))
    + line("fill"),
    pid="f",
)


def test_a_condition_of_a_form_that_fails_is_an_incident(ward: Ward) -> None:
    with ward.app.app_context():
        files = {"f.bpmn": FILLED, "slow.form": json.dumps(FORM).encode()}
        runtime.publish_release(files, area_key=ward.area, by=1, allow_undeclared=True)
        db.session.commit()
    instance = ward.begin("f", case=True)
    cora = ward.as_("cora")
    for _ in range(2):
        with ward.app.app_context():
            key = db.session.execute(select(WorkItem.key).where(WorkItem.instance_key == instance)).scalar_one()
        cora.get(f"/work/{key}")
        if cora.page.has_button("Take this task"):
            cora.press("Take this task")
        page = cora.get(f"/work/{key}/begin")
        assert (page.status, page.title) == (500, "This form has stopped")
    found = ward.incident(instance)
    assert (found.kind, found.element_id) == ("FORM", "fill")
    text = ward.as_("oscar").get(path(found.key)).text
    assert "=count(for x in 1..600" in text
    with ward.app.app_context():
        assert mending.look() == 0, "it stays until somebody has seen to it"
        assert len(runtime.incidents(instance)) == 1


def test_a_form_that_is_not_in_the_release_is_an_incident(ward: Ward, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.runtime.releases.check_files", lambda *a, **k: [])
    with ward.app.app_context():
        runtime.publish_release({"f.bpmn": FILLED}, area_key=ward.area, by=1, allow_undeclared=True)
        db.session.commit()
    instance = ward.begin("f")
    found = ward.incident(instance)
    assert (found.kind, found.message) == (
        "FORM",
        "The form slow of this task is not in the release that the procedure runs on.",
    )
    oscar = ward.as_("oscar")
    oscar.get(path(found.key))
    assert "It stopped again" in oscar.press("Try again").text
    with ward.app.app_context():
        runtime.cancel_instance(instance, by=None)
        db.session.commit()
        assert mending.look() == 1
        assert runtime.incidents(instance) == []


def test_a_document_that_could_not_be_made_is_an_incident_and_made_again(
    ward: Ward, monkeypatch: pytest.MonkeyPatch
) -> None:
    from app.documents.models import Document, DocumentStatus

    instance = ward.begin("q", case=True)
    with ward.app.app_context():
        row = db.session.get(Instance, instance)
        assert row is not None
        made = Document(
            key=new_key(), area_key=ward.area, case_key=row.case_key, kind="minutes", title="Minutes", series="s",
            version=1, params={}, created_at=business_now(), status=DocumentStatus.FAILED,
        )  # fmt: skip
        db.session.add(made)
        db.session.commit()
        mending.look()
    oscar = ward.as_("oscar")
    oscar.get("/admin/incidents", kind="DOCUMENT")
    assert "The document minutes, version 1, could not be made." in oscar.page.text
    oscar.press("Try again")
    with ward.app.app_context():
        assert db.session.execute(select(Document.status)).scalar_one() == DocumentStatus.QUEUED


def test_a_message_that_was_not_taken_is_let_go_with_a_process_owners_approval(ward: Ward) -> None:
    instance = ward.begin(case=True, ready=True)
    with ward.app.app_context():
        area_key = runtime.instance(instance).area_key
        kept = BufferedMessage(
            key=new_key(),
            area_key=area_key,
            name="conference-cancelled",
            correlation_key=SECRET,
            payload={},
            taken_by=[],
            published_at=business_now(),
            expires_at=business_now() + timedelta(hours=1),
            late_for={str(instance): late.entry(late.Stand.TOLD, True)},
        )
        db.session.add(kept)
        raise_elsewhere(
            "MESSAGE",
            "The message conference-cancelled came.",
            area_key=area_key,
            instance_key=instance,
            subject_key=kept.key,
        )
        db.session.commit()
        mending.look()
    found = ward.incident(instance)
    oscar, olive = ward.as_("oscar"), ward.as_("olive")
    page = oscar.get(path(found.key))
    assert "A message that was not taken" in page.text
    assert SECRET not in page.content
    assert "now or if it comes to wait for it within an hour" in page.text
    proposal = oscar.press("Propose to let it go", reason="The meeting is over.").path
    olive.get(proposal)
    assert "Approved and done" in olive.press("Approve and do it").text
    assert ward.audited() == ["incident.propose", "incident.approve", "incident.skip"]
    with ward.app.app_context():
        assert db.session.query(BufferedMessage).count() == 0
        assert db.session.get(Incident, found.key).state == IncidentState.RESOLVED
    assert ward.tasks(instance) == ["yes"], "the procedure stays as it was"
