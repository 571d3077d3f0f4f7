"""Agreed actions (F-M8). An owner is an agency and a named person; MARAC itself never owns one (01-marac trap 13)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from typing import Any

from app.cases import deadlines
from app.cases.dossiers import seal_for, unseal_for
from app.cases.errors import UnknownCase
from app.cases.models import Action, ActionStatus, Dossier
from app.cases.timeline import note
from app.store.database import db, new_key
from app.store.shelf import fetch, rows_of


@dataclass(frozen=True)
class ActionWords:
    """What is to be done and which risk it answers: sealed."""

    action: str
    risk_addressed: str
    owner_name: str = ""


def add(
    case_key: int,
    meeting_key: int,
    words: ActionWords,
    *,
    owner_agency_key: int,
    owner_user_key: int | None,
    due_date: date,
    priority: str = "",
) -> Action:
    """Record an agreed action."""
    number = len(of_case(case_key))
    row = Action(
        key=new_key(),
        case_key=case_key,
        meeting_key=meeting_key,
        number=number + 1,
        owner_agency_key=owner_agency_key,
        owner_user_key=owner_user_key,
        due_date=due_date,
        priority=priority,
    )
    row.sealed = seal_for(
        case_key,
        {"action": words.action, "riskAddressed": words.risk_addressed, "ownerName": words.owner_name},
        f"action:{row.key}",
    )
    db.session.add(row)
    return row


def find(action_key: int) -> Action:
    """:raises UnknownCase: no such action."""
    row = db.session.get(Action, action_key)
    if row is None:
        raise UnknownCase("There is no such action.", resource_id=str(action_key))
    return row


def fetch_all(action_keys: Collection[int]) -> None:
    """Have actions at hand, with what recording their outcomes asks for."""
    fetch(Action, action_keys)
    found = [row for key in action_keys if (row := db.session.get(Action, key)) is not None]
    cases = {row.case_key for row in found}
    fetch(Dossier, cases)
    deadlines.expect([(key, None) for key in cases])


def words_of(action: Action) -> ActionWords:
    """The words of an action. The caller has checked access."""
    value: Any = unseal_for(action.case_key, action.sealed, f"action:{action.key}")
    return ActionWords(value["action"], value["riskAddressed"], value.get("ownerName", ""))


def record_outcome(
    action_key: int, status: ActionStatus, *, completed_on: date | None, outcome: dict[str, Any], by: int | None
) -> Action:
    """Record how an action ended."""
    row = find(action_key)
    row.status, row.completed_on = status, completed_on
    row.sealed_outcome = seal_for(row.case_key, outcome, f"action-outcome:{row.key}")
    note(
        row.case_key,
        "action-outcome",
        title=f"Action {row.number}: {status}",
        actor=by,
        agency_key=row.owner_agency_key,
        facts={"action": str(row.key), "status": str(status)},
    )
    return row


def outcome_of(action: Action) -> dict[str, Any]:
    """The recorded outcome, empty while there is none."""
    if action.sealed_outcome is None:
        return {}
    value: Any = unseal_for(action.case_key, action.sealed_outcome, f"action-outcome:{action.key}")
    return dict(value)


def of_case(case_key: int) -> list[Action]:
    """Actions of a case by number."""
    return of_cases((case_key,))[case_key]


def of_cases(case_keys: Collection[int]) -> dict[int, list[Action]]:
    """Actions of several cases, each by number."""
    return {
        key: sorted(rows, key=lambda row: row.number)
        for key, rows in rows_of(Action.case_key, case_keys, Action).items()
    }


def of_meeting(meeting_key: int) -> list[Action]:
    """Actions agreed at a meeting."""
    return sorted(
        rows_of(Action.meeting_key, (meeting_key,), Action)[meeting_key], key=lambda row: (row.case_key, row.number)
    )
