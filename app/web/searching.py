"""What somebody searches for is kept in their sealed session: a name must not stand in an address, a browser's history or a proxy's log."""

from __future__ import annotations

from typing import Any

from flask import redirect, request, session, url_for
from werkzeug.wrappers import Response

from app.identity.limits import count_search
from app.identity.service import current_person

SLOT = "searched"
MAX_LENGTH = 100


def words(place: str) -> str:
    """What the person searches for at a place now: nothing unless the address says that there was a search."""
    if request.args.get("found") != "1":
        return ""
    kept = session.get(SLOT)
    return str(kept.get(place, "")) if isinstance(kept, dict) else ""


def keep(place: str, endpoint: str, *filters: str) -> Response:
    """Keep what was searched for and go to the results; the other filters tell nothing and stand in the address."""
    count_search(current_person())
    text = request.form.get("q", "").strip()[:MAX_LENGTH]
    kept = session.get(SLOT)
    session[SLOT] = {**(kept if isinstance(kept, dict) else {}), place: text}
    asked: dict[str, Any] = {name: value for name in filters if (value := request.form.get(name, "")[:120])}
    if text:
        asked["found"] = "1"
    return redirect(url_for(endpoint, **asked), 303)
