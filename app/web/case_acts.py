"""What is done on a case page: research released, deadlines moved, conflicts of interest, legal holds, a death; each with its reason."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from app import audit
from app.access import decide
from app.access.errors import HIDDEN
from app.access.permissions import Permission
from app.agencies import service as agencies
from app.audit.reasons import LONGEST_REASON
from app.cases import deadlines, deaths, holds, involvement, matching, submissions
from app.cases.facts import facts_of
from app.cases.parties import parties
from app.errors import NotFound
from app.identity import directory, register
from app.identity.freshness import require_fresh
from app.operations import conflicts, dying, holding
from app.operations.people import candidates_of
from app.runtime import service as runtime
from app.store.clock import business_now
from app.web import readings, typed
from app.web.case_file import File, find
from app.web.cases import blueprint, page
from app.web.keys import keys
from app.web.moments import read_moment

UNPROCESSABLE = 422


@blueprint.post("/<key:key>/release/<key:submission_key>")
def release(key: int, submission_key: int) -> AnyResponse:
    """Release items of one's own agency's research return to the meeting, one by one."""
    file = find(key)
    submission = submissions.find(submission_key)
    if submission.dossier_key != key or not readings.may_release(file.person, file.facts, submission):
        raise NotFound(HIDDEN, resource_id=str(submission_key))
    chosen = keys(request.form.getlist("item"))
    free = chosen & readings.shareable(submissions.read(submission))
    submissions.release_items(submission, free, by=file.person.key)
    audit.record("research.release", actor=file.person, subject=f"submission:{submission_key}", case_key=key)
    flash("Released. Those who hear the case can read it now.", "success")
    return redirect(url_for("cases.show_part", key=key, part="papers", _anchor=f"submission-{submission_key}"))


@blueprint.route("/<key:key>/deadlines/<name>/move", methods=["GET", "POST"])
def move_deadline(key: int, name: str) -> AnyResponse | str | tuple[str, int]:
    """Move a deadline, with a reason; every timer bound to it moves in the same moment."""
    file = find(key, Permission.CASE_DEADLINE_MOVE)
    current = deadlines.current(key, name)
    if current is None or current.met_at is not None:
        raise NotFound(HIDDEN, resource_id=name)
    errors: list[tuple[str, str]] = []
    if request.method == "POST":
        when = read_moment(request.form, "date", "new date", needs_time=False)
        reason, wrong = typed.reason("Enter why the deadline moves")
        past = when.value is not None and when.value < business_now()
        wrong_date = ("date-day", "The new date must be in the future") if past else when.error
        errors = [*([wrong_date] if wrong_date else []), *wrong]
        if not errors and when.value is not None:
            deadlines.move(key, name, when.value, by=file.person.key, reason=reason, rearm=runtime.rearm_deadline)
            audit.record("deadline.move", actor=file.person, subject=f"deadline:{name}", case_key=key, detail=reason)
            flash("The deadline has been moved. Your decision and the reason are kept.", "success")
            return redirect(url_for("cases.show_part", key=key, part="deadlines"))
    page = render_template("cases/move.html", case=file.case, deadline=current, errors=errors, typed=request.form)
    return (page, UNPROCESSABLE) if errors else page


@blueprint.route("/<key:key>/hold", methods=["GET", "POST"])
def hold(key: int) -> AnyResponse | str | tuple[str, int]:
    """Set or lift a legal hold, with a reason. While it is set nothing of the case is destroyed; lifting it needs a fresh sign-in."""
    file = find(key, Permission.CASE_HOLD_DECIDE)
    errors: list[tuple[str, str]] = []
    if request.method == "POST":
        on = request.form.get("act") == "set"
        reason, errors = typed.reason("Enter why the case must be kept" if on else "Enter why the hold is lifted")
        if not errors:
            if not on:
                require_fresh(file.person, back=url_for("cases.hold", key=key))
            act = holds.set_hold if on else holding.lift
            act(key, reason=reason, by=file.person.key)
            audit.record("case.hold" if on else "case.lift-hold", actor=file.person, case_key=key, detail=reason)
            flash(
                "The legal hold is set. Nothing of this case is destroyed." if on else "The legal hold is lifted.",
                "success",
            )
            return redirect(url_for("cases.show", key=key))
    audit.view(file.person, "case-hold", case_key=key)
    decisions = holds.decisions(key)
    page = render_template(
        "cases/hold.html",
        case=file.case,
        decisions=decisions,
        SET=holds.SET,
        names=register.names_of({one.by for one in decisions}),
        errors=errors,
        typed=request.form,
    )
    return (page, UNPROCESSABLE) if errors else page


@blueprint.route("/<key:key>/death", methods=["GET", "POST"])
def death(key: int) -> AnyResponse | str | tuple[str, int]:
    """The victim has died, or that was recorded in error. Whoever decides on a hold records it: it sets one."""
    file = find(key, Permission.CASE_HOLD_DECIDE)
    errors: list[tuple[str, str]] = []
    if request.method == "POST":
        reason, errors = typed.line(
            "reason",
            "What is known",
            missing="Enter what is known, and who said so",
            longest=LONGEST_REASON,
        )
        died = request.form.get("act") == "died"
        if not errors:
            act = dying.record_death if died else dying.take_back
            act(file.case, reason, file.person)
            flash(
                "Recorded. A legal hold is set, and everybody who has the case is told to look at it."
                if died
                else "Recorded. Everybody who has the case is told to look at it. The legal hold stays.",
                "success",
            )
            return redirect(url_for("cases.show", key=key))
    audit.view(file.person, "case-death", case_key=key)
    known = deaths.death_of(key)
    page = render_template(
        "cases/death.html",
        case=file.case,
        known=known,
        names=register.names_of({known.by} if known else set()),
        errors=errors,
        typed=request.form,
    )
    return (page, UNPROCESSABLE) if errors else page


@blueprint.post("/<key:key>/conflicts")
def declare_conflict(key: int) -> AnyResponse | tuple[str, int]:
    """Record that somebody, or an agency, must not see the case."""
    file = find(key, Permission.CASE_CONFLICT_RECORD)
    who, _, text = request.form.get("who", "").partition(":")
    reason, wrong = typed.reason("Enter what the conflict is")
    number = next(iter(keys([text])), None)
    errors: list[tuple[str, str]] = []
    if number is None or not _known(file, who, number):
        errors.append(("who", "Select who has the conflict of interest"))
    errors += wrong
    if errors:
        return page(file, "conflicts", {"errors": errors}), UNPROCESSABLE
    conflicts.declare(
        file.case,
        user_key=number if who == "user" else None,
        agency_key=number if who == "agency" else None,
        reason=reason,
        by=file.person,
    )
    flash("Recorded. The case is closed to them from now on.", "success")
    if decide.allowed(file.person, Permission.CASE_SUMMARY_READ, facts_of(file.case)):
        return redirect(url_for("cases.show_part", key=key, part="conflicts"))
    return redirect(url_for("work.inbox"))


def _known(file: File, who: str, number: int) -> bool:
    if who == "agency":
        return number in agencies.names(file.case.area_key)
    return who == "user" and number in {entry.user.key for entry in directory.people_in(file.case.area_key)}


@blueprint.post("/<key:key>/conflicts/<key:conflict_key>/lift")
def lift_conflict(key: int, conflict_key: int) -> AnyResponse:
    """End a conflict of interest."""
    file = find(key, Permission.CASE_CONFLICT_RECORD)
    if conflict_key not in {row.key for row in involvement.conflicts(key)}:
        raise NotFound(HIDDEN, resource_id=str(conflict_key))
    require_fresh(file.person, back=url_for("cases.show_part", key=key, part="conflicts"))
    conflicts.lift(file.case, conflict_key, by=file.person)
    flash("The conflict of interest is lifted.", "success")
    return redirect(url_for("cases.show_part", key=key, part="conflicts"))


@blueprint.post("/<key:key>/matches/<key:party_key>/<key:other_key>")
def decide_match(key: int, party_key: int, other_key: int) -> AnyResponse:
    """Decide whether somebody of an earlier case is the same person. Nothing is merged by it."""
    file = find(key, Permission.CASE_MATCH_DECIDE)
    party = next((p for p in parties(key) if p.key == party_key), None)
    candidate = next((c for c in candidates_of(party) if c.party_key == other_key), None) if party is not None else None
    if candidate is None or request.form.get("same") not in {"yes", "no"}:
        raise NotFound(HIDDEN, resource_id=str(other_key))
    same = request.form["same"] == "yes"
    matching.decide(key, party_key, candidate.case_key, other_key, same=same, by=file.person.key)
    audit.record("match.decide", actor=file.person, subject=f"party:{party_key}", case_key=key, detail=str(same))
    flash("Recorded: the same person." if same else "Recorded: not the same person.", "success")
    return redirect(url_for("cases.show_part", key=key, part="matches"))
