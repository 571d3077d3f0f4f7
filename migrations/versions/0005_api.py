"""Outside job workers and batch operations."""

import sqlalchemy as sa
from alembic import op

import app.store.database

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "outside_job",
        sa.Column("area_key", sa.BigInteger(), nullable=False),
        sa.Column("instance_key", sa.BigInteger(), nullable=False),
        sa.Column("task_id", sa.BigInteger(), nullable=False),
        sa.Column("definition_key", sa.BigInteger(), nullable=False),
        sa.Column("process_id", sa.String(length=120), nullable=False),
        sa.Column("element_id", sa.String(length=120), nullable=False),
        sa.Column("type", sa.String(length=200), nullable=False),
        sa.Column("headers", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("retries", sa.Integer(), nullable=False),
        sa.Column("priority", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("lease", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("worker", sa.String(length=120), server_default="", nullable=False),
        sa.Column("deadline", app.store.database.UtcDateTime(timezone=True), nullable=True),
        sa.Column("available_at", app.store.database.UtcDateTime(timezone=True), nullable=True),
        sa.Column("error_code", sa.String(length=120), nullable=True),
        sa.Column("error_message", sa.String(length=500), nullable=True),
        sa.Column("created_at", app.store.database.UtcDateTime(timezone=True), nullable=False),
        sa.Column("updated_at", app.store.database.UtcDateTime(timezone=True), nullable=False),
        sa.Column("ended_at", app.store.database.UtcDateTime(timezone=True), nullable=True),
        sa.Column("key", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(["instance_key"], ["instance.key"], name=op.f("fk_outside_job_instance_key_instance")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_outside_job")),
    )
    with op.batch_alter_table("outside_job") as table:
        table.create_index("ix_outside_job_waiting", ["area_key", "state", "type"], unique=False)
        table.create_index("ix_outside_job_instance", ["instance_key", "task_id"], unique=False)
    op.create_table(
        "batch_operation",
        sa.Column("area_key", sa.BigInteger(), nullable=False),
        sa.Column("type", sa.String(length=40), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("plan", sa.JSON(), nullable=False),
        sa.Column("created_by", sa.BigInteger(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("completed", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("failed", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("round", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("started_at", app.store.database.UtcDateTime(timezone=True), nullable=False),
        sa.Column("ended_at", app.store.database.UtcDateTime(timezone=True), nullable=True),
        sa.Column("key", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_batch_operation")),
    )
    with op.batch_alter_table("batch_operation") as table:
        table.create_index("ix_batch_operation_area", ["area_key", "started_at"], unique=False)
    op.create_table(
        "batch_item",
        sa.Column("operation_key", sa.BigInteger(), nullable=False),
        sa.Column("item_key", sa.BigInteger(), nullable=False),
        sa.Column("instance_key", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("processed_at", app.store.database.UtcDateTime(timezone=True), nullable=True),
        sa.Column("error", sa.String(length=500), nullable=True),
        sa.Column("key", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["operation_key"], ["batch_operation.key"], name=op.f("fk_batch_item_operation_key_batch_operation")
        ),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_batch_item")),
    )
    with op.batch_alter_table("batch_item") as table:
        table.create_index("ix_batch_item_operation", ["operation_key", "state"], unique=False)


def downgrade() -> None:
    op.drop_table("batch_item")
    op.drop_table("batch_operation")
    op.drop_table("outside_job")
