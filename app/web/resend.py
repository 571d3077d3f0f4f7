"""A post that is refused, or arrives without a live session: nothing typed is lost.

What was posted goes back to the browser it came from, in a page that asks the person to send it again, or to copy what they wrote where
sending it again cannot help. Nothing is done with it before that, and it is stored nowhere.
"""

from __future__ import annotations

from dataclasses import dataclass

from flask import current_app, render_template, request, url_for
from werkzeug.exceptions import HTTPException

# Pages on which people write. A page that is only a button is not sent again by another button.
_PAGES = frozenset(
    {
        "answers.form_page",
        "answers.check_page",
        "tasks.hand_over",
        "research.answer",
        "cases.agreement",
        "cases.death",
        "cases.declare_conflict",
        "cases.hold",
        "cases.move_deadline",
        "manage.parameter",
        "manage.propose",
        "meetings.add_attendee",
        "meetings.cancel",
        "meetings.move",
        "meetings.rule",
    }
)
_LIMIT = 2000
_GUARD = "csrf_token"


@dataclass(frozen=True)
class Typed:
    """What a page posted.

    :ivar fields: names and values, in their order, but for the token of the page.
    :ivar files: whether files came with it, which cannot be kept.
    :ivar token: the token of the page.
    """

    fields: list[tuple[str, str]]
    files: bool
    token: str

    @property
    def texts(self) -> list[str]:
        """What somebody wrote in words of their own: worth copying when it cannot be sent again. Names that begin with an underscore are
        the page's."""
        return [value for name, value in self.fields if not name.startswith("_") and len(value.split()) > 1]


def typed() -> Typed | None:
    """What the request posted, when it comes from a page whose answers are worth keeping.

    Never what another site posted: it would stand here as the person's own answers, one press of a button from being sent.
    """
    if request.method != "POST" or request.endpoint not in _PAGES or _from_elsewhere():
        return None
    try:
        posted = request.form
    except HTTPException:  # too much, or not a form
        return None
    if not 0 < len(posted) <= _LIMIT:
        return None
    fields = [(name, value) for name, values in posted.lists() for value in values if name != _GUARD]
    return Typed(fields, bool(request.files), posted.get(_GUARD, ""))


def _from_elsewhere() -> bool:
    """Whether the browser says that the post comes from another site."""
    origin, site = request.headers.get("Origin"), request.headers.get("Sec-Fetch-Site")
    ours = {current_app.config["SETTINGS"].base_url, request.host_url.rstrip("/")}
    return (origin is not None and origin not in ours) or (site is not None and site != "same-origin")


def draw(kept: Typed, *, signed_out: bool) -> str:
    """The page that offers to send the same again."""
    sign_in = url_for("auth.sign_in", next=url_for("public.signed_in_again"))
    return render_template("resend.html", typed=kept, signed_out=signed_out, sign_in=sign_in)
