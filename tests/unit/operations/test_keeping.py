"""Who may keep a case: the facts that DMN-M7 is given, at the meeting and again afterwards."""

from __future__ import annotations

from datetime import date

import pytest
from flask import Flask

from app.cases import actions
from app.cases.actions import ActionWords
from app.cases.dossiers import open_case, open_dossier
from app.cases.involvement import grounds, involve
from app.cases.models import ActionStatus, DossierKind, Ground
from app.operations.keeping import weigh_access
from app.runtime.ports import OperationContext
from app.store.clock import business_now

POLICE, HOUSING = 31, 32


def context(case_key: int) -> OperationContext:
    return OperationContext(
        instance_key=1,
        area_key=1,
        case_key=case_key,
        meeting_key=None,
        element_id="WeighOwner",
        task_id=1,
        idempotency_key="k",
        now=business_now(),
    )


def action(case_key: int, agency_key: int, status: ActionStatus = ActionStatus.OPEN) -> int:
    meeting = open_dossier(DossierKind.MEETING, 1).key
    row = actions.add(
        case_key,
        meeting,
        ActionWords("Fit a safer door", "He comes"),
        owner_agency_key=agency_key,
        owner_user_key=None,
        due_date=date(2026, 4, 1),
    )
    row.status = status
    return row.key


@pytest.mark.parametrize(
    ("status", "held", "owns", "involved"),
    [
        (ActionStatus.OPEN, Ground.KEPT, True, False),
        (ActionStatus.DONE, Ground.KEPT, True, False),
        (ActionStatus.SUPERSEDED, Ground.KEPT, False, False),
        (ActionStatus.NOT_DONE, Ground.INVOLVED, False, True),
    ],
)
def test_an_agency_is_weighed_by_its_actions_and_its_work(
    app: Flask, status: ActionStatus, held: Ground, owns: bool, involved: bool
) -> None:
    with app.app_context():
        case = open_case(1, "marac-case", by=1, agency_key=None).key
        action(case, HOUSING, status)
        involve(case, HOUSING, held)
        involve(case, HOUSING, Ground.ACTION_OWNER)
        found = weigh_access(context(case), {"agency": str(HOUSING)})["accessPairs"]
        assert found == [{"caseId": str(case), "agency": str(HOUSING), "ownsAction": owns, "involved": involved}]
        assert (Ground.ACTION_OWNER in grounds(case)[HOUSING]) is owns


@pytest.mark.parametrize("held", [(), (Ground.WITHDRAWN,), (Ground.KEPT, Ground.RESEARCH_OPEN)])
def test_nothing_is_weighed_where_nothing_can_change(app: Flask, held: tuple[Ground, ...]) -> None:
    with app.app_context():
        case = open_case(1, "marac-case", by=1, agency_key=None).key
        for ground in held:
            involve(case, POLICE, ground)
        assert weigh_access(context(case), {"agency": str(POLICE)}) == {"accessPairs": []}
