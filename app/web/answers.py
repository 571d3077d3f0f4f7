"""Answering a task: its form page by page, drafts, checking the answers, sending them, and what happens next."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, Response, flash, jsonify, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from app import audit, forms
from app.cases.dossiers import find_case
from app.errors import NotFound
from app.identity.person import Person
from app.identity.service import current_person, is_fresh, require_fresh
from app.store.clock import wall_now
from app.web import tasks, uploads, words
from app.work import completion, drafts, inbox, items, research
from app.work.errors import ItemClosed
from app.work.forms import context_of, form_of
from app.work.inhand import take
from app.work.items import ItemView, open_item
from app.work.models import ItemState, WorkItem

blueprint = Blueprint("answers", __name__, url_prefix="/work")

UNPROCESSABLE = 422


@dataclass(frozen=True)
class Sitting:
    """Somebody at work on a task they hold.

    :param form: None for a task that asks nothing.
    """

    view: ItemView
    person: Person
    form: forms.Form | None
    context: forms.Context
    answers: forms.Answers

    @property
    def item(self) -> WorkItem:
        return self.view.item

    def visible_pages(self) -> list[int]:
        """Indexes of the pages that ask something now."""
        return [] if self.form is None else forms.shown_pages(self.form, self.answers, self.context)

    def page_after(self, index: int) -> int | None:
        """The next page that asks something; None after the last."""
        return next((n for n in self.visible_pages() if n > index), None)

    def page_before(self, index: int) -> int | None:
        """The page before; None on the first."""
        return next((n for n in reversed(self.visible_pages()) if n < index), None)

    def save(self, answers: forms.Answers) -> None:
        """Keep what has been typed, where it can be kept with a case or meeting."""
        if self.item.dossier_key is not None:
            drafts.save(self.item, self.person, answers)

    def at(self, answers: forms.Answers) -> Sitting:
        """The same with other answers."""
        return Sitting(self.view, self.person, self.form, self.context, answers)

    @property
    def short(self) -> bool:
        """Whether one page is all there can be, so that sending it needs no page of its own to check the answers."""
        return (
            self.form is not None
            and len(self.form.pages) == 1
            and not self.item.flag("irreversible")
            and not self.item.flag("freshAuthentication")
            and not self.form.needs_fresh_authentication
        )


def _sit(key: int) -> Sitting | None:
    """The person at the task; None when they only look and do not hold it.

    :raises ItemClosed: it is done already.
    :raises HeldByAnother, NotHeld: answers are posted to a task that is not the person's.
    """
    person = current_person()
    view = open_item(key, person)
    items.require_open(view.item)
    if request.method == "POST":
        items.require_held(person, view.item)
    if not view.mine:
        return None
    form, context = form_of(view.item), context_of(view.item, person)
    answers: forms.Answers = {}
    if form is not None:
        saved = drafts.load(view.item, person) if view.item.dossier_key is not None else None
        answers = saved[0] if saved else forms.start(form, context)
    return Sitting(view, person, form, context, answers)


def _to_task(key: int) -> AnyResponse:
    return redirect(url_for("tasks.show", key=key))


def _look(sitting: Sitting, what: str) -> None:
    if sitting.item.case_key is not None:
        audit.view(sitting.person, what, subject=f"item:{sitting.item.key}", case_key=sitting.item.case_key)


@blueprint.get("/<key:key>/begin")
def begin(key: int) -> AnyResponse:
    """The first page of the task's form, or the last step when it has none."""
    sitting = _sit(key)
    if sitting is None:
        return _to_task(key)
    pages = sitting.visible_pages()
    if not pages:
        return redirect(url_for("answers.check_page", key=key))
    return redirect(url_for("answers.form_page", key=key, number=pages[0] + 1))


@blueprint.route("/<key:key>/form/<int:number>", methods=["GET", "POST"])
def form_page(key: int, number: int) -> AnyResponse | str | tuple[str, int]:
    """One page of the form."""
    if request.method == "POST":
        take(key, current_person())
    sitting = _sit(key)
    if sitting is None:
        return _to_task(key)
    if sitting.form is None or not 1 <= number <= len(sitting.form.pages):
        raise NotFound("There is no such page.", resource_id=str(key))
    if request.method == "POST":
        return _posted(sitting, sitting.form, number - 1)
    _look(sitting, "form")
    return _draw(sitting, sitting.form, number - 1)


def _posted(sitting: Sitting, form: forms.Form, index: int) -> AnyResponse | tuple[str, int]:
    key, context = sitting.item.key, sitting.context
    files, refused = uploads.take(sitting.item, sitting.person, index)
    answers = forms.take(form, index, request.form, files, sitting.answers, context)
    action = forms.act(form, index, request.form, answers, context)
    if action is not None:
        sitting.save(action.answers)
        if action.kind == "save":
            flash("Your answers are saved. Come back to them from your work list.", "success")
            return _to_task(key)
        return redirect(_address(key, index, action.anchor))
    before, sitting = sitting, sitting.at(answers)
    shown = (request.form.get("_shown") or "").split()
    opened = forms.opened_questions(shown, forms.visible(form, index, answers, context))
    errors = [*refused, *forms.validate(form, answers, context, page=index).errors]
    following = sitting.page_after(index)
    onwards = following is not None and request.args.get("back") != "check"
    if sitting.short and not (opened or errors or onwards):
        return _send(sitting)
    before.save(answers)
    if opened and not refused:
        return _draw(sitting, form, index, opened=opened), 200
    if errors:
        return _draw(sitting, form, index, errors=errors), UNPROCESSABLE
    if following is not None and onwards:
        return redirect(_address(key, following))
    return redirect(url_for("answers.check_page", key=key))


