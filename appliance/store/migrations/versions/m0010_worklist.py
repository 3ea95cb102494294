"""The worklist: its lines and the words that find them, readings by people, and the views that people keep."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)
_UID = sa.String(length=64)
_PLACE = ["urgency", "rank", "arrived_at", "study_instance_uid"]
_WORD = sa.String(length=64).with_variant(sa.String(length=64, collation="C"), "postgresql")


def upgrade() -> None:
    """Create the tables. No study is listed: the worklist fills itself."""
    op.add_column("studies", sa.Column("is_listed", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_index(op.f("ix_studies_is_listed"), "studies", ["is_listed"])
    op.create_index(
        op.f("ix_workitems_package_version_finished_at"), "workitems", ["package", "version", "finished_at"]
    )
    _readings()
    _worklist()
    op.create_table(
        "worklist_views",
        sa.Column("user_name", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("query", sa.String(length=512), nullable=False),
        sa.PrimaryKeyConstraint("user_name", "name", name=op.f("pk_worklist_views")),
        sa.ForeignKeyConstraint(
            ["user_name"], ["users.name"], name=op.f("fk_worklist_views_user_name_users"), ondelete="CASCADE"
        ),
    )


def _readings() -> None:
    op.create_table(
        "readings",
        sa.Column("uid", _UID, nullable=False),
        sa.Column("study_instance_uid", _UID, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("performer", sa.String(length=64), nullable=False),
        sa.Column("performer_name", sa.String(length=128), nullable=False),
        sa.Column("transaction_uid", _UID, nullable=False),
        sa.Column("changed_at", _MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("uid", name=op.f("pk_readings")),
        sa.UniqueConstraint("study_instance_uid", "number", name=op.f("uq_readings_study_instance_uid_number")),
        sa.ForeignKeyConstraint(
            ["study_instance_uid"],
            ["studies.study_instance_uid"],
            name=op.f("fk_readings_study_instance_uid_studies"),
        ),
    )


def _worklist() -> None:
    op.create_table(
        "worklist",
        sa.Column("study_instance_uid", _UID, nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("urgency", sa.Integer(), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("arrived_at", _MOMENT, nullable=False),
        sa.Column("is_open", sa.Boolean(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("performer", sa.String(length=64), nullable=False),
        sa.Column("modalities", sa.String(length=255), nullable=False),
        sa.Column("accession_number", sa.String(length=64), nullable=False),
        sa.Column("description", sa.String(length=255), nullable=False),
        sa.Column("study_date", sa.String(length=8), nullable=False),
        sa.Column("study_time", sa.String(length=16), nullable=False),
        sa.Column("series", sa.Integer(), nullable=False),
        sa.Column("instances", sa.Integer(), nullable=False),
        sa.Column("patient", sa.JSON(), nullable=False),
        sa.Column("progress", sa.JSON(), nullable=False),
        sa.Column("reading", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("study_instance_uid", name=op.f("pk_worklist")),
        sa.ForeignKeyConstraint(
            ["study_instance_uid"],
            ["studies.study_instance_uid"],
            name=op.f("fk_worklist_study_instance_uid_studies"),
        ),
    )
    op.create_index(op.f("ix_worklist_revision"), "worklist", ["revision"])
    op.create_index("ix_worklist_place", "worklist", _PLACE)
    op.create_index("ix_worklist_open_place", "worklist", ["is_open", *_PLACE])
    op.create_index("ix_worklist_open_status_place", "worklist", ["is_open", "status", *_PLACE])
    op.create_index("ix_worklist_performer_place", "worklist", ["performer", *_PLACE])
    op.create_table(
        "worklist_words",
        sa.Column("study_instance_uid", _UID, nullable=False),
        sa.Column("about_patient", sa.Boolean(), nullable=False),
        sa.Column("word", _WORD, nullable=False),
        sa.PrimaryKeyConstraint("study_instance_uid", "about_patient", "word", name=op.f("pk_worklist_words")),
        sa.ForeignKeyConstraint(
            ["study_instance_uid"],
            ["worklist.study_instance_uid"],
            name=op.f("fk_worklist_words_study_instance_uid_worklist"),
        ),
    )
    op.create_index(op.f("ix_worklist_words_word_study_instance_uid"), "worklist_words", ["word", "study_instance_uid"])


def downgrade() -> None:
    """Forget it."""
    for table in ("worklist_views", "worklist_words", "worklist", "readings"):
        op.drop_table(table)
    op.drop_index(op.f("ix_workitems_package_version_finished_at"), "workitems")
    op.drop_index(op.f("ix_studies_is_listed"), "studies")
    op.drop_column("studies", "is_listed")
