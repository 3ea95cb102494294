"""Tables of the ledger. Portable between SQLite and PostgreSQL; moments are UTC and always carry their zone."""

from datetime import UTC, datetime
from typing import Any, ClassVar

from sqlalchemy import (
    JSON,
    BigInteger,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Text,
    TypeDecorator,
    UniqueConstraint,
    false,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from appliance.domain.workitem import ProcedureStepState

UID_LENGTH = 64  # PS3.5 6.2, VR UI
WORD = String(64).with_variant(String(64, collation="C"), "postgresql")  # ranges of words need the order of code points


class UtcDateTime(TypeDecorator[datetime]):
    """A moment with its zone; SQLite keeps none, so it is stored as UTC and given back as UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """To UTC; ValueError for a moment without a zone."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment in the ledger needs a time zone")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """From the database, in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """All tables; constraints are named so that migrations can name them on every database."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {datetime: UtcDateTime, dict[str, Any]: JSON, list[Any]: JSON}


class StudyRow(Base):
    """A study as far as it arrived. `plan_due_at` is set while planning is owed; `last_event` numbers the timeline.

    is_listed: whether the worklist says what the timeline says; every event takes that away.
    """

    __tablename__ = "studies"

    study_instance_uid: Mapped[str] = mapped_column(String(UID_LENGTH), primary_key=True)
    first_arrival_at: Mapped[datetime]
    last_arrival_at: Mapped[datetime]
    plan_due_at: Mapped[datetime | None] = mapped_column(index=True)
    planned_at: Mapped[datetime | None]
    last_event: Mapped[int] = mapped_column(default=0)
    is_listed: Mapped[bool] = mapped_column(default=False, server_default=false(), index=True)


class InstanceRow(Base):
    """An instance that Orthanc holds and we have read; `path` is relative to the cache folder."""

    __tablename__ = "instances"
    __table_args__ = (Index(None, "study_instance_uid", "series_instance_uid"),)

    orthanc_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    study_instance_uid: Mapped[str] = mapped_column(ForeignKey("studies.study_instance_uid"))
    series_instance_uid: Mapped[str] = mapped_column(String(UID_LENGTH))
    sop_instance_uid: Mapped[str] = mapped_column(String(UID_LENGTH), index=True)
    sop_class_uid: Mapped[str] = mapped_column(String(UID_LENGTH))
    transfer_syntax_uid: Mapped[str] = mapped_column(String(UID_LENGTH))
    number_of_frames: Mapped[int]
    attributes: Mapped[dict[str, Any]]
    path: Mapped[str] = mapped_column(String(255))
    sha256: Mapped[str] = mapped_column(String(64))
    size: Mapped[int]
    received: Mapped[str] = mapped_column(String(32), default="")
    calling_aet: Mapped[str] = mapped_column(String(16), default="")
    called_aet: Mapped[str] = mapped_column(String(16), default="")
    sender_address: Mapped[str] = mapped_column(String(64), default="")
    arrived_at: Mapped[datetime]


class SetAsideRow(Base):
    """An object that Orthanc holds and that is no input: unreadable, not an image, or made by us; `code` says which."""

    __tablename__ = "set_aside"

    orthanc_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    received: Mapped[str] = mapped_column(String(32), default="")
    code: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime]


class QuarantineRow(Base):
    """An object that was kept out, and what was decided about it; its study need not be known here."""

    __tablename__ = "quarantine"
    __table_args__ = (Index(None, "state", "at"),)

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    code: Mapped[str] = mapped_column(String(64))
    detail: Mapped[str] = mapped_column(Text)
    way: Mapped[str] = mapped_column(String(16))
    at: Mapped[datetime]
    size: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str] = mapped_column(String(64))
    times: Mapped[int] = mapped_column(default=1)
    kept: Mapped[bool] = mapped_column(default=True)
    calling_aet: Mapped[str] = mapped_column(String(16), default="")
    address: Mapped[str] = mapped_column(String(64), default="")
    study_instance_uid: Mapped[str] = mapped_column(String(UID_LENGTH), default="")
    orthanc_id: Mapped[str] = mapped_column(String(64), default="")
    state: Mapped[str] = mapped_column(String(16))
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[str] = mapped_column(String(64), default="")
    decision: Mapped[str] = mapped_column(Text, default="")


