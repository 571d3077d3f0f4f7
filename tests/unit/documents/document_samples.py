"""Invented content for each kind of document, full enough to fill pages."""

from __future__ import annotations

from datetime import UTC, date, datetime, time

from app.documents.content.action_plan import ActionPlan, PlanCase
from app.documents.content.agenda import Agenda, AgendaCase, DisclosureResult, NoReturn
from app.documents.content.attendance import (
    AttendanceRow,
    AttendanceSheet,
    AttendeeRole,
    Mode,
    Ruling,
    RulingRow,
    SignedBy,
)
from app.documents.content.base import ActionLine, ActionStatus, Header, MeetingDetails, Party, PartyRole
from app.documents.content.iswc import (
    Answer,
    Child,
    ConcernRow,
    Consultation,
    IswcForm,
    Review,
    SharingRow,
    Signature,
    Ticked,
)
from app.documents.content.minutes import Attendee, CaseMinute, DvdsOutcome, InfoKind, Minutes, SharedInformation
from app.documents.statement import current_statement

AREA = "Ambleford MARAC"
STARTS = datetime(2026, 7, 16, 8, 30, tzinfo=UTC)

MEETING = MeetingDetails(
    name="Ambleford MARAC",
    number="MTG-2026-014",
    starts_at=STARTS,
    ends_at=datetime(2026, 7, 16, 12, 0, tzinfo=UTC),
    venue="Committee room 2, Ambleford Civic Centre",
    joining="By the secure video room; the co-ordinator admits you",
    chair="Detective Inspector Priya Nandakumar",
    coordinator="Owen Blethyn",
)


def header(subject: str = "Meeting", number: str = "MTG-2026-014", holder: str = "Ambleford Housing Trust") -> Header:
    return Header(
        number=number, subject=subject, area=AREA, copy_holder=holder, made_by="Owen Blethyn, MARAC Co-ordinator"
    )


def parties(n: int) -> tuple[Party, ...]:
    return (
        Party(
            role=PartyRole.VICTIM,
            name=f"Zephyrine Quillfeather{n}",
            aliases=("Zeff Marlowe",),
            born=date(1991, 4, 2),
            address="14 Larkspur Row, Ambleford AM4 2QQ",
        ),
        Party(
            role=PartyRole.PERPETRATOR,
            name=f"Bartholomew Oxenstierna{n}",
            born=date(1988, 11, 30),
            address="Flat 9, Cobalt House, Ambleford AM1 7TT",
            relationship="former partner",
        ),
        Party(
            role=PartyRole.CHILD,
            name=f"Isolde Quillfeather{n}",
            age_estimate="6 years old",
            relationship="her daughter",
        ),
    )


def action(case: str, owner: str = "Ambleford Housing Trust", **changes: object) -> ActionLine:
    values: dict[str, object] = {
        "case_number": case,
        "action": "Change the locks and fit a fire-proof letter box; tell the advocate when it is done.",
        "risk_addressed": "He still has keys and has come to the door at night.",
        "owner_agency": owner,
        "owner_person": "Tamsin Okafor",
        "due": date(2026, 7, 23),
    }
    return ActionLine(**{**values, **changes})  # type: ignore[arg-type]


