"""The form on sharing without consent as a document (05-supporting P6, F-S3)."""

from __future__ import annotations

from datetime import date
from typing import Any

from app.agencies import service as agencies
from app.cases import submissions
from app.cases.models import Submission
from app.documents import wording
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
from app.documents.models import Document
from app.operations.papers.common import header, person_name, text, yes

GROUNDS = {
    "CRIME_PREVENTION": "Prevention or detection of crime (Crime and Disorder Act 1998)",
    "CRIME_EXEMPTION": "Crime and taxation exemption",
    "VITAL_INTERESTS": "Vital interests: serious harm, life or death",
    "JUSTICE": "Administration of justice",
    "STATUTORY_FUNCTIONS": "Statutory functions",
    "COURT_ORDER": "Court order",
    "OVERRIDING_PUBLIC_INTEREST": "Overriding public interest",
    "CHILD_PROTECTION": "Child protection",
    "ARTICLE_2": "Right to life (Article 2)",
    "ARTICLE_3": "Freedom from torture and degrading treatment (Article 3)",
}
FACTORS = {
    "PRESSING_NEED": "Pressing need",
    "RESPECTIVE_RISKS": "Respective risks to those affected",
    "RISK_OF_NOT_DISCLOSING": "Risk of not disclosing",
    "OTHER_AGENCY_INTEREST": "Interest of the other agency",
    "PUBLIC_INTEREST": "Public interest",
    "HUMAN_RIGHTS": "Human rights",
    "DUTY_OF_CONFIDENCE": "Duty of confidence",
}
CONCERNS = {
    "concernChildren": "Children are at risk",
    "concernClient": "The client is in danger",
    "concernSelfOthers": "The client is a risk to themselves or others",
}
CHECKLIST = {
    "lawfulBasis": "Is there a lawful basis and a clear purpose?",
    "depersonalisedSuffices": "Would depersonalised information be enough?",
    "notifyingRisks": "Would telling the person put somebody at risk?",
    "objectionReceived": "Has anybody objected?",
    "objectionConsidered": "Has the objection been considered?",
    "minimumNecessary": "Is it the minimum necessary?",
    "accurateAndLabelled": "Is it accurate, with fact and opinion labelled?",
    "rightRecipient": "Does it go only to the right people?",
    "secureChannel": "Is the channel secure?",
    "decisionRecorded": "Is the decision recorded with its reasons?",
}
REASONS = {"lawfulBasis": "purpose", "objectionConsidered": "objectionOutcome"}
FIVE = ("Justifiable", "Appropriate", "Proportionate", "Auditable", "Necessary")
PURPOSES = {
    "PROTECT_LIFE": "Protecting life and property",
    "PRESERVE_ORDER": "Preserving order",
    "PREVENT_OFFENCES": "Preventing offences",
    "BRING_TO_JUSTICE": "Bringing offenders to justice",
    "LEGAL_DUTY": "A duty or responsibility of the police in law",
}
WHOSE = {
    "CLIENT": "The client",
    "CHILDREN": "The children",
    "PERPETRATOR": "The person who is said to harm them",
    "OTHER": "Somebody else",
}
TOLD = {
    "PHONE": "by telephone",
    "TEXT": "by text message",
    "EMAIL": "by e-mail",
    "IN_PERSON": "in person",
    "VIDEO": "by video",
    "THROUGH_OTHER": "through somebody else",
}
METHODS = {"EMAIL": "E-mail", "LETTER": "Letter", "PHONE": "Telephone", "MEETING": "Meeting", "SYSTEM": "System"}
DECISIONS = {"APPROVE": "Authorised", "REFUSE": "Refused", "NARROW": "Authorised in part"}


def build_iswc(document: Document) -> IswcForm:
    """Fill one form of a case, which may have several, with the checklist, advice, decision and sharing that belong to it."""
    case_key = document.case_key or 0
    form = submissions.find(document.about_key) if document.about_key else submissions.latest(case_key, "iswc-form")
    answers = submissions.read(form) if form else {}
    own = Own(case_key, form)
    checklist = own.latest("iswc-checklist")
    consent = own.before("marac-consent")
    decision_row = own.row("iswc-decision") or own.row("iswc-retrospective")
    decision = submissions.read(decision_row) if decision_row else {}
    decision.setdefault("decision", decision.get("retrospectiveDecision"))
    name, _, address = text(answers, "nameAddress").partition("\n")
    return IswcForm(
        header=header(document),
        client_name=name,
        client_address=address.strip(),
        form_date=_date(answers.get("formDate")) or wording.london_date(document.created_at),
        agency=agencies.names(document.area_key).get(form.agency_key or 0, "") if form else "",
        concerns=tuple(
            ConcernRow(
                concern=label,
                immediate="IMMEDIATE" in (answers.get(key) or []),
                identified="ASSESSED" in (answers.get(key) or []),
            )
            for key, label in CONCERNS.items()
        ),
        consent_checked=form is not None,
        consent_does_not_cover=yes(answers, "consentDoesNotCover"),
        consent_status=text(consent, "consentStatus").replace("_", " ").capitalize(),
        details=text(answers, "details"),
        children=tuple(
            Child(name=str(c.get("name") or ""), born=_date(c.get("dob"))) for c in answers.get("children") or []
        ),
        risk_ticks=_number(answers.get("riskTicks")),
        risk_out_of=_number(answers.get("outOf")),
        risk_assessment_attached=yes(answers, "riskAssessmentAttached") if answers else None,
        whose_information=tuple(
            f"{label}: {text(answers, 'whoseOther')}" if code == "OTHER" else label
            for code, label in WHOSE.items()
            if code in (answers.get("whoseInformation") or [])
        ),
        protocol=text(answers, "protocol"),
        grounds=tuple(Ticked(label=v, ticked=k in (answers.get("grounds") or [])) for k, v in GROUNDS.items()),
        balancing_factors=tuple(
            Ticked(label=v, ticked=k in (answers.get("balancing") or [])) for k, v in FACTORS.items()
        ),
        comments=text(answers, "comments"),
        checklist=tuple(_answer(checklist, key, label) for key, label in CHECKLIST.items() if checklist.get(key)),
        five_tests=tuple(
            Answer(
                question=test,
                answer="Yes" if yes(answers, f"japan{test}") else "No",
                reason=text(answers, f"japan{test}Reason"),
            )
            for test in FIVE
            if answers.get(f"japan{test}") is not None
        ),
        police_purposes=tuple(PURPOSES.get(p, p) for p in answers.get("mopiPurpose") or []),
        consultations=tuple(_consultations(own)),
        review=Review(
            due=_date(answers.get("reviewDate")), responsible=person_name(_number(answers.get("reviewResponsible")))
        ),
        sharing=tuple(_sharing(document, own)),
        outcome=DECISIONS.get(text(decision, "decision"), ""),
        signatures=tuple(_signatures(form, decision_row, decision)),
        **_notified(own),
    )


