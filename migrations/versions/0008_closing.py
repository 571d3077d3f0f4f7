"""A task that closes takes its candidates and drafts along."""

from alembic import op

from app.work import ddl

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    dialect = op.get_bind().dialect.name
    for statement in (*ddl.removal(dialect), *ddl.statements(dialect)):
        op.execute(statement)


def downgrade() -> None:
    for statement in ddl.removal(op.get_bind().dialect.name):
        op.execute(statement)
