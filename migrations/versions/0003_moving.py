"""Moving running cases to another release."""

import sqlalchemy as sa
from alembic import op

import app.store.database

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "moving",
        sa.Column("area_key", sa.BigInteger(), nullable=False),
        sa.Column("process_id", sa.String(length=120), nullable=False),
        sa.Column("source_key", sa.BigInteger(), nullable=True),
        sa.Column("target_key", sa.BigInteger(), nullable=False),
        sa.Column("mapping", sa.JSON(), nullable=False),
        sa.Column("recompute", sa.JSON(), nullable=False),
        sa.Column("requested_by", sa.BigInteger(), nullable=True),
        sa.Column("requested_at", app.store.database.UtcDateTime(timezone=True), nullable=False),
        sa.Column("undo_by", sa.BigInteger(), nullable=True),
        sa.Column("undo_at", app.store.database.UtcDateTime(timezone=True), nullable=True),
        sa.Column("key", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["target_key"], ["process_definition.key"], name=op.f("fk_moving_target_key_process_definition")
        ),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_moving")),
    )
    with op.batch_alter_table("moving", schema=None) as batch_op:
        batch_op.create_index("ix_moving_area", ["area_key", "requested_at"], unique=False)
    op.create_table(
        "moved_instance",
        sa.Column("moving_key", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("instance_key", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("source_key", sa.BigInteger(), nullable=True),
        sa.Column("at", app.store.database.UtcDateTime(timezone=True), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=True),
        sa.Column("before_state", sa.LargeBinary(), nullable=True),
        sa.Column("before", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("reason", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(
            ["instance_key"], ["instance.key"], name=op.f("fk_moved_instance_instance_key_instance")
        ),
        sa.ForeignKeyConstraint(["moving_key"], ["moving.key"], name=op.f("fk_moved_instance_moving_key_moving")),
        sa.PrimaryKeyConstraint("moving_key", "instance_key", name=op.f("pk_moved_instance")),
    )
    with op.batch_alter_table("moved_instance", schema=None) as batch_op:
        batch_op.create_index("ix_moved_instance_instance", ["instance_key"], unique=False)
        batch_op.create_index("ix_moved_instance_state", ["moving_key", "state"], unique=False)


def downgrade() -> None:
    op.drop_table("moved_instance")
    op.drop_table("moving")