class WorkitemRow(Base):
    """A workitem, the attempt that holds it, and how it ended.

    `token` grows with every claim and every release: who holds an older one has lost the workitem.
    """

    __tablename__ = "workitems"
    __table_args__ = (
        Index(None, "state", "urgency", "created_at"),
        Index(None, "study_instance_uid", "series_instance_uid", "package"),
        Index(None, "package", "version", "finished_at"),
    )

    uid: Mapped[str] = mapped_column(String(UID_LENGTH), primary_key=True)
    study_instance_uid: Mapped[str] = mapped_column(ForeignKey("studies.study_instance_uid"))
    series_instance_uid: Mapped[str | None] = mapped_column(String(UID_LENGTH))
    package: Mapped[str] = mapped_column(String(128))
    version: Mapped[str] = mapped_column(String(64))
    sop_instance_uids: Mapped[list[Any]]
    destinations: Mapped[list[Any]]
    priority: Mapped[str] = mapped_column(String(8))
    urgency: Mapped[int]
    language: Mapped[str] = mapped_column(String(16))
    revision: Mapped[int]
    created_at: Mapped[datetime]
    state: Mapped[str] = mapped_column(String(16), default=ProcedureStepState.SCHEDULED.value)
    supersedes: Mapped[str | None] = mapped_column(ForeignKey("workitems.uid"))
    attempts: Mapped[int] = mapped_column(default=0)
    token: Mapped[int] = mapped_column(default=0)
    worker: Mapped[str | None] = mapped_column(String(128))
    lease_expires_at: Mapped[datetime | None]
    not_before: Mapped[datetime | None]
    run_between: Mapped[dict[str, Any] | None]
    instead: Mapped[bool] = mapped_column(default=False)
    unmet: Mapped[list[Any] | None]
    enqueued_at: Mapped[datetime | None]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    findings: Mapped[list[Any] | None]
    seconds: Mapped[list[Any] | None]
    stopped: Mapped[str | None] = mapped_column(String(64))
    reason_code: Mapped[str | None] = mapped_column(String(64))
    reason_detail: Mapped[str | None] = mapped_column(Text)


class WaitRow(Base):
    """`workitem_uid` may only be claimed once `waits_for` is final."""

    __tablename__ = "workitem_waits"

    workitem_uid: Mapped[str] = mapped_column(ForeignKey("workitems.uid"), primary_key=True)
    waits_for: Mapped[str] = mapped_column(ForeignKey("workitems.uid"), primary_key=True, index=True)


class ResultRow(Base):
    """A result object; `path` is relative to the results folder."""

    __tablename__ = "results"

    sop_instance_uid: Mapped[str] = mapped_column(String(UID_LENGTH), primary_key=True)
    workitem_uid: Mapped[str] = mapped_column(ForeignKey("workitems.uid"), index=True)
    study_instance_uid: Mapped[str] = mapped_column(ForeignKey("studies.study_instance_uid"), index=True)
    series_instance_uid: Mapped[str] = mapped_column(String(UID_LENGTH))
    kind: Mapped[str] = mapped_column(String(16))
    sop_class_uid: Mapped[str] = mapped_column(String(UID_LENGTH))
    transfer_syntax_uid: Mapped[str] = mapped_column(String(UID_LENGTH))
    description: Mapped[str] = mapped_column(String(255))
    text: Mapped[str] = mapped_column(Text)
    path: Mapped[str] = mapped_column(String(255))
    sha256: Mapped[str] = mapped_column(String(64))
    size: Mapped[int]
    created_at: Mapped[datetime]
    superseded_by: Mapped[str | None] = mapped_column(ForeignKey("workitems.uid"))


