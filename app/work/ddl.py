"""The database's own rules about what hangs on a task: whom it is offered to, and what goes when it closes.

In the database so that they hold for every way of opening, changing and closing a task, and cost no statements of their own. The triggers
come with the tables where these are created from the models, and from this module in migrations. SQLite drops those of ``work_item`` when a
migration rebuilds it: make them anew.
"""

from __future__ import annotations

from typing import cast

from sqlalchemy import DDL, Table, event

from app.store.flushing import follows
from app.work.models import BY_NAME, Candidate, Draft, WorkItem

_CLOSES = "OLD.state = 'open' AND NEW.state <> 'open'"
_REMOVE = "DELETE FROM work_candidate WHERE item_key = NEW.key; DELETE FROM draft WHERE item_key = NEW.key;"

_OFFERED = "roles, candidate_users, area_key, agency_key, due_at"  # what the offers of a task are made of
_LIST = """INSERT INTO work_candidate (item_key, role, area_key, agency_key, due_at)
  SELECT NEW.key, offered.role, NEW.area_key, NEW.agency_key, NEW.due_at FROM (
    SELECT substr(value, 1, 60) AS role FROM {each}(NEW.roles) AS of_roles{value}
    UNION SELECT '{by_name}' || value FROM {each}(NEW.candidate_users) AS of_users{value}) AS offered;"""
_LISTS = {
    "sqlite": _LIST.format(each="json_each", value="", by_name=BY_NAME),
    "postgresql": _LIST.format(each="json_array_elements_text", value="(value)", by_name=BY_NAME),
}
_LIST_AGAIN = "DELETE FROM work_candidate WHERE item_key = NEW.key;"
_KNOWN = "EXISTS (SELECT 1 FROM work_candidate WHERE item_key = NEW.item_key AND role = NEW.role)"


def statements(dialect: str) -> list[str]:
    """When a task closes, nobody is offered it any more and what was typed and not sent is gone: for ``sqlite`` or ``postgresql``."""
    if dialect == "sqlite":
        return [
            f"CREATE TRIGGER work_item_closed AFTER UPDATE OF state ON work_item WHEN {_CLOSES} BEGIN {_REMOVE} END"
        ]
    return [
        _function("work_item_closed", f"{_REMOVE} RETURN NULL;"),
        "CREATE TRIGGER work_item_closed AFTER UPDATE OF state ON work_item FOR EACH ROW "
        f"WHEN ({_CLOSES}) EXECUTE FUNCTION work_item_closed()",
    ]


def removal(dialect: str) -> list[str]:
    """What takes that rule away again."""
    return _removal(dialect, "work_item", "work_item_closed")


def offers(dialect: str) -> list[str]:
    """An open task is offered to the roles and users that it names, from the moment it is entered, and to others when it is changed."""
    again = f"AFTER UPDATE OF {_OFFERED} ON work_item"
    if dialect == "sqlite":
        when = "WHEN NEW.state = 'open' BEGIN"
        return [
            f"CREATE TRIGGER work_item_opened AFTER INSERT ON work_item {when} {_LISTS[dialect]} END",
            f"CREATE TRIGGER work_item_offered {again} {when} {_LIST_AGAIN} {_LISTS[dialect]} END",
        ]
    each = "FOR EACH ROW WHEN (NEW.state = 'open') EXECUTE FUNCTION"
    return [
        _function("work_item_opened", f"{_LISTS[dialect]} RETURN NULL;"),
        f"CREATE TRIGGER work_item_opened AFTER INSERT ON work_item {each} work_item_opened()",
        _function("work_item_offered", f"{_LIST_AGAIN} {_LISTS[dialect]} RETURN NULL;"),
        f"CREATE TRIGGER work_item_offered {again} {each} work_item_offered()",
    ]


def once(dialect: str) -> list[str]:
    """An offer that is there already is not entered again: processes of the version before, which enter them themselves, run beside this
    one while it is being installed, and a backup brings them along."""
    if dialect == "sqlite":
        return [
            f"CREATE TRIGGER work_candidate_once BEFORE INSERT ON work_candidate WHEN {_KNOWN} "
            "BEGIN SELECT RAISE(IGNORE); END"
        ]
    return [
        _function("work_candidate_once", f"IF {_KNOWN} THEN RETURN NULL; END IF; RETURN NEW;"),
        "CREATE TRIGGER work_candidate_once BEFORE INSERT ON work_candidate "
        "FOR EACH ROW EXECUTE FUNCTION work_candidate_once()",
    ]


def offers_removal(dialect: str) -> list[str]:
    """What takes these two rules away again."""
    return [
        *_removal(dialect, "work_item", "work_item_opened"),
        *_removal(dialect, "work_item", "work_item_offered"),
        *_removal(dialect, "work_candidate", "work_candidate_once"),
    ]


def _function(name: str, body: str) -> str:
    return f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} END $$"


def _removal(dialect: str, table: str, name: str) -> list[str]:
    if dialect == "sqlite":
        return [f"DROP TRIGGER IF EXISTS {name}"]
    return [f"DROP TRIGGER IF EXISTS {name} ON {table}", f"DROP FUNCTION IF EXISTS {name}()"]


def _comes_with(model: type[WorkItem] | type[Candidate], statement: str, dialect: str) -> None:
    rule = DDL(statement.replace("%", "%%")).execute_if(dialect=dialect)  # type: ignore[no-untyped-call]
    event.listen(cast(Table, model.__table__), "after_create", rule)


for _dialect in ("sqlite", "postgresql"):
    for _statement in (*statements(_dialect), *offers(_dialect)):
        _comes_with(WorkItem, _statement, _dialect)
    for _statement in once(_dialect):
        _comes_with(Candidate, _statement, _dialect)

follows(WorkItem.__tablename__, Candidate.__tablename__, Draft.__tablename__)
