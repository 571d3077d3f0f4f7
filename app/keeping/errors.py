"""What can be refused when keeping an installation."""

from __future__ import annotations

from app.errors import Conflict, Invalid


class NotEmpty(Conflict):
    """A backup is restored into an empty database only."""

    title = "Database not empty"


class NoBackup(Invalid):
    """The file is no backup, is damaged, or was made by another version."""

    title = "Not a usable backup"
