"""The action plan, full or for one owner agency (01-marac §9, E2, F-M8)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import ClassVar

from app.documents.content.base import ActionLine, ActionStatus, Content, Party


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanCase:
    """One case of a plan. ``parties`` may be left empty for an owner that needs no names."""

    number: str
    actions: tuple[ActionLine, ...]
    parties: tuple[Party, ...] = ()
    lead_advocate_agency: str = ""
    no_action_rationale: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionPlan(Content):
    template: ClassVar[str] = "action-plan.html"
    landscape: ClassVar[bool] = True

    cases: tuple[PlanCase, ...]
    as_at: date
    meeting_number: str = ""
    meeting_date: date | None = None
    owner_agency: str = ""

    @property
    def open_count(self) -> int:
        return sum(line.status is ActionStatus.OPEN for case in self.cases for line in case.actions)

    @property
    def overdue_count(self) -> int:
        return sum(overdue(line, self.as_at) for case in self.cases for line in case.actions)


def overdue(line: ActionLine, as_at: date) -> bool:
    """Is an action still open after its day?"""
    return line.status is ActionStatus.OPEN and line.due < as_at


def for_agency(plan: ActionPlan, agency: str) -> ActionPlan:
    """The sheet of one owner agency: its own actions only; a case in which it owns nothing is left out."""
    cases = (replace(case, actions=tuple(a for a in case.actions if a.owner_agency == agency)) for case in plan.cases)
    return replace(plan, cases=tuple(case for case in cases if case.actions), owner_agency=agency)
