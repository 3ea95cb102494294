"""Answers of readers as an evaluation set: one table, and the objects that it speaks of.

Nothing is pseudonymised: the objects carry the patient as the results do. Source images stay in the archive.
"""

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from appliance.domain.dicom_result import ResultKind
from appliance.domain.feedback import Feedback
from appliance.store.deliveries import ORTHANC
from appliance.store.results import ResultFiles, ResultRecord, Results

TABLE = "feedback.csv"
_COLUMNS = (
    "at",
    "verdict",
    "finding",
    "tracking_uid",
    "package",
    "version",
    "manufacturer",
    "scanner",
    "month",
    "reader",
    "note",
    "study_instance_uid",
    "workitem_uid",
    "result_files",
    "answer_file",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """What was written."""

    answers: int
    objects: int


def export(folder: Path, given: Iterable[Feedback], results: Results, files: ResultFiles) -> Exported:
    """Write the answers into `folder` (made if need be), with the SEG and SR of each finding, and what the reader's
    answer or correction is said in.
    """
    objects = folder / "objects"
    objects.mkdir(parents=True, exist_ok=True)
    written: set[str] = set()
    count = 0
    with (folder / TABLE).open("w", encoding="utf-8", newline="") as stream:
        table = csv.DictWriter(stream, _COLUMNS)
        table.writeheader()
        for item in given:
            records = results.of_study(item.study_instance_uid, superseded=True)
            stated = _stated(item, records, results)
            answer = _answer_path(item, records)
            paths = [record.path for record in stated] + ([answer] if answer else [])
            for path in paths:
                (objects / Path(path).name).write_bytes(files.path(path).read_bytes())
                written.add(path)
            table.writerow(
                _row(item, [Path(record.path).name for record in stated], Path(answer).name if answer else "")
            )
            count += 1
    return Exported(answers=count, objects=len(written))


def _stated(item: Feedback, records: Sequence[ResultRecord], results: Results) -> list[ResultRecord]:
    """What the model said: the node's own edition."""
    at_node = {record.sop_instance_uid for record in results.of_workitem(item.workitem_uid, ORTHANC)}
    kinds = (ResultKind.SEG, ResultKind.SR)
    return [record for record in records if record.kind in kinds and record.sop_instance_uid in at_node]


def _answer_path(item: Feedback, records: Sequence[ResultRecord]) -> str:
    if item.object_path or not item.object_uid:
        return item.object_path
    return next((record.path for record in records if record.sop_instance_uid == item.object_uid), "")


def _row(item: Feedback, stated: Sequence[str], answer: str) -> dict[str, str]:
    plain = {name: str(getattr(item, name)) for name in _COLUMNS if hasattr(item, name)}
    return {**plain, "at": item.at.isoformat(), "result_files": " ".join(stated), "answer_file": answer}
