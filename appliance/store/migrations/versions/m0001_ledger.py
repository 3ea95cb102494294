"""The first ledger."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create all tables."""
    op.create_table(
        "cursors",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("moved_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_cursors")),
    )
    op.create_table(
        "set_aside",
        sa.Column("orthanc_id", sa.String(length=64), nullable=False),
        sa.Column("received", sa.String(length=32), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("orthanc_id", name=op.f("pk_set_aside")),
    )
    op.create_table(
        "studies",
        sa.Column("study_instance_uid", sa.String(length=64), nullable=False),
        sa.Column("first_arrival_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_arrival_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("plan_due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("planned_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_event", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("study_instance_uid", name=op.f("pk_studies")),
    )
    op.create_index(op.f("ix_studies_plan_due_at"), "studies", ["plan_due_at"], unique=False)
    op.create_table(
        "events",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("study_instance_uid", sa.String(length=64), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("series_instance_uid", sa.String(length=64), nullable=True),
        sa.Column("workitem_uid", sa.String(length=64), nullable=True),
        sa.Column("code", sa.String(length=64), nullable=True),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["study_instance_uid"], ["studies.study_instance_uid"], name=op.f("fk_events_study_instance_uid")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_events")),
        sa.UniqueConstraint("study_instance_uid", "sequence", name=op.f("uq_events_study_instance_uid_sequence")),
    )
    op.create_table(
        "instances",
        sa.Column("orthanc_id", sa.String(length=64), nullable=False),
        sa.Column("study_instance_uid", sa.String(length=64), nullable=False),
        sa.Column("series_instance_uid", sa.String(length=64), nullable=False),
        sa.Column("sop_instance_uid", sa.String(length=64), nullable=False),
        sa.Column("sop_class_uid", sa.String(length=64), nullable=False),
        sa.Column("transfer_syntax_uid", sa.String(length=64), nullable=False),
        sa.Column("number_of_frames", sa.Integer(), nullable=False),
        sa.Column("attributes", sa.JSON(), nullable=False),
        sa.Column("path", sa.String(length=255), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("received", sa.String(length=32), nullable=False),
        sa.Column("calling_aet", sa.String(length=16), nullable=False),
        sa.Column("called_aet", sa.String(length=16), nullable=False),
        sa.Column("arrived_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["study_instance_uid"], ["studies.study_instance_uid"], name=op.f("fk_instances_study_instance_uid")
        ),
        sa.PrimaryKeyConstraint("orthanc_id", name=op.f("pk_instances")),
    )
    op.create_index(op.f("ix_instances_sop_instance_uid"), "instances", ["sop_instance_uid"], unique=False)
    op.create_index(
        op.f("ix_instances_study_instance_uid_series_instance_uid"),
        "instances",
        ["study_instance_uid", "series_instance_uid"],
        unique=False,
    )
    op.create_table(
        "selections",
        sa.Column("study_instance_uid", sa.String(length=64), nullable=False),
        sa.Column("package", sa.String(length=128), nullable=False),
        sa.Column("series_instance_uid", sa.String(length=64), nullable=False),
        sa.Column("verdict", sa.String(length=16), nullable=False),
        sa.Column("modality", sa.String(length=16), nullable=False),
        sa.Column("score", sa.Double(), nullable=False),
        sa.Column("reasons", sa.JSON(), nullable=False),
        sa.Column("rules", sa.JSON(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["study_instance_uid"], ["studies.study_instance_uid"], name=op.f("fk_selections_study_instance_uid")
        ),
        sa.PrimaryKeyConstraint("study_instance_uid", "package", "series_instance_uid", name=op.f("pk_selections")),
    )
    op.create_table(
        "workitems",
        sa.Column("uid", sa.String(length=64), nullable=False),
        sa.Column("study_instance_uid", sa.String(length=64), nullable=False),
        sa.Column("series_instance_uid", sa.String(length=64), nullable=True),
        sa.Column("package", sa.String(length=128), nullable=False),
        sa.Column("version", sa.String(length=64), nullable=False),
        sa.Column("sop_instance_uids", sa.JSON(), nullable=False),
        sa.Column("destinations", sa.JSON(), nullable=False),
        sa.Column("priority", sa.String(length=8), nullable=False),
        sa.Column("urgency", sa.Integer(), nullable=False),
        sa.Column("language", sa.String(length=16), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("supersedes", sa.String(length=64), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("token", sa.Integer(), nullable=False),
        sa.Column("worker", sa.String(length=128), nullable=True),
        sa.Column("lease_expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("not_before", sa.DateTime(timezone=True), nullable=True),
        sa.Column("enqueued_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("findings", sa.JSON(), nullable=True),
        sa.Column("seconds", sa.JSON(), nullable=True),
        sa.Column("stopped", sa.String(length=64), nullable=True),
        sa.Column("reason_code", sa.String(length=64), nullable=True),
        sa.Column("reason_detail", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["study_instance_uid"], ["studies.study_instance_uid"], name=op.f("fk_workitems_study_instance_uid")
        ),
        sa.ForeignKeyConstraint(["supersedes"], ["workitems.uid"], name=op.f("fk_workitems_supersedes")),
        sa.PrimaryKeyConstraint("uid", name=op.f("pk_workitems")),
    )
    op.create_index(
        op.f("ix_workitems_state_urgency_created_at"), "workitems", ["state", "urgency", "created_at"], unique=False
    )
    op.create_index(
        op.f("ix_workitems_study_instance_uid_series_instance_uid_package"),
        "workitems",
        ["study_instance_uid", "series_instance_uid", "package"],
        unique=False,
    )
    op.create_table(
        "results",
        sa.Column("sop_instance_uid", sa.String(length=64), nullable=False),
        sa.Column("workitem_uid", sa.String(length=64), nullable=False),
        sa.Column("study_instance_uid", sa.String(length=64), nullable=False),
        sa.Column("series_instance_uid", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("sop_class_uid", sa.String(length=64), nullable=False),
        sa.Column("transfer_syntax_uid", sa.String(length=64), nullable=False),
        sa.Column("description", sa.String(length=255), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("path", sa.String(length=255), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("superseded_by", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(
            ["study_instance_uid"], ["studies.study_instance_uid"], name=op.f("fk_results_study_instance_uid")
        ),
        sa.ForeignKeyConstraint(["superseded_by"], ["workitems.uid"], name=op.f("fk_results_superseded_by")),
        sa.ForeignKeyConstraint(["workitem_uid"], ["workitems.uid"], name=op.f("fk_results_workitem_uid")),
        sa.PrimaryKeyConstraint("sop_instance_uid", name=op.f("pk_results")),
    )
    op.create_index(op.f("ix_results_study_instance_uid"), "results", ["study_instance_uid"], unique=False)
    op.create_index(op.f("ix_results_workitem_uid"), "results", ["workitem_uid"], unique=False)
    op.create_table(
        "workitem_waits",
        sa.Column("workitem_uid", sa.String(length=64), nullable=False),
        sa.Column("waits_for", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["waits_for"], ["workitems.uid"], name=op.f("fk_workitem_waits_waits_for")),
        sa.ForeignKeyConstraint(["workitem_uid"], ["workitems.uid"], name=op.f("fk_workitem_waits_workitem_uid")),
        sa.PrimaryKeyConstraint("workitem_uid", "waits_for", name=op.f("pk_workitem_waits")),
    )
    op.create_index(op.f("ix_workitem_waits_waits_for"), "workitem_waits", ["waits_for"], unique=False)
    op.create_table(
        "outbox",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("sop_instance_uid", sa.String(length=64), nullable=False),
        sa.Column("destination", sa.String(length=64), nullable=False),
        sa.Column("urgency", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=True),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["sop_instance_uid"], ["results.sop_instance_uid"], name=op.f("fk_outbox_sop_instance_uid")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
        sa.UniqueConstraint("sop_instance_uid", "destination", name=op.f("uq_outbox_sop_instance_uid_destination")),
    )
    op.create_index(op.f("ix_outbox_state_due_at"), "outbox", ["state", "due_at"], unique=False)


def downgrade() -> None:
    """Drop all tables."""
    op.drop_index(op.f("ix_outbox_state_due_at"), table_name="outbox")
    op.drop_table("outbox")
    op.drop_index(op.f("ix_workitem_waits_waits_for"), table_name="workitem_waits")
    op.drop_table("workitem_waits")
    op.drop_index(op.f("ix_results_workitem_uid"), table_name="results")
    op.drop_index(op.f("ix_results_study_instance_uid"), table_name="results")
    op.drop_table("results")
    op.drop_index(op.f("ix_workitems_study_instance_uid_series_instance_uid_package"), table_name="workitems")
    op.drop_index(op.f("ix_workitems_state_urgency_created_at"), table_name="workitems")
    op.drop_table("workitems")
    op.drop_table("selections")
    op.drop_index(op.f("ix_instances_study_instance_uid_series_instance_uid"), table_name="instances")
    op.drop_index(op.f("ix_instances_sop_instance_uid"), table_name="instances")
    op.drop_table("instances")
    op.drop_table("events")
    op.drop_index(op.f("ix_studies_plan_due_at"), table_name="studies")
    op.drop_table("studies")
    op.drop_table("set_aside")
    op.drop_table("cursors")
