"""Telling a running procedure what somebody has decided on a page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.errors import Conflict
from app.runtime import service as runtime
from app.runtime.errors import NobodyWaiting


def tell(message: str, dossier_key: int, payload: Mapping[str, Any], *, area_key: int) -> None:
    """Give a message to the procedure of a case or meeting, in the caller's transaction.

    :raises Conflict: it does not wait for that: it has gone on, or runs on an earlier release that does not know it.
    """
    try:
        runtime.correlate_message(message, str(dossier_key), payload, area_key=area_key)
    except NobodyWaiting:
        raise Conflict(
            "The procedure cannot take this now: it has gone on, or it runs on an earlier release that does not know it.",
            resource_id=str(dossier_key),
        ) from None