def _address(key: int, index: int, anchor: str = "") -> str:
    """A form page's address; the anchor is always set, because browsers carry an old one over a redirect."""
    back = "check" if request.args.get("back") == "check" else None
    return url_for("answers.form_page", key=key, number=index + 1, back=back, _anchor=anchor or "main-content")


def _draw(
    sitting: Sitting,
    form: forms.Form,
    index: int,
    *,
    errors: list[forms.FieldError] | None = None,
    opened: list[str] | None = None,
) -> str:
    page = forms.draw(form, index, sitting.answers, sitting.context, errors or [], opened or [])
    pages, before = sitting.visible_pages(), sitting.page_before(index)
    key = sitting.item.key
    if request.args.get("back") == "check":
        back = url_for("answers.check_page", key=key)
    elif before is not None:
        back = url_for("answers.form_page", key=key, number=before + 1)
    else:
        back = url_for("tasks.show", key=key)
    return render_template(
        "work/form.html",
        view=page,
        item=sitting.item,
        about=tasks.about(sitting.item, sitting.person),
        back_href=back,
        step=pages.index(index) + 1 if index in pages else index + 1,
        steps=len(pages),
        errors=[(error.anchor, error.message) for error in page.errors],
        short=sitting.short,
        saves=sitting.item.dossier_key is not None,
    )


@blueprint.put("/<key:key>/draft")
def draft(key: int) -> Response | tuple[Response, int]:
    """Keep what is on the page as it is typed. Nothing is judged."""
    try:
        sitting = _sit(key)
    except ItemClosed:
        sitting = None
    number = request.args.get("page", 0, type=int)
    if sitting is None or sitting.form is None or not 1 <= number <= len(sitting.form.pages):
        return jsonify(message="This task is not yours any more."), 409
    answers = forms.take(sitting.form, number - 1, request.form, {}, sitting.answers, sitting.context)
    sitting.save(answers)
    return jsonify(message=f"Your answers were saved at {words.time_in_words(words.local(wall_now()).time())}.")


@blueprint.route("/<key:key>/check", methods=["GET", "POST"])
def check_page(key: int) -> AnyResponse | str | tuple[str, int]:
    """All the answers, each with a link to change it; sending them completes the task."""
    if request.method == "POST":
        take(key, current_person())
    sitting = _sit(key)
    if sitting is None:
        return _to_task(key)
    if request.method == "POST":
        return _send(sitting)
    _look(sitting, "answers")
    return _draw_check(sitting)


def _before_check(key: int, pages: list[int]) -> str:
    if not pages:
        return url_for("tasks.show", key=key)
    return url_for("answers.form_page", key=key, number=pages[-1] + 1)


def _send(sitting: Sitting) -> AnyResponse | tuple[str, int]:
    key = sitting.item.key
    checked = completion.check(sitting.item, sitting.answers, sitting.person, sitting.context)
    if checked.errors:
        sitting.save(sitting.answers)
        return _draw_check(sitting, checked.errors), UNPROCESSABLE
    if sitting.item.flag("freshAuthentication") or (sitting.form and sitting.form.needs_fresh_authentication):
        require_fresh(sitting.person, back=url_for("answers.check_page", key=key))
    completion.complete(key, sitting.person, sitting.answers, checked=checked, promptly=True)
    return redirect(url_for("answers.done", key=key))


def _draw_check(sitting: Sitting, errors: list[forms.FieldError] | None = None) -> str:
    form, item = sitting.form, sitting.item
    cards: list[forms.SummaryCard] = []
    if form is not None:
        cards = forms.summary(form, sitting.answers, sitting.context)
    pages = sitting.visible_pages()
    listed: list[tuple[str, str]] = [
        (url_for("answers.form_page", key=item.key, number=e.page + 1, back="check", _anchor=e.anchor), e.message)
        for e in errors or []
    ]
    needs_fresh = item.flag("freshAuthentication") or bool(form and form.needs_fresh_authentication)
    return render_template(
        "work/check.html",
        item=item,
        about=tasks.about(item, sitting.person),
        cards=cards,
        errors=listed,
        back_href=_before_check(item.key, pages),
        sign_in_again=needs_fresh and not is_fresh(sitting.person),
        irreversible=item.flag("irreversible"),
    )


@blueprint.get("/<key:key>/done")
def done(key: int) -> AnyResponse | str:
    """What has been done, and what happens next."""
    person = current_person()
    item = open_item(key, person).item
    if item.completed_by != person.key:
        return _to_task(key)
    settled = completion.is_settled(item)  # asked first: what has followed by then is found
    following = completion.next_item(item, person)
    if following is not None and not items.may_know(person, following):
        following = None
    rows = inbox.of_subject(person, case_key=item.case_key, meeting_key=item.meeting_key) if _has_subject(item) else []
    upcoming = [row for row in rows if row.item.state == ItemState.OPEN and row.item.instance_key == item.instance_key]
    return render_template(
        "work/done.html",
        item=item,
        settled=settled,
        about=tasks.about(item, person),
        following=following,
        upcoming=upcoming[:5],
        takeable=[row.item for row in upcoming[:5] if open_item(row.item.key, person).may_claim],
        back_to=_back_to(item),
    )


def _has_subject(item: WorkItem) -> bool:
    return item.case_key is not None or item.meeting_key is not None


def _back_to(item: WorkItem) -> dict[str, str] | None:
    """The page that a task is one of many on: the room, the research sheet."""
    if item.flag("room") and item.meeting_key is not None:
        return {"href": url_for("room.show", key=item.meeting_key), "text": "Back to the room"}
    if item.properties.get("sheet") == research.SHEET and item.case_key is not None:
        meeting = find_case(item.case_key).meeting_key
        if meeting is not None:
            return {"href": url_for("research.sheet", key=meeting), "text": "Back to the research sheet"}
    return None
