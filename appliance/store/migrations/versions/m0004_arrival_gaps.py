"""The rhythms of senders."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table of gaps between arrivals."""
    op.create_table(
        "arrival_gaps",
        sa.Column("calling_aet", sa.String(length=16), nullable=False),
        sa.Column("modality", sa.String(length=16), nullable=False),
        sa.Column("counts", sa.JSON(), nullable=False),
        sa.Column("learned_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("calling_aet", "modality", name=op.f("pk_arrival_gaps")),
    )


def downgrade() -> None:
    """Forget the rhythms."""
    op.drop_table("arrival_gaps")
