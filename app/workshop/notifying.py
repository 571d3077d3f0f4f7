"""Process owners are told of a move that does not go on because whoever asked for it may not do so any more."""

from __future__ import annotations

from app import notices
from app.identity import register
from app.identity.roles import Role
from app.notices import Template
from app.runtime.moving import Moving
from app.store.clock import wall_now


def stopped(row: Moving) -> None:
    """What has not moved waits for somebody who takes the move over."""
    _tell(Template.MOVE_STOPPED, row, row.requested_by)


def undo_stopped(row: Moving) -> None:
    """What has not moved back stays where it is, until somebody asks for it again."""
    _tell(Template.MOVE_BACK_STOPPED, row, row.undo_by)


def _tell(what_happened: Template, row: Moving, asked_by: int | None) -> None:
    """Several workers may find it at the same moment: everybody is told once a day."""
    notices.send(
        what_happened,
        [one.key for one in register.holders(Role.PROCESS_OWNER, area_key=row.area_key)],
        reference=f"Move {row.key}",
        due=None,
        path="/admin",
        dedupe=f"{what_happened}:{row.key}:{asked_by}:{wall_now():%Y-%m-%d}",
        area_key=row.area_key,
    )