class OutboxRow(Base):
    """One result on its way to one destination."""

    __tablename__ = "outbox"
    __table_args__ = (UniqueConstraint("sop_instance_uid", "destination"), Index(None, "state", "due_at"))

    id: Mapped[int] = mapped_column(primary_key=True)
    sop_instance_uid: Mapped[str] = mapped_column(ForeignKey("results.sop_instance_uid"))
    destination: Mapped[str] = mapped_column(String(64))
    urgency: Mapped[int]
    state: Mapped[str] = mapped_column(String(16))
    attempts: Mapped[int] = mapped_column(default=0)
    looks: Mapped[int] = mapped_column(default=0, server_default="0")
    due_at: Mapped[datetime]
    code: Mapped[str | None] = mapped_column(String(64))
    detail: Mapped[str | None] = mapped_column(Text)
    delivered_at: Mapped[datetime | None]


class DestinationRow(Base):
    """How a destination stands; nothing goes there before `closed_until`."""

    __tablename__ = "destinations"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    failures: Mapped[int] = mapped_column(default=0)
    closed_until: Mapped[datetime | None]
    failed_at: Mapped[datetime | None]
    answered_at: Mapped[datetime | None]
    detail: Mapped[str] = mapped_column(Text, default="")
    accepted_contexts: Mapped[dict[str, Any] | None]
    probed_at: Mapped[datetime | None]


