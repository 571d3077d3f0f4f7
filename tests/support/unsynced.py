"""In the tests' own process SQLite does not wait for the disk: a process that is killed loses nothing by that, only a machine without power."""

from __future__ import annotations

from app.store import database

SHIPPED = database.SYNCHRONOUS
database.SYNCHRONOUS = "OFF"
