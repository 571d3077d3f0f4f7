"""What a meeting's own papers say of a case that is destroyed: rows about it are taken out and the rest is sealed anew."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from app.cases import actions, submissions
from app.cases.models import Case, Dossier, DossierKind, Submission
from app.store.database import db

# Forms of a meeting whose rows are about one case or one of its actions each.
FORMS = (
    "marac-prepare-agenda",
    "marac-previous-actions",
    "marac-minutes-draft",
    "marac-retention-list",
    "marac-destroy-papers",
)


def forget_in_meetings(case: Case) -> int:
    """Take every row about a case or its actions out of the meetings' submissions of its area; the number rewritten.

    Call before the case's own key is destroyed. Notes that stand for a whole meeting are the meeting's and stay.
    """
    ids = {str(case.key), *(str(action.key) for action in actions.of_case(case.key))}
    rows = db.session.execute(
        select(Submission)
        .join(Dossier, Dossier.key == Submission.dossier_key)
        .where(
            Dossier.kind == DossierKind.MEETING,
            Dossier.area_key == case.area_key,
            Submission.form_id.in_(FORMS),
            Submission.wrapped_key.is_not(None),
        )
    ).scalars()
    count = 0
    for row in list(rows):
        answers = submissions.read(row)
        kept = _without(answers, ids)
        if kept != answers:
            submissions.rewrite(row, kept)
            count += 1
    return count


def _without(answers: dict[str, Any], ids: set[str]) -> dict[str, Any]:
    """The answers without the rows that name one of the ids (``referral-123`` names 123)."""
    return {
        name: [row for row in value if not _about(row, ids)] if isinstance(value, list) else value
        for name, value in answers.items()
    }


def _about(row: Any, ids: set[str]) -> bool:
    return isinstance(row, dict) and any(
        str(row.get(name) or "").rpartition("-")[2] in ids for name in ("case", "value", "_row")
    )