class EventRow(Base):
    """One line of a study's timeline; never changed, never holding patient data."""

    __tablename__ = "events"
    __table_args__ = (UniqueConstraint("study_instance_uid", "sequence"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    study_instance_uid: Mapped[str] = mapped_column(ForeignKey("studies.study_instance_uid"))
    sequence: Mapped[int]
    at: Mapped[datetime]
    kind: Mapped[str] = mapped_column(String(32))
    series_instance_uid: Mapped[str | None] = mapped_column(String(UID_LENGTH))
    workitem_uid: Mapped[str | None] = mapped_column(String(UID_LENGTH))
    code: Mapped[str | None] = mapped_column(String(64))
    detail: Mapped[dict[str, Any]]


class SeriesChoiceRow(Base):
    """The series that a person chose for a package; the newest of a study and package counts. Never changed."""

    __tablename__ = "series_choices"
    __table_args__ = (Index(None, "study_instance_uid", "package"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    study_instance_uid: Mapped[str] = mapped_column(ForeignKey("studies.study_instance_uid"))
    package: Mapped[str] = mapped_column(String(128))
    series_instance_uid: Mapped[str] = mapped_column(String(UID_LENGTH))
    revision: Mapped[int]
    unmet: Mapped[list[Any]]
    author: Mapped[str] = mapped_column(String(128))
    reason: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime]


class RuleRevisionRow(Base):
    """A text of routing rules that was put in force; never changed, never removed."""

    __tablename__ = "rule_revisions"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    text: Mapped[str] = mapped_column(Text)
    sha256: Mapped[str] = mapped_column(String(64))
    kind: Mapped[str] = mapped_column(String(16))
    author: Mapped[str] = mapped_column(String(128))
    reason: Mapped[str] = mapped_column(Text)
    file_sha256: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime]


class CursorRow(Base):
    """How far a feed was read."""

    __tablename__ = "cursors"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    position: Mapped[int]
    moved_at: Mapped[datetime]


class ArrivalGapsRow(Base):
    """In which rhythm a sender sends a modality: how often gaps of each class were seen (`study.quiet_time`)."""

    __tablename__ = "arrival_gaps"

    calling_aet: Mapped[str] = mapped_column(String(16), primary_key=True)
    modality: Mapped[str] = mapped_column(String(16), primary_key=True)
    counts: Mapped[list[Any]]
    learned_at: Mapped[datetime]


class SelectionRow(Base):
    """Why a package was, or was not, applied to a series; one row with an empty series where a study has none."""

    __tablename__ = "selections"

    study_instance_uid: Mapped[str] = mapped_column(ForeignKey("studies.study_instance_uid"), primary_key=True)
    package: Mapped[str] = mapped_column(String(128), primary_key=True)
    series_instance_uid: Mapped[str] = mapped_column(String(UID_LENGTH), primary_key=True, default="")
    verdict: Mapped[str] = mapped_column(String(16))
    modality: Mapped[str] = mapped_column(String(16), default="")
    score: Mapped[float] = mapped_column(default=0.0)
    reasons: Mapped[list[Any]]
    rules: Mapped[list[Any]]
    decided_at: Mapped[datetime]


class UserRow(Base):
    """An account. `password_hash` is empty where only an OpenID provider signs it in, `subject` where none does."""

    __tablename__ = "users"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    display_name: Mapped[str] = mapped_column(String(128))
    roles: Mapped[list[Any]]
    password_hash: Mapped[str] = mapped_column(String(256))
    subject: Mapped[str | None] = mapped_column(String(512), unique=True)
    locked: Mapped[bool]
    language: Mapped[str] = mapped_column(String(8))
    theme: Mapped[str] = mapped_column(String(8))
    created_at: Mapped[datetime]
    password_changed_at: Mapped[datetime | None]
    signed_in_at: Mapped[datetime | None]


class WebSessionRow(Base):
    """Somebody who is signed in at a browser; the identifier itself is in the cookie alone."""

    __tablename__ = "web_sessions"

    id_sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_name: Mapped[str] = mapped_column(ForeignKey("users.name", ondelete="CASCADE"), index=True)
    address: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]


class ApiTokenRow(Base):
    """A token that a program signs in with; what it is was shown once."""

    __tablename__ = "api_tokens"

    number: Mapped[str] = mapped_column(String(16), primary_key=True)
    user_name: Mapped[str] = mapped_column(ForeignKey("users.name", ondelete="CASCADE"), index=True)
    label: Mapped[str] = mapped_column(String(64))
    token_sha256: Mapped[str] = mapped_column(String(64), unique=True)
    permissions: Mapped[list[Any]]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class SignInFailureRow(Base):
    """How often signing in failed lately, by account or by address."""

    __tablename__ = "sign_in_failures"

    subject: Mapped[str] = mapped_column(String(128), primary_key=True)
    failures: Mapped[int]
    failed_at: Mapped[datetime] = mapped_column(index=True)
    blocked_until: Mapped[datetime]


class OpenIdRequestRow(Base):
    """An attempt to sign in that is with an OpenID provider, until the person comes back."""

    __tablename__ = "openid_requests"

    state_sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    browser_sha256: Mapped[str] = mapped_column(String(64))
    nonce: Mapped[str] = mapped_column(String(128))
    verifier: Mapped[str] = mapped_column(String(128))
    redirect_uri: Mapped[str] = mapped_column(String(512))
    wanted: Mapped[str] = mapped_column(Text)
    begun_at: Mapped[datetime] = mapped_column(index=True)


class FeedbackRow(Base):
    """What a reader answered to a finding; never changed, the newest of a finding counts."""

    __tablename__ = "feedback"

    id: Mapped[int] = mapped_column(primary_key=True)
    study_instance_uid: Mapped[str] = mapped_column(ForeignKey("studies.study_instance_uid"), index=True)
    workitem_uid: Mapped[str] = mapped_column(ForeignKey("workitems.uid"))
    tracking_uid: Mapped[str] = mapped_column(String(UID_LENGTH))
    finding: Mapped[str] = mapped_column(String(128))
    verdict: Mapped[str] = mapped_column(String(16))
    reader: Mapped[str] = mapped_column(String(128))
    reader_name: Mapped[str] = mapped_column(String(128))
    note: Mapped[str] = mapped_column(Text)
    package: Mapped[str] = mapped_column(String(128))
    version: Mapped[str] = mapped_column(String(64))
    manufacturer: Mapped[str] = mapped_column(String(128))
    scanner: Mapped[str] = mapped_column(String(128))
    at: Mapped[datetime] = mapped_column(index=True)
    month: Mapped[str] = mapped_column(String(7))
    object_uid: Mapped[str] = mapped_column(String(UID_LENGTH))
    object_path: Mapped[str] = mapped_column(String(255))


class AuditRow(Base):
    """One event of the audit trail; the database refuses to change or remove it."""

    __tablename__ = "audit_trail"

    number: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True)
    at: Mapped[datetime] = mapped_column(index=True)
    kind: Mapped[str] = mapped_column(String(32), index=True)
    outcome: Mapped[str] = mapped_column(String(2))
    actor: Mapped[str] = mapped_column(String(128), index=True)
    address: Mapped[str] = mapped_column(String(64))
    study_instance_uid: Mapped[str | None] = mapped_column(String(UID_LENGTH), index=True)
    about: Mapped[str] = mapped_column(String(256))
    detail: Mapped[dict[str, Any]]


