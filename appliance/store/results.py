"""Result objects: their files, and the rows that say what they are."""

import hashlib
import os
import tempfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import ColumnElement, Select, and_, select, true

from appliance.domain.dicom_result import DicomResult, ResultKind
from appliance.domain.identifiers import SeriesInstanceUID, SOPInstanceUID, StudyInstanceUID, WorkitemUID
from appliance.store.engine import Ledger
from appliance.store.schema import OutboxRow, ResultRow, WorkitemRow


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file below a folder of ours: `path` is relative to it."""

    path: str
    sha256: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OutgoingResult:
    """A result object on disk, and where it shall go; `for_node`: into Orthanc first."""

    result: DicomResult
    file: StoredFile
    destinations: tuple[str, ...] = ()
    for_node: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultRecord:
    """A result object as the ledger knows it; superseded_by is the workitem whose results replace it: its own where it
    was retracted, or where a newer answer of a reader took its place.
    """

    kind: ResultKind
    workitem_uid: WorkitemUID
    study_instance_uid: StudyInstanceUID
    series_instance_uid: SeriesInstanceUID
    sop_class_uid: str
    sop_instance_uid: SOPInstanceUID
    transfer_syntax_uid: str
    description: str
    text: str
    path: str
    sha256: str
    size: int
    created_at: datetime
    superseded_by: WorkitemUID | None


class ResultFiles:
    """Result objects on disk, named by their content: a ghost cannot overwrite what a later attempt wrote."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def write(self, content: bytes) -> StoredFile:
        """Keep `content`; when this returns, it survives a power cut."""
        sha256 = hashlib.sha256(content).hexdigest()
        stored = StoredFile(path=f"{sha256[:2]}/{sha256}.dcm", sha256=sha256, size=len(content))
        target = self.path(stored.path)
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            write_durably(target, content)
        return stored

    def path(self, relative: str) -> Path:
        """Where the file is."""
        return self._folder / relative

    def read(self, record: ResultRecord) -> DicomResult:
        """A result as it was made, from its row and its file."""
        return DicomResult(
            kind=record.kind,
            workitem_uid=record.workitem_uid,
            study_instance_uid=record.study_instance_uid,
            series_instance_uid=record.series_instance_uid,
            sop_class_uid=record.sop_class_uid,
            sop_instance_uid=record.sop_instance_uid,
            transfer_syntax_uid=record.transfer_syntax_uid,
            description=record.description,
            content=self.path(record.path).read_bytes(),
            text=record.text,
        )


def write_durably(target: Path, content: bytes) -> None:
    """Write a file so that it is there completely or not at all, power cuts included."""
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=".writing-")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    folder = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


class Results:
    """Reading result rows; `Claims.complete` writes them."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def of_study(
        self, study: StudyInstanceUID, *, superseded: bool = False, destination: str | None = None
    ) -> tuple[ResultRecord, ...]:
        """Results of a study, oldest first; those that later results replaced only when asked for.

        destination: only the edition of this destination.
        """
        query = _addressed_to(destination) if destination else select(ResultRow)
        query = query.where(ResultRow.study_instance_uid == study)
        if not superseded:
            query = query.where(ResultRow.superseded_by.is_(None))
        with self._ledger.read() as session:
            rows = session.scalars(query.order_by(ResultRow.created_at, ResultRow.sop_instance_uid))
            return tuple(_record(row) for row in rows)

    def of_workitem(self, workitem: WorkitemUID, destination: str) -> tuple[ResultRecord, ...]:
        """Results of one workitem that went, or shall go, to `destination`."""
        query = _addressed_to(destination).where(ResultRow.workitem_uid == workitem)
        with self._ledger.read() as session:
            return tuple(_record(row) for row in session.scalars(query.order_by(ResultRow.sop_instance_uid)))

    def predecessors(self, workitem: WorkitemUID, destination: str) -> tuple[ResultRecord, ...]:
        """Standing results that those of this workitem will replace; of those, what `destination` was sent."""
        with self._ledger.read() as session:
            row = session.get_one(WorkitemRow, workitem)
            query = (
                _addressed_to(destination)
                .join(WorkitemRow, WorkitemRow.uid == ResultRow.workitem_uid)
                .where(replaced_by(row))
                .order_by(ResultRow.sop_instance_uid)
            )
            return tuple(_record(result) for result in session.scalars(query))


def replaced_by(row: WorkitemRow) -> ColumnElement[bool]:
    """Of results joined with their workitems: those that the results of `row` replace. A rejection note never is: what
    was rejected stays rejected.
    """
    return and_(
        WorkitemRow.study_instance_uid == row.study_instance_uid,
        true() if row.instead else WorkitemRow.series_instance_uid.is_not_distinct_from(row.series_instance_uid),
        WorkitemRow.package == row.package,
        WorkitemRow.uid != row.uid,
        ResultRow.superseded_by.is_(None),
        ResultRow.kind != ResultKind.REJECTION.value,
    )


def _addressed_to(destination: str) -> Select[ResultRow]:
    joined = select(ResultRow).join(OutboxRow, OutboxRow.sop_instance_uid == ResultRow.sop_instance_uid)
    return joined.where(OutboxRow.destination == destination)


def _record(row: ResultRow) -> ResultRecord:
    return ResultRecord(
        kind=ResultKind(row.kind),
        workitem_uid=WorkitemUID(row.workitem_uid),
        study_instance_uid=StudyInstanceUID(row.study_instance_uid),
        series_instance_uid=SeriesInstanceUID(row.series_instance_uid),
        sop_class_uid=row.sop_class_uid,
        sop_instance_uid=SOPInstanceUID(row.sop_instance_uid),
        transfer_syntax_uid=row.transfer_syntax_uid,
        description=row.description,
        text=row.text,
        path=row.path,
        sha256=row.sha256,
        size=row.size,
        created_at=row.created_at,
        superseded_by=WorkitemUID(row.superseded_by) if row.superseded_by else None,
    )
