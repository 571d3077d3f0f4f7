"""A post that arrived without a live session, or from a page that was open too long: nothing typed is lost.

What was posted goes back to the browser it came from, in a page that asks the person to send it again once they have signed in. Nothing is
done with it before that, and it is stored nowhere.
"""

from __future__ import annotations

from flask import current_app, render_template, request, url_for

_PAGES = frozenset({"answers.form_page", "answers.check_page", "tasks.hand_over", "research.answer"})
_LIMIT = 2000


def keeps() -> bool:
    """Whether the page posted to is one whose answers are worth keeping.

    Never what another site posted: it would stand here as the person's own answers, one press of a button from being sent.
    """
    return request.endpoint in _PAGES and 0 < len(request.form) <= _LIMIT and not _from_elsewhere()


def _from_elsewhere() -> bool:
    """Whether the browser says that the post comes from another site."""
    origin, site = request.headers.get("Origin"), request.headers.get("Sec-Fetch-Site")
    ours = {current_app.config["SETTINGS"].base_url, request.host_url.rstrip("/")}
    return (origin is not None and origin not in ours) or (site is not None and site != "same-origin")


def draw(*, signed_out: bool) -> str:
    """The page that offers to send the same again."""
    fields = [(name, value) for name, values in request.form.lists() for value in values if name != "csrf_token"]
    return render_template(
        "resend.html",
        fields=fields,
        signed_out=signed_out,
        files=bool(request.files),
        sign_in=url_for("auth.sign_in", next=url_for("public.signed_in_again")),
    )