def agenda(cases: int = 4) -> Agenda:
    return Agenda(
        header=header(),
        meeting=MEETING,
        cases=tuple(
            AgendaCase(
                order=n,
                number=f"AMB-2026-{n:04}",
                parties=parties(n),
                criteria=("Visible high risk",) if n % 2 else ("Professional judgement", "Repeat"),
                referred_by="Ambleford IDVA Service",
                repeat=n % 2 == 0,
                emergency=n == 3,
                origin_area="Northmere MARAC" if n == 4 else "",
                slot=time(9 + n // 4, (n * 15) % 60),
            )
            for n in range(1, cases + 1)
        ),
        brought_forward=(
            action("AMB-2026-0002", due=date(2026, 7, 1)),
            action("AMB-2025-0088", owner="Children's Services", due=date(2026, 8, 1)),
        ),
        disclosure_results=(
            DisclosureResult(
                case_number="AMB-2026-0002",
                result="Disclosure made on 3 July with her advocate present.",
                decided_on=date(2026, 6, 30),
            ),
        ),
        no_returns=(NoReturn(agency="Northgate Probation", case_numbers=("AMB-2026-0001", "AMB-2026-0003")),),
        research_due="midday on Wednesday 15 July 2026",
        reminders=(
            "Bring only what you need and leave every paper in the room.",
            "Research is for the meeting. Do not contact the victim except to act on an immediate risk.",
        ),
    )


def attendance() -> AttendanceSheet:
    signed = datetime(2026, 7, 16, 8, 41, tzinfo=UTC)
    return AttendanceSheet(
        header=header(holder="File copy"),
        meeting=MEETING,
        statement=current_statement(),
        read_by="Detective Inspector Priya Nandakumar",
        read_at=datetime(2026, 7, 16, 8, 35, tzinfo=UTC),
        rows=(
            AttendanceRow(
                name="Priya Nandakumar",
                job_title="Detective Inspector",
                organisation="Ambleford Police",
                mode=Mode.IN_PERSON,
                role=AttendeeRole.CORE,
                signed_at=signed,
                signed_by=SignedBy.ACCOUNT,
            ),
            AttendanceRow(
                name="Tamsin Okafor",
                job_title="Tenancy Manager",
                organisation="Ambleford Housing Trust",
                mode=Mode.VIRTUAL,
                role=AttendeeRole.CORE,
                signed_at=signed,
                signed_by=SignedBy.ACCOUNT,
                privacy_confirmed=True,
            ),
            AttendanceRow(
                name="Ruaridh Penhaligon",
                job_title="Head Teacher",
                organisation="St Bride's Primary School",
                mode=Mode.IN_PERSON,
                role=AttendeeRole.GUEST,
                signed_at=signed,
                signed_by=SignedBy.ROOM_DEVICE,
                witnessed_by="Owen Blethyn",
                cases_admitted=("AMB-2026-0001",),
            ),
            AttendanceRow(
                name="Gwendolen Achterberg",
                job_title="Probation Officer",
                organisation="Northgate Probation",
                mode=Mode.VIRTUAL,
                role=AttendeeRole.CORE,
            ),
        ),
        rulings=(
            RulingRow(
                name="Gwendolen Achterberg",
                organisation="Northgate Probation",
                reason="Shares an office today and cannot be sure that nobody overhears.",
                ruling=Ruling.RESTRICTED,
                ruled_by="Priya Nandakumar",
                ruled_at=datetime(2026, 7, 16, 8, 28, tzinfo=UTC),
            ),
        ),
    )


def case_minute(n: int) -> CaseMinute:
    number = f"AMB-2026-{n:04}"
    return CaseMinute(
        order=n,
        number=number,
        parties=parties(n),
        present=("Ambleford Police", "Ambleford IDVA Service", "Ambleford Housing Trust"),
        apologies=("Northgate Probation",),
        presented_by="Halcyon Strand, Ambleford IDVA Service",
        repeat=n == 2,
        new_information=(
            SharedInformation(
                agency="Ambleford Police",
                text=f"Called to the address twice in June {n}.\n\nNo arrest was made on either day.",
                kind=InfoKind.FACT,
                source="Crime reports",
                on=date(2026, 6, 21),
            ),
            SharedInformation(
                agency="Ambleford Housing Trust",
                text="The tenancy manager thinks that she is afraid to report repairs.",
                kind=InfoKind.OPINION,
            ),
            SharedInformation(
                agency="St Bride's Primary School",
                text="A grandparent told the school that he waits at the gate.",
                kind=InfoKind.THIRD_PARTY,
            ),
        ),
        risk_summary="To her: serious physical harm, likely within weeks, most of all at child contact.\n"
        "To the child: seeing it and being used to pass messages.",
        protective_factors="Her sister lives near and has a key.",
        victim_voice="She wants to stay in her home and is most afraid of the nights. She does not want the school to be told everything.",
        children_risk="Isolde has stopped sleeping alone. The school has noticed a change.",
        perpetrator_plan="Probation will bring his next appointment forward and speak about the bail conditions.",
        dvds_outcome=DvdsOutcome.NOT_INDICATED,
        dvds_reason="She knows his history.",
        wanted_offender=False,
        mappa_considered=True,
        safeguarding_links="Referral to children's services made on 10 July.",
        actions=(
            action(number),
            action(
                number,
                owner="Ambleford Police",
                action="Put a marker on the address and brief the night shift.",
                owner_person="Sergeant Idris Vane",
                due=date(2026, 7, 17),
                priority="Urgent",
            ),
        ),
        dissent="Housing would have preferred a managed move.",
        lead_advocate_agency="Ambleford IDVA Service",
        how_victim_updated="The advocate telephones on the safe number before 5pm tomorrow.",
        equality_note="An interpreter is not needed.",
    )


def minutes(cases: int = 2) -> Minutes:
    return Minutes(
        header=header(holder="Ambleford Police"),
        meeting=MEETING,
        statement_version="1",
        statement_read_by="Detective Inspector Priya Nandakumar",
        statement_read_at=datetime(2026, 7, 16, 8, 35, tzinfo=UTC),
        present=(
            Attendee(name="Priya Nandakumar", job_title="Detective Inspector (Chair)", organisation="Ambleford Police"),
            Attendee(name="Halcyon Strand", job_title="IDVA Manager", organisation="Ambleford IDVA Service"),
            Attendee(name="Tamsin Okafor", job_title="Tenancy Manager", organisation="Ambleford Housing Trust"),
        ),
        apologies=(
            Attendee(name="Gwendolen Achterberg", job_title="Probation Officer", organisation="Northgate Probation"),
        ),
        previous_actions=(
            action("AMB-2026-0002", status=ActionStatus.NOT_POSSIBLE, outcome="The landlord has sold the house."),
        ),
        cases=tuple(case_minute(n) for n in range(1, cases + 1)),
        approved_by="Detective Inspector Priya Nandakumar",
        approved_at=datetime(2026, 7, 21, 15, 5, tzinfo=UTC),
    )


def action_plan() -> ActionPlan:
    return ActionPlan(
        header=header(subject="Case", number="AMB-2026-0001"),
        as_at=date(2026, 7, 25),
        meeting_number="MTG-2026-014",
        meeting_date=date(2026, 7, 16),
        cases=(
            PlanCase(
                number="AMB-2026-0001",
                parties=parties(1),
                lead_advocate_agency="Ambleford IDVA Service",
                actions=(
                    action("AMB-2026-0001", overdue_reason="Waiting for the contractor."),
                    action(
                        "AMB-2026-0001",
                        owner="Ambleford Police",
                        status=ActionStatus.DONE,
                        completed_on=date(2026, 7, 17),
                        outcome="Marker placed; both shifts briefed.",
                    ),
                    action("AMB-2026-0001", owner="Children's Services", due=date(2026, 8, 3), priority="Urgent"),
                ),
            ),
        ),
    )


def iswc() -> IswcForm:
    return IswcForm(
        header=header(subject="Case", number="AMB-2026-0001", holder="Ambleford IDVA Service"),
        client_name="Zephyrine Quillfeather1",
        client_address="14 Larkspur Row\nAmbleford AM4 2QQ",
        client_born=date(1991, 4, 2),
        children=(Child(name="Isolde Quillfeather1", born=date(2020, 2, 9)),),
        form_date=date(2026, 7, 3),
        agency="Ambleford IDVA Service",
        concerns=(
            ConcernRow(concern="Children at risk", immediate=False, identified=True),
            ConcernRow(concern="Client in danger", immediate=True, identified=True),
            ConcernRow(concern="Client a risk to self or others", immediate=False, identified=False),
        ),
        consent_checked=True,
        consent_does_not_cover=True,
        consent_status="Not safe to seek",
        risk_tool="SafeLives DASH 24",
        risk_ticks=17,
        risk_out_of=24,
        risk_assessment_attached=True,
        details="She was strangled on 30 June and lost consciousness. He said that he would finish it.\n\n"
        "She is still in the house and he checks her telephone.",
        information_source="Told to the practitioner by the client in person.",
        protocol="Ambleford MARAC information sharing agreement, version 3",
        grounds=(
            Ticked(label="Preventing or detecting crime", ticked=True),
            Ticked(label="Vital interests: life or death, or serious harm", ticked=True),
            Ticked(label="Statutory functions", ticked=False),
            Ticked(label="Overriding public interest", ticked=True),
            Ticked(label="Child protection", ticked=True),
            Ticked(label="Court order", ticked=False),
        ),
        balancing_factors=(
            Ticked(label="Pressing need", ticked=True),
            Ticked(label="Respective risks", ticked=True),
            Ticked(label="Risk of not disclosing", ticked=True),
            Ticked(label="Duty of confidence", ticked=True),
        ),
        comments="The risk of not sharing is death or serious injury.",
        checklist=(
            Answer(question="Whose information is it?", answer="The client's and her child's"),
            Answer(
                question="Would anonymised information do?",
                answer="No",
                reason="Agencies must search their records by name.",
            ),
            Answer(question="Is it the least that is needed?", answer="Yes", reason="Her health history is left out."),
        ),
        five_tests=(
            Answer(question="Justifiable", answer="Yes", reason="Threat to life."),
            Answer(question="Proportionate", answer="Yes", reason="Only what the plan needs."),
        ),
        police_purposes=("Protecting life and property",),
        consultations=(
            Consultation(
                name="Lowenna Achebe, data protection officer",
                on=date(2026, 7, 3),
                advice="Share; record why she is not told.",
                external=False,
            ),
        ),
        whose_information=("The client", "The person who is said to harm them"),
        client_notified=False,
        why_not_notified="He reads her messages and is with her at all times.",
        review=Review(due=date(2026, 8, 3), responsible="Halcyon Strand"),
        sharing=(
            SharingRow(
                on=date(2026, 7, 4),
                agency="Ambleford Police",
                named_person="Owen Blethyn",
                method="Secure e-mail",
                legal_authority="Crime and Disorder Act 1998, section 115",
                what="That he has threatened to come to the address.",
            ),
        ),
        outcome="Shared",
        signatures=(
            Signature(
                capacity="Caseworker",
                name="Marguerite Sondheim",
                job_title="IDVA",
                agency="Ambleford IDVA Service",
                signed_at=datetime(2026, 7, 3, 13, 12, tzinfo=UTC),
            ),
            Signature(
                capacity="Authorising manager",
                name="Halcyon Strand",
                job_title="IDVA Manager",
                agency="Ambleford IDVA Service",
                decision="Authorised",
                reason="There is an immediate risk to life and no safe way to ask her.",
                signed_at=datetime(2026, 7, 3, 15, 40, tzinfo=UTC),
            ),
        ),
    )
