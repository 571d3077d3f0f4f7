"""Process owners are told of a move that does not go on because whoever asked for it may not do so any more."""

from __future__ import annotations

from app import notices
from app.identity import register
from app.identity.roles import Role
from app.notices import Template
from app.runtime.moving import Moving
from app.store.clock import wall_now

_UNDO = "Whoever asked for running cases to move back may not do so any more. Ask for it again."


def stopped(row: Moving) -> None:
    """What has not moved waits for somebody who takes the move over."""
    _tell(row, f"move-stopped:{row.key}:{row.requested_by}")


def undo_stopped(row: Moving) -> None:
    """What has not moved back stays where it is, until somebody asks for it again."""
    _tell(row, f"move-back-stopped:{row.key}:{row.undo_by}", _UNDO)


def _tell(row: Moving, what_happened: str, what: str | None = None) -> None:
    """Several workers may find it at the same moment: everybody is told once a day."""
    notices.send(
        Template.MOVE_STOPPED,
        [one.key for one in register.holders(Role.PROCESS_OWNER, area_key=row.area_key)],
        reference=f"Move {row.key}",
        what=what,
        due=None,
        path="/admin",
        dedupe=f"{what_happened}:{wall_now():%Y-%m-%d}",
        area_key=row.area_key,
    )
