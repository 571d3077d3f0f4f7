"""Restoring a backup into an empty database, and what must be true before a restored system serves.

Between the backup and the loss, cases may have been destroyed, e-mails sent and the audit sealed. Three records kept outside the
database say so: the ledger of destructions (replayed), the ledger of sent notices (they are not sent again), and the exported heads of the
audit (those that the backup does not reach are set aside, and the audit says that it was restored).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from flask import Flask
from sqlalchemy import Connection, delete, update

from app import audit, notices, schema
from app.audit.heads import set_aside
from app.identity.models import WebSession
from app.keeping import tables
from app.keeping.backup import open_file
from app.keeping.errors import NotEmpty
from app.keeping.fitting import require_keys
from app.operations import states
from app.settings import Settings
from app.store.database import db
from app.store.jobs import Job
from app.store.worker import WorkerBeat

# A ledger's line may have been written by another machine, whose clock differs a little.
MARGIN = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Restored:
    """What was restored.

    :ivar destroyed: cases of the backup that the ledger says have been destroyed since, and now are again.
    :ivar sent: notices that waited when the backup was made and have gone out since.
    :ivar set_aside: exported heads of the audit that the backup does not reach: so many batches of entries are lost.
    """

    rows: int
    destroyed: int
    sent: int
    set_aside: int


def restore(app: Flask, file: Path) -> Restored:
    """Restore a backup, all of it or nothing. The caller is inside an application context and verifies the audit afterwards.

    :raises NoBackup: the file is no backup, is damaged or fits another version.
    :raises NotEmpty: the database holds something. :raises SettingsError: the backup was made under other keys.
    """
    settings: Settings = app.config["SETTINGS"]
    db.session.rollback()
    backup = open_file(file)
    try:
        with backup.engine.connect() as source:
            require_keys(settings, source)
        schema.migrate(app)
        with backup.engine.connect() as source, db.engine.begin() as target:
            every = tables.ordered(db.metadata)
            for table in every:
                if tables.count(target, table):
                    raise NotEmpty("The database is not empty: a backup is restored into an empty one only.")
            rows = sum(tables.copy(source, target, table) for table in every)
            _begin_afresh(target)
            schema.set_revision(
                target, schema.RESTORING
            )  # whoever dies before the ledgers are replayed leaves nothing that could be served
    finally:
        backup.engine.dispose()
    destroyed, sent = catch_up(app, since=backup.made_at - MARGIN)
    lost = set_aside(settings.data / "audit-heads")
    schema.set_revision(db.session(), schema.newest())
    audit.record("system.restore", subject=f"rows:{rows}", detail=f"destroyed:{destroyed} sent:{sent} heads:{lost}")
    db.session.commit()
    audit.seal_pending()
    return Restored(rows, destroyed, sent, lost)


def catch_up(app: Flask, *, since: datetime | None = None) -> tuple[int, int]:
    """Replay the ledgers: destroy again what has been destroyed, forget to send what has been sent. Every start does it before anything
    is served, so that a database put back by other means is caught too. Changes nothing when there is nothing to catch up with.

    :param since: what was sent from then on and is not known at all is put back as sent; None: nothing is put back.

    :returns: cases destroyed again, and notices that had gone out already.
    """
    folder: Path = app.config["SETTINGS"].data / "ledger"
    destroyed = states.replay(folder)
    sent = notices.replay_sent(folder, since)
    db.session.commit()
    return destroyed, sent


def _begin_afresh(target: Connection) -> None:
    """Nobody is signed in, no worker is alive and no job is in hand: those were of the lost system."""
    target.execute(delete(WebSession))
    target.execute(delete(WorkerBeat))
    target.execute(update(Job).values(lease_owner=None, lease_until=None))
