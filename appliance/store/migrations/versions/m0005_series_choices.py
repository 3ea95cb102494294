"""Series that people chose, and work on them."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table of choices; add the columns."""
    op.create_table(
        "series_choices",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("study_instance_uid", sa.String(length=64), nullable=False),
        sa.Column("package", sa.String(length=128), nullable=False),
        sa.Column("series_instance_uid", sa.String(length=64), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("unmet", sa.JSON(), nullable=False),
        sa.Column("author", sa.String(length=128), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["study_instance_uid"],
            ["studies.study_instance_uid"],
            name=op.f("fk_series_choices_study_instance_uid"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_series_choices")),
    )
    op.create_index(
        op.f("ix_series_choices_study_instance_uid_package"), "series_choices", ["study_instance_uid", "package"]
    )
    op.add_column("workitems", sa.Column("instead", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("workitems", sa.Column("unmet", sa.JSON(), nullable=True))


def downgrade() -> None:
    """Forget the choices."""
    op.drop_column("workitems", "unmet")
    op.drop_column("workitems", "instead")
    op.drop_index(op.f("ix_series_choices_study_instance_uid_package"), table_name="series_choices")
    op.drop_table("series_choices")
