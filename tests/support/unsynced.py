"""In the tests' own process SQLite does not wait for the disk. Being killed loses nothing by that, only losing power would."""

from __future__ import annotations

from app.store import database

SHIPPED = database.SYNCHRONOUS
database.SYNCHRONOUS = "OFF"
