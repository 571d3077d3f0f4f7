"""A number for what a case may have several of at once, so that each has dates of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.operations.registry import operation
from app.runtime.ports import OperationContext
from app.store.database import new_key


@operation("number-sharing", "Number a sharing of information", outputs={"sharing": "id"})
def number_sharing(_context: OperationContext, _inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    """Two sharings of one case, of one author even, may be under way at once: the dates of each stand apart (P6)."""
    return {"sharing": str(new_key())}
