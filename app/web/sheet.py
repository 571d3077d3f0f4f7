"""The research sheet: an agency's open research for one meeting, answered in one sitting; each answer is recorded as its own task."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from app import audit, forms
from app.identity.person import Person
from app.identity.service import current_person
from app.meetings import planning
from app.web.keys import keys
from app.web.tasks import if_late
from app.web.words import count_words
from app.work import items, research
from app.work.errors import UnknownItem
from app.work.forms import context_of, form_by_id
from app.work.models import WorkItem
from app.work.research import Sheet, SheetRow

blueprint = Blueprint("research", __name__, url_prefix="/research")

NOTHING_HELD_FORM = "marac-nothing-held"
UNPROCESSABLE = 422


@blueprint.get("/<key:key>")
def sheet(key: int) -> str:
    """Everybody to search for, case by case."""
    return _draw(key, current_person())


def _draw(key: int, person: Person, errors: list[tuple[str, str]] | None = None) -> str:
    found = research.sheet(key, person)
    for row in found.rows:
        audit.view(person, "research-sheet", subject=f"item:{row.item.key}", case_key=row.item.case_key)
    return render_template(
        "work/sheet.html",
        sheet=found,
        meeting=planning.find(key),
        late=if_late(found.rows[0].item) if found.rows else [],
        errors=errors or [],
        selected=_selected(),
    )


def _selected() -> set[int]:
    return keys(request.form.getlist("item"))


@blueprint.post("/<key:key>")
def answer(key: int) -> Response | str | tuple[str, int]:
    """Nothing held in several cases: first the confirmation of destruction, then all of them at once."""
    person = current_person()
    found = research.sheet(key, person)
    chosen = [row for row in found.rows if row.item.key in _selected()]
    if not chosen:
        wrong = [(f"item-{found.rows[0].item.key}", "Select the cases in which you hold nothing on anybody named")]
        return _draw(key, person, wrong), UNPROCESSABLE
    apart = [row for row in chosen if row.held]
    if len(apart) not in (0, len(chosen)):
        wrong = [(f"item-{row.item.key}", f"{row.reference} is under a legal hold: answer it apart") for row in apart]
        return _draw(key, person, wrong), UNPROCESSABLE
    item = chosen[0].item
    form, context = form_by_id(item.release_key, NOTHING_HELD_FORM), context_of(item, person)
    answers = forms.start(form, context)
    if request.form.get("_action") != "next":
        return _confirm(key, found, chosen, forms.draw(form, 0, answers, context))
    answers = forms.take(form, 0, request.form, {}, answers, context)
    errors = forms.validate(form, answers, context).errors
    if errors:
        return _confirm(key, found, chosen, forms.draw(form, 0, answers, context, errors)), UNPROCESSABLE
    research.answer_nothing_held(
        [row.item.key for row in chosen],
        person,
        search_answers={"outcome": "NOTHING_HELD"},
        confirmation=answers,
    )
    flash(f"Nothing held: recorded for {count_words(len(chosen), 'case')}. You can no longer see them.", "success")
    return redirect(url_for("research.sheet", key=key) if len(chosen) < len(found.rows) else url_for("work.inbox"))


def _confirm(key: int, found: Sheet, chosen: list[SheetRow], view: forms.PageView) -> str:
    return render_template("work/nothing-held.html", meeting=planning.find(key), sheet=found, chosen=chosen, view=view)


@blueprint.post("/<key:key>/held/<key:item_key>")
def held(key: int, item_key: int) -> Response:
    """Something is held in this case: take the task and answer it."""
    item: WorkItem = items.claim(item_key, current_person())
    if item.properties.get("sheet") != research.SHEET:
        raise UnknownItem("There is no such task.", resource_id=str(item_key))
    return redirect(url_for("answers.begin", key=item.key, sheet=key))
