"""People with a place in more than one agency, and people of more than one area: what is done belongs to the right one, and stays in it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from app.agencies import contacts
from app.agencies.models import Agency, Area, ContactRole
from app.cases.models import Case
from app.identity import register
from app.identity.models import User
from app.store.clock import business_now
from app.store.database import db, new_key
from app.web.auth import agency_by_slug
from app.work.forms import context_of
from app.work.models import WorkItem
from tests.support.browser import Browser, People


@pytest.fixture
def people(borough: Flask) -> People:
    return People(borough)


@pytest.fixture
def far(borough: Flask) -> dict[str, int]:
    """A second area with an agency, a co-ordinator (faye) and a process owner (ford); and somebody of no place yet (newt)."""
    with borough.app_context():
        area = Area(key=new_key(), slug="far", name="Far", demo=True, second_person=False)
        db.session.add(area)
        db.session.flush()
        agency = Agency(
            key=new_key(), area_key=area.key, slug="far-police", name="Far Police", kind="police", tier="core"
        )
        db.session.add(agency)
        found = {"area": area.key, "agency": agency.key}
        for username, role in (("faye", "marac-coordinator"), ("ford", "auditor")):
            found[username] = register.register_person(
                username, username.title(), area_key=area.key, roles=[(role, None)]
            ).key
        found["newt"] = register.register_person("newt", "Newt").key
        found["opal"] = register.register_person("opal", "Opal", roles=[("operator", None)]).key
        db.session.commit()
    return found


def agency(app: Flask, slug: str) -> int:
    with app.app_context():
        return int(db.session.execute(select(Agency.key).where(Agency.slug == slug)).scalar_one())


def user_key(app: Flask, username: str) -> int:
    with app.app_context():
        return int(db.session.execute(select(User.key).where(User.username == username)).scalar_one())


def give(browser: Browser, user: int, role: str, at: int) -> Any:
    return browser.get(f"/admin/people/{user}") and browser.press("Give the role", role=role, agency=str(at))


def referral(app: Flask, username: str) -> tuple[Case, WorkItem]:
    People(app).as_(username).start("marac-case")
    with app.app_context():
        case = db.session.execute(select(Case).order_by(Case.key.desc())).scalars().first()
        assert case is not None
        item = db.session.execute(select(WorkItem).where(WorkItem.case_key == case.key)).scalars().one()
        db.session.expunge_all()
        return case, item


def test_a_referral_belongs_to_the_agency_where_its_writer_may_refer(borough: Flask, people: People) -> None:
    """Rhea works for housing and refers for probation."""
    housing, probation = agency(borough, "housing"), agency(borough, "probation")
    with borough.app_context():
        rhea = register.register_person(
            "rhea",
            "Rhea",
            agency_key=housing,
            area_key=register.find_user("cora").area_key,  # type: ignore[union-attr]
            roles=[("agency-strategic-lead", housing)],
        ).key
        db.session.commit()
    give(people.as_("cora"), rhea, "referring-practitioner", probation)
    case, item = referral(borough, "rhea")
    assert (case.referring_agency_key, item.agency_key) == (probation, probation)
    assert people.as_("rhea").status_of(f"/cases/{case.key}") == 200
    assert people.as_("rafe").status_of(f"/cases/{case.key}") == 200
    assert people.as_("rhys").status_of(f"/cases/{case.key}") == 404
    with borough.app_context():
        found = context_of(db.session.merge(item), register.person_for(rhea)).values["agencyUsers"]
        assert {"value": str(rhea), "label": "Rhea", "agency": str(probation)} in found, (
            "who acts for it is one of its people"
        )
        assert {one["agency"] for one in found} == {str(probation)}
        assert rhea in {user.key for user in register.people_of((housing,))[housing]}


def test_who_may_refer_for_two_agencies_is_asked_for_which(borough: Flask, people: People) -> None:
    housing, probation = agency(borough, "housing"), agency(borough, "probation")
    rhys = people.as_("rhys")
    give(people.as_("cora"), user_key(borough, "rhys"), "referring-practitioner", probation)
    rhys.get("/work")
    page = rhys.press("Refer")
    assert page.title.startswith("Which agency")
    assert page.forms[-1].choices("agency") == [str(housing), str(probation)]
    assert "Select the agency" in rhys.press("Continue").text
    rhys.press("Continue", agency=str(probation))
    with borough.app_context():
        [case] = db.session.execute(select(Case)).scalars()
        assert case.referring_agency_key == probation
    assert rhys.post("/work/start/marac-case", {"agency": str(agency(borough, "police"))}).title.startswith(
        "Which agency"
    )


def test_who_comes_new_belongs_to_the_area_and_agency_of_the_first_role(
    borough: Flask, people: People, far: dict[str, int]
) -> None:
    police, cora, newt = agency(borough, "police"), people.as_("cora"), far["newt"]
    assert "Newt" in cora.get("/admin/people").text
    assert "Newt" in people.as_("faye").get("/admin/people").text
    give(cora, newt, "referring-practitioner", police)
    case, _ = referral(borough, "newt")
    assert case.referring_agency_key == police
    assert people.as_("newt").status_of(f"/cases/{case.key}") == 200
    assert f'value="{newt}"' in cora.get("/admin/agencies").content, "they can be approved as a contact"
    faye = people.as_("faye")
    assert "Newt" not in faye.get("/admin/people").text, "and are no other area's to act upon"
    for act in ("sign-out", "deactivate", "roles", "roles/end"):
        assert (
            faye.post(f"/admin/people/{newt}/{act}", {"role": "referring-practitioner", "agency": police}).status == 404
        )
    assert people.as_("newt").status_of("/work") == 200


def test_a_contact_who_begins_later_is_seen_and_can_be_taken_back(borough: Flask, people: People) -> None:
    housing, cora = agency(borough, "housing"), people.as_("cora")
    give(cora, user_key(borough, "rafe"), "agency-representative", housing)
    page = cora.get("/admin/agencies")
    assert str(user_key(borough, "rafe")) in page.form_to(f"/agencies/{housing}/contacts").choices("user"), (
        "for two agencies"
    )
    with borough.app_context():
        row = contacts.add(housing, user_key(borough, "rhys"), ContactRole.DEPUTY, "rhys@housing.example.gov.uk")
        row.active_from = business_now() + timedelta(days=30)
        ending = f"/contacts/{row.key}/end"
        db.session.commit()
    assert "From 1 April 2026" in cora.get("/admin/agencies").text
    assert "Rhys Tanner, Deputy" in cora.page.text
    cora.send(cora.page.form_to(ending))
    assert "Their role at the agency stays" in cora.page.text
    assert "Rhys Tanner, Deputy" not in cora.get("/admin/agencies").text


def test_an_agency_of_a_name_that_two_areas_have_is_the_one_of_the_area_said_or_known(
    borough: Flask, far: dict[str, int]
) -> None:
    here = agency(borough, "police")
    with borough.app_context():
        db.session.get(Agency, far["agency"]).slug = "police"  # type: ignore[union-attr]
        home = db.session.get(Agency, here).area_key  # type: ignore[union-attr]
        area = db.session.get(Area, home).slug  # type: ignore[union-attr]
        db.session.flush()
        assert agency_by_slug("police", home) == (here, home)
        assert agency_by_slug("police", far["area"]) == (far["agency"], far["area"])
        assert agency_by_slug("police", None) is None
        assert agency_by_slug("far/police", home) == (far["agency"], far["area"])
        assert agency_by_slug(f"{area}/police", None) == (here, home)
        assert agency_by_slug("nowhere/police", home) is None


def test_no_area_decides_about_who_works_for_the_system(people: People, far: dict[str, int]) -> None:
    cora = people.as_("cora")
    assert "Opal" not in cora.get("/admin/people").text
    assert cora.post(f"/admin/people/{far['opal']}/deactivate", {}).status == 404
    everybody = people.as_("opal").get("/admin/people").text
    assert all(name in everybody for name in ("Cora Coyle", "Faye", "Newt"))


def test_a_role_given_in_another_area_opens_nothing_here(borough: Flask, people: People, far: dict[str, int]) -> None:
    with borough.app_context():
        register.grant_role(far["faye"], "marac-coordinator", area_key=register.find_user("cora").area_key)  # type: ignore[union-attr]
        register.grant_role(register.find_user("rosa").key, "marac-coordinator", area_key=far["area"])  # type: ignore[union-attr]
        db.session.commit()
    assert people.as_("rosa").status_of("/admin/people") == 403
    assert "Cora Coyle" not in people.as_("faye").get("/admin/people").text


def test_an_area_s_auditor_reads_the_record_of_that_area(borough: Flask, people: People, far: dict[str, int]) -> None:
    case, _ = referral(borough, "rosa")
    assert people.as_("faye").status_of(f"/cases/{case.key}") == 404
    people.as_("faye").get("/admin/people")
    audrey, ford = people.as_("audrey"), people.as_("ford")
    here = audrey.get("/audit").text
    assert "procedure.start" in here
    assert case.reference in here
    assert "refusal.hidden" in here, "whoever tried from elsewhere is named"
    assert "Ford" not in here
    there = ford.get("/audit").text
    assert case.reference not in there
    assert "Rosa Reyes" not in there
    assert "Faye" in there
    assert "Ford" in there
    assert ford.get("/audit", case=case.reference).status == 422


def test_what_the_audit_page_does_not_understand_is_said(people: People) -> None:
    audrey = people.as_("audrey")
    page = audrey.get("/audit", **{"from-day": "31", "from-month": "2", "from-year": "2026"})
    assert page.status == 422
    assert "Enter the first day to look at" in page.text
    assert audrey.get("/audit", case="AMB-1999-9999").status == 422
    assert "There is no case AMB-1999-9999" in audrey.page.text
    assert "No entry matches" in audrey.get("/audit", actor="nobody").text


def test_who_has_left_an_agency_neither_opens_nor_answers_what_they_hold_of_it(researching: Flask) -> None:
    people = People(researching)
    housing, probation = agency(researching, "housing"), agency(researching, "probation")
    spoc, cora, user = people.as_("spoc.housing"), people.as_("cora"), user_key(researching, "spoc.housing")
    with researching.app_context():
        query = (
            select(WorkItem.key).where(WorkItem.agency_key == housing, WorkItem.state == "open").order_by(WorkItem.key)
        )
        task = db.session.execute(query).scalars().first()
    spoc.get(f"/work/{task}")
    spoc.press("Take this task")
    assert spoc.status_of(f"/work/{task}/begin") == 200
    with researching.app_context():
        for role in ("agency-spoc", "agency-representative"):
            register.end_role(user, role, agency_key=housing)
        db.session.commit()
    give(cora, user, "agency-representative", probation)
    assert spoc.status_of(f"/work/{task}") == 404
    assert spoc.status_of(f"/work/{task}/begin") == 404
    assert spoc.post(f"/work/{task}/form/0", {"outcome": "NOTHING_HELD"}).status == 404
    deputys = user_key(researching, "deputy.housing")
    cora.get(f"/work/{task}")
    assert cora.press("Hand over", to=str(deputys), reason="The SPOC has left the agency.").status == 200
    deputy = people.as_("deputy.housing")
    assert deputy.status_of(f"/work/{task}/begin") == 200
