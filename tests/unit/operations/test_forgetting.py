"""A destroyed case leaves the meeting's own papers too: its rows go, those of other cases stay."""

from __future__ import annotations

from datetime import date

from flask import Flask

from app.cases import actions, submissions
from app.cases.actions import ActionWords
from app.cases.dossiers import find_case, open_case, open_dossier
from app.cases.models import DossierKind
from app.operations.forgetting import forget_in_meetings


def test_rows_about_the_case_and_its_actions_go_and_the_rest_stays(app: Flask) -> None:
    with app.app_context():
        gone, other = (open_case(1, "marac-case", by=1, agency_key=None).key for _ in range(2))
        meeting = open_dossier(DossierKind.MEETING, 1).key
        action = actions.add(
            gone,
            meeting,
            ActionWords("Fit a safer door", "He comes"),
            owner_agency_key=5,
            owner_user_key=None,
            due_date=date(2026, 4, 1),
        )

        def keep(form_id: str, answers: dict[str, object]) -> submissions.Submission:
            return submissions.record(
                meeting, answers, form_id=form_id, release_key=1, element_id="E", agency_key=None, by=1
            )

        minutes = keep(
            "marac-minutes-draft",
            {
                "openingNote": "Good morning",
                "corrections": [{"case": str(gone), "text": "Elin"}, {"case": str(other), "text": "Rosa"}],
            },
        )
        reviewed = keep("marac-previous-actions", {"reviews": [{"value": str(action.key), "outcome": "Elin moved"}]})
        papers = keep("marac-retention-list", {"documents": [{"value": f"plan-{gone}"}, {"value": "agenda"}]})
        untouched = keep("marac-mail-assurance", {"assuranceFrom": [str(gone)]})
        before = minutes.ciphertext

        assert forget_in_meetings(find_case(gone)) == 3

        assert submissions.read(minutes) == {
            "openingNote": "Good morning",
            "corrections": [{"case": str(other), "text": "Rosa"}],
        }
        assert submissions.read(reviewed) == {"reviews": []}
        assert submissions.read(papers) == {"documents": [{"value": "agenda"}]}
        assert submissions.read(untouched) == {"assuranceFrom": [str(gone)]}
        assert minutes.ciphertext != before
        assert forget_in_meetings(find_case(gone)) == 0
