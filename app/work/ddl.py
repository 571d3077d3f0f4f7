"""The database's own rule: when a task closes, nobody is offered it any more and what was typed and not sent is gone, whoever closed it.

In the database so that it holds for every way of closing, and costs no statements of its own. The trigger comes with the table where it is
created from the models, and from :func:`statements` in a migration. SQLite drops it when a migration rebuilds ``work_item``: make it anew.
"""

from __future__ import annotations

from typing import cast

from sqlalchemy import DDL, Table, event

from app.store.flushing import follows
from app.work.models import Candidate, Draft, WorkItem

_WHEN = "OLD.state = 'open' AND NEW.state <> 'open'"
_REMOVE = "DELETE FROM work_candidate WHERE item_key = NEW.key; DELETE FROM draft WHERE item_key = NEW.key;"


def statements(dialect: str) -> list[str]:
    """What makes the rule, for ``sqlite`` or ``postgresql``."""
    if dialect == "sqlite":
        return [f"CREATE TRIGGER work_item_closed AFTER UPDATE OF state ON work_item WHEN {_WHEN} BEGIN {_REMOVE} END"]
    return [
        "CREATE OR REPLACE FUNCTION work_item_closed() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN {_REMOVE} RETURN NULL; END $$",
        "CREATE TRIGGER work_item_closed AFTER UPDATE OF state ON work_item FOR EACH ROW "
        f"WHEN ({_WHEN}) EXECUTE FUNCTION work_item_closed()",
    ]


def removal(dialect: str) -> list[str]:
    """What takes the rule away again."""
    if dialect == "sqlite":
        return ["DROP TRIGGER IF EXISTS work_item_closed"]
    return ["DROP TRIGGER IF EXISTS work_item_closed ON work_item", "DROP FUNCTION IF EXISTS work_item_closed()"]


for _dialect in ("sqlite", "postgresql"):
    for _statement in statements(_dialect):
        _rule = DDL(_statement.replace("%", "%%")).execute_if(dialect=_dialect)  # type: ignore[no-untyped-call]
        event.listen(cast(Table, WorkItem.__table__), "after_create", _rule)

follows(WorkItem.__tablename__, Candidate.__tablename__, Draft.__tablename__)
