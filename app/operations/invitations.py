"""Which agencies were asked for besides the standing members, and what the Chair said of each (01-marac B11; DMN-M6 rows 3–5).

Several invitations of a case may be under way at once: one waits for the Chair while the Co-ordinator sends another. Each is kept in view
until it is settled.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.cases import submissions
from app.cases.models import Submission

INVITATIONS, APPROVALS = "marac-invitations", "marac-agency-approval"
Moment = tuple[datetime, int]


@dataclass(frozen=True, slots=True)
class Wanted:
    """One agency that the Co-ordinator asked for.

    :ivar row: what was typed of it.
    :ivar form: which form it stands on.
    :ivar settled: when it was asked for, or decided on.
    :ivar approved: what the Chair decided; None while nobody has.
    """

    agency_key: int
    row: Mapping[str, Any]
    form: int
    settled: Moment
    approved: bool | None

    @property
    def of_other_type(self) -> bool:
        """Whether it is of a type that the Chair must approve."""
        return self.row.get("kind") != "GUEST" and self.row.get("nonCoreType") == "OTHER"

    @property
    def may_come(self) -> bool:
        return self.approved is True or not self.of_other_type


def undecided(case_key: int) -> list[Wanted]:
    """Those that wait for the Chair."""
    return [one for one in _newest(case_key) if one.of_other_type and one.approved is None]


def settled_since(case_key: int, since: datetime) -> list[Wanted]:
    """Those of the forms on which something was asked for or decided since an instant, but for those that wait; refused ones among them."""
    found = [one for one in _newest(case_key) if one.approved is not None or not one.of_other_type]
    forms = {one.form for one in found if one.settled[0] >= since}
    return [one for one in found if one.form in forms]


def _newest(case_key: int) -> list[Wanted]:
    """What was asked for last of each agency, oldest first."""
    forms = [form for form in submissions.of(case_key, INVITATIONS, APPROVALS) if form.wrapped_key is not None]
    answers = [
        (int(row["value"]), _moment(form), row.get("decision") == "APPROVE")
        for form in forms
        if form.form_id == APPROVALS
        for row in submissions.read(form).get("approvals") or []
        if str(row.get("value")).isdigit()
    ]
    newest: dict[int, list[Wanted]] = {}
    for form in (form for form in forms if form.form_id == INVITATIONS):
        of_form: dict[int, list[Wanted]] = {}
        for row in submissions.read(form).get("invitations") or []:
            if str(row.get("agency")).isdigit():
                key, asked = int(row["agency"]), _moment(form)
                said = max(((at, yes) for agency, at, yes in answers if agency == key and at > asked), default=None)
                settled, approved = said if said is not None else (asked, None)
                of_form.setdefault(key, []).append(Wanted(key, row, form.key, settled, approved))
        newest.update(of_form)
    return [one for rows in newest.values() for one in rows]


def _moment(form: Submission) -> Moment:
    return form.submitted_at, form.key
