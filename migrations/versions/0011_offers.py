"""The database itself keeps whom an open task is offered to."""

from alembic import op

from app.work import ddl

revision = "0011_0010"
down_revision = "0010_0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    dialect = op.get_bind().dialect.name
    for statement in (*ddl.offers_removal(dialect), *ddl.offers(dialect), *ddl.once(dialect)):
        op.execute(statement)


def downgrade() -> None:
    for statement in ddl.offers_removal(op.get_bind().dialect.name):
        op.execute(statement)