class ReadingRow(Base):
    """A reading of a study by a person, from its claim on. `transaction_uid` is its access lock (PS3.4 CC.2.1)."""

    __tablename__ = "readings"
    __table_args__ = (UniqueConstraint("study_instance_uid", "number"),)

    uid: Mapped[str] = mapped_column(String(UID_LENGTH), primary_key=True)
    study_instance_uid: Mapped[str] = mapped_column(ForeignKey("studies.study_instance_uid"))
    number: Mapped[int]
    state: Mapped[str] = mapped_column(String(16))
    performer: Mapped[str] = mapped_column(String(64), default="")
    performer_name: Mapped[str] = mapped_column(String(128), default="")
    transaction_uid: Mapped[str] = mapped_column(String(UID_LENGTH), default="")
    changed_at: Mapped[datetime | None]


_LISTED = ("urgency", "rank", "arrived_at", "study_instance_uid")


class WorklistRow(Base):
    """A line of the worklist: derived from everything else, and made anew when a study is not listed.

    `urgency`, `rank`, `arrived_at` and the study are its place. `revision` grows with every change of any line.
    """

    __tablename__ = "worklist"
    __table_args__ = (
        Index("ix_worklist_place", *_LISTED),
        Index("ix_worklist_open_place", "is_open", *_LISTED),
        Index("ix_worklist_open_status_place", "is_open", "status", *_LISTED),
        Index("ix_worklist_performer_place", "performer", *_LISTED),
    )

    study_instance_uid: Mapped[str] = mapped_column(ForeignKey("studies.study_instance_uid"), primary_key=True)
    revision: Mapped[int] = mapped_column(index=True)
    urgency: Mapped[int]
    rank: Mapped[int]
    arrived_at: Mapped[datetime]
    is_open: Mapped[bool]
    status: Mapped[str] = mapped_column(String(16))
    performer: Mapped[str] = mapped_column(String(64))
    modalities: Mapped[str] = mapped_column(String(255))
    accession_number: Mapped[str] = mapped_column(String(64))
    description: Mapped[str] = mapped_column(String(255))
    study_date: Mapped[str] = mapped_column(String(8))
    study_time: Mapped[str] = mapped_column(String(16))
    series: Mapped[int]
    instances: Mapped[int]
    patient: Mapped[dict[str, Any]]
    progress: Mapped[dict[str, Any]]
    reading: Mapped[dict[str, Any]]


class WorklistWordRow(Base):
    """A word that finds a line of the worklist; of the patient, or of the study."""

    __tablename__ = "worklist_words"
    __table_args__ = (Index(None, "word", "study_instance_uid"),)

    study_instance_uid: Mapped[str] = mapped_column(ForeignKey("worklist.study_instance_uid"), primary_key=True)
    about_patient: Mapped[bool] = mapped_column(primary_key=True)
    word: Mapped[str] = mapped_column(WORD, primary_key=True)


class WorklistViewRow(Base):
    """A choice of lines that somebody gave a name."""

    __tablename__ = "worklist_views"

    user_name: Mapped[str] = mapped_column(ForeignKey("users.name", ondelete="CASCADE"), primary_key=True)
    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    query: Mapped[str] = mapped_column(String(512))