class Own:
    """What was recorded from one form on until the next form of the same case."""

    def __init__(self, case_key: int, form: Submission | None) -> None:
        self.case_key, self.form = case_key, form
        later = [f for f in submissions.of(case_key, "iswc-form") if form and f.submitted_at > form.submitted_at]
        self.until = later[0].submitted_at if later else None

    def row(self, form_id: str) -> Submission | None:
        """The newest of a form that belongs to this one."""
        found = [
            row
            for row in submissions.of(self.case_key, form_id)
            if row.wrapped_key is not None
            and (self.form is None or row.submitted_at >= self.form.submitted_at)
            and (self.until is None or row.submitted_at < self.until)
        ]
        return found[-1] if found else None

    def latest(self, form_id: str) -> dict[str, Any]:
        """Its answers; empty when there is none."""
        row = self.row(form_id)
        return submissions.read(row) if row is not None else {}

    def before(self, form_id: str) -> dict[str, Any]:
        """The answers in force when this form was completed."""
        rows = [r for r in submissions.of(self.case_key, form_id) if r.wrapped_key is not None]
        found = [r for r in rows if self.form is None or r.submitted_at <= self.form.submitted_at]
        return submissions.read(found[-1]) if found else {}


def _answer(checklist: dict[str, Any], key: str, label: str) -> Answer:
    reason = text(checklist, REASONS.get(key, f"{key}Reason"))
    return Answer(question=label, answer="Yes" if yes(checklist, key) else "No", reason=reason)


def _consultations(own: Own) -> list[Consultation]:
    rows = own.latest("iswc-consultation")
    return [
        Consultation(
            name=str(r.get("name") or ""), advice=str(r.get("advice") or ""), on=_date(r.get("date")), external=external
        )
        for key, external in (("internalAdvice", False), ("externalAdvice", True))
        for r in rows.get(key) or []
    ]


def _sharing(document: Document, own: Own) -> list[SharingRow]:
    names = agencies.names(document.area_key)
    rows = []
    for r in own.latest("sharing-record").get("shared") or []:
        agency = str(r.get("agency") or "")
        rows.append(
            SharingRow(
                on=_date(r.get("date")) or wording.london_date(document.created_at),
                agency=names.get(int(agency), "") if agency.isdigit() else agency,
                named_person=str(r.get("namedPerson") or ""),
                method=METHODS.get(str(r.get("method")), ""),
                legal_authority=str(r.get("legalAuthorityForAgency") or ""),
                what=str(r.get("what") or ""),
            )
        )
    return rows


def _notified(own: Own) -> dict[str, Any]:
    told = own.latest("sharing-notify")
    if not told:
        return {}
    return {
        "client_notified": yes(told, "clientNotified"),
        "notified_on": _date(told.get("notifiedDate")),
        "how_notified": TOLD.get(text(told, "notifiedHow"), ""),
        "client_response": text(told, "clientResponse"),
        "why_not_notified": text(told, "whyNot"),
    }


def _signatures(form: Submission | None, decision_row: Submission | None, decision: dict[str, Any]) -> list[Signature]:
    found = []
    if form is not None:
        found.append(Signature(capacity="Caseworker", name=person_name(form.submitted_by), signed_at=form.submitted_at))
    if decision_row is not None:
        found.append(
            Signature(
                capacity="Authorising manager",
                name=person_name(decision_row.submitted_by),
                decision=DECISIONS.get(text(decision, "decision"), ""),
                reason=_why(decision),
                signed_at=decision_row.submitted_at,
            )
        )
    return found


def _why(decision: dict[str, Any]) -> str:
    """The manager's reason, with what was allowed and what withheld where the sharing was narrowed, and the remedy where refused."""
    parts = {"Only this may be shared": "narrowTo", "Withheld": "withheld", "What is done about it": "remedy"}
    more = [f"{label}: {text(decision, name)}" for label, name in parts.items() if text(decision, name)]
    return "\n\n".join([text(decision, "reason"), *more])


def _date(value: Any) -> date | None:
    try:
        return date.fromisoformat(str(value)[:10]) if value else None
    except ValueError:
        return None


def _number(value: Any) -> int | None:
    return int(value) if str(value if value is not None else "").isdigit() else None
