"""The database's own guard: entries and seals can be added and never changed or removed. The one exception is the sealing of an entry.

The triggers come with the tables where these are created from the models, and from :func:`statements` in a migration.
"""

from __future__ import annotations

from typing import cast

from sqlalchemy import DDL, Table, event

from app.audit.models import AuditEntry, AuditSeal

MESSAGE = "audit entries are append-only"
_SEALED_LATER = {"sequence", "link"}
_KEPT = [column.name for column in AuditEntry.__table__.columns if column.name not in _SEALED_LATER]


def statements(dialect: str) -> list[str]:
    """The statements that guard the tables, for ``sqlite`` or ``postgresql``."""
    return _sqlite() if dialect == "sqlite" else _postgresql()


def _sqlite() -> list[str]:
    same = " AND ".join(f'NEW."{name}" IS OLD."{name}"' for name in _KEPT)
    sealing = (
        f"OLD.sequence IS NULL AND OLD.link IS NULL AND NEW.sequence IS NOT NULL AND NEW.link IS NOT NULL AND {same}"
    )
    refuse = f"BEGIN SELECT RAISE(ABORT, '{MESSAGE}'); END"
    return [
        f"CREATE TRIGGER audit_entry_no_update BEFORE UPDATE ON audit_entry WHEN NOT ({sealing}) {refuse}",
        f"CREATE TRIGGER audit_entry_no_delete BEFORE DELETE ON audit_entry {refuse}",
        f"CREATE TRIGGER audit_seal_no_update BEFORE UPDATE ON audit_seal {refuse}",
        f"CREATE TRIGGER audit_seal_no_delete BEFORE DELETE ON audit_seal {refuse}",
    ]


def _postgresql() -> list[str]:
    same = " AND ".join(f'NEW."{name}" IS NOT DISTINCT FROM OLD."{name}"' for name in _KEPT)
    sealing = (
        f"OLD.sequence IS NULL AND OLD.link IS NULL AND NEW.sequence IS NOT NULL AND NEW.link IS NOT NULL AND {same}"
    )
    function = (
        "CREATE OR REPLACE FUNCTION audit_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{MESSAGE}'; END $$"
    )
    refuse = "EXECUTE FUNCTION audit_append_only()"
    return [
        function,
        f"CREATE TRIGGER audit_entry_no_update BEFORE UPDATE ON audit_entry FOR EACH ROW WHEN (NOT ({sealing})) {refuse}",
        f"CREATE TRIGGER audit_entry_no_delete BEFORE DELETE ON audit_entry FOR EACH ROW {refuse}",
        f"CREATE TRIGGER audit_entry_no_truncate BEFORE TRUNCATE ON audit_entry FOR EACH STATEMENT {refuse}",
        f"CREATE TRIGGER audit_seal_no_update BEFORE UPDATE ON audit_seal FOR EACH ROW {refuse}",
        f"CREATE TRIGGER audit_seal_no_delete BEFORE DELETE ON audit_seal FOR EACH ROW {refuse}",
        f"CREATE TRIGGER audit_seal_no_truncate BEFORE TRUNCATE ON audit_seal FOR EACH STATEMENT {refuse}",
    ]


def _guard(table: Table, name: str) -> None:
    for dialect in ("sqlite", "postgresql"):
        for statement in statements(dialect):
            if f" ON {name} " in statement or " FUNCTION audit_append_only() RETURNS" in statement:
                guard = DDL(statement.replace("%", "%%")).execute_if(dialect=dialect)  # type: ignore[no-untyped-call]
                event.listen(table, "after_create", guard)


_guard(cast(Table, AuditEntry.__table__), "audit_entry")
_guard(cast(Table, AuditSeal.__table__), "audit_seal")
