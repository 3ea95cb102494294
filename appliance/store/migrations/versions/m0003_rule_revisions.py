"""Revisions of the routing rules, hours of work, and the address of a sender."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table of revisions; add the columns."""
    op.create_table(
        "rule_revisions",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("author", sa.String(length=128), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("file_sha256", sa.String(length=64), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_rule_revisions")),
    )
    op.add_column("workitems", sa.Column("run_between", sa.JSON(), nullable=True))
    op.add_column("instances", sa.Column("sender_address", sa.String(length=64), nullable=False, server_default=""))


def downgrade() -> None:
    """Forget the revisions and what they asked for."""
    op.drop_column("instances", "sender_address")
    op.drop_column("workitems", "run_between")
    op.drop_table("rule_revisions")
