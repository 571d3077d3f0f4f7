"""Mending of incidents: those outside an instance, and what is proposed, approved and done about them."""

import sqlalchemy as sa
from alembic import op

import app.store.database

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("incident", schema=None) as batch_op:
        batch_op.add_column(sa.Column("subject_key", sa.BigInteger(), nullable=True))
        batch_op.alter_column("instance_key", existing_type=sa.BigInteger(), nullable=True)
        batch_op.alter_column("area_key", existing_type=sa.BigInteger(), nullable=True)
        batch_op.create_index("ix_incident_subject", ["subject_key"], unique=False)

    op.create_table(
        "mending",
        sa.Column("area_key", sa.BigInteger(), nullable=True),
        sa.Column("act", sa.String(length=12), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("process_id", sa.String(length=120), nullable=False),
        sa.Column("element_id", sa.String(length=120), nullable=False),
        sa.Column("variable", sa.String(length=120), nullable=True),
        sa.Column("target", sa.String(length=120), nullable=True),
        sa.Column("proposed_by", sa.BigInteger(), nullable=True),
        sa.Column("proposed_at", app.store.database.UtcDateTime(timezone=True), nullable=False),
        sa.Column("decided_by", sa.BigInteger(), nullable=True),
        sa.Column("decided_at", app.store.database.UtcDateTime(timezone=True), nullable=True),
        sa.Column("ended_at", app.store.database.UtcDateTime(timezone=True), nullable=True),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("key", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_mending")),
    )
    with op.batch_alter_table("mending", schema=None) as batch_op:
        batch_op.create_index("ix_mending_state", ["state", "proposed_at"], unique=False)

    op.create_table(
        "mending_item",
        sa.Column("mending_key", sa.BigInteger(), nullable=False),
        sa.Column("incident_key", sa.BigInteger(), nullable=False),
        sa.Column("instance_key", sa.BigInteger(), nullable=True),
        sa.Column("dossier_key", sa.BigInteger(), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=True),
        sa.Column("told", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("message", sa.String(length=400), nullable=True),
        sa.Column("done_at", app.store.database.UtcDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["mending_key"], ["mending.key"], name=op.f("fk_mending_item_mending_key_mending")),
        sa.PrimaryKeyConstraint("mending_key", "incident_key", name=op.f("pk_mending_item")),
    )
    with op.batch_alter_table("mending_item", schema=None) as batch_op:
        batch_op.create_index("ix_mending_item_incident", ["incident_key"], unique=False)
        batch_op.create_index("ix_mending_item_state", ["mending_key", "state"], unique=False)


def downgrade() -> None:
    op.drop_table("mending_item")
    op.drop_table("mending")
    op.execute("DELETE FROM incident WHERE instance_key IS NULL OR area_key IS NULL")
    with op.batch_alter_table("incident", schema=None) as batch_op:
        batch_op.drop_index("ix_incident_subject")
        batch_op.alter_column("area_key", existing_type=sa.BigInteger(), nullable=False)
        batch_op.alter_column("instance_key", existing_type=sa.BigInteger(), nullable=False)
        batch_op.drop_column("subject_key")
