"""Studies on a worklist, put into the ledger through its own doors: what arrived, what ran, what was found."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from appliance.bootstrap import Appliance
from appliance.domain.coding import ABSENT, PRESENT, CodedConcept, private
from appliance.domain.finding import Evaluation, Finding, OperatingPoint, Outcome
from appliance.domain.identifiers import SeriesInstanceUID, SOPInstanceUID, StudyInstanceUID
from appliance.domain.study import Instance
from appliance.domain.workitem import Priority, Workitem, workitem_uid
from appliance.store.claims import Claims, Completion
from appliance.store.instances import ArrivedInstance, Instances, Origin
from appliance.store.results import StoredFile
from appliance.store.studies import Studies
from appliance.store.workitems import Workitems

EFFUSION = CodedConcept("60046008", "SCT", "Pleural effusion")
PNEUMOTHORAX = CodedConcept("36118008", "SCT", "Pneumothorax")
NODULE = private("nodule", "Pulmonary nodule")
_POINT = OperatingPoint(name="balanced", threshold=0.5)
_numbers = count(1)


def present(concept: CodedConcept = EFFUSION, probability: float = 0.91) -> Evaluation:
    """Found."""
    return Evaluation(
        concept=concept, value=PRESENT, outcome=Outcome.POSITIVE, probability=probability, operating_point=_POINT
    )


def absent(concept: CodedConcept = PNEUMOTHORAX) -> Evaluation:
    """Looked for, and not found."""
    return Evaluation(concept=concept, value=ABSENT, outcome=Outcome.NEGATIVE, probability=0.03, operating_point=_POINT)


@dataclass
class Ward:
    """Lets studies arrive, and models run on them."""

    node: Appliance
    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    def clock(self) -> datetime:
        return self.now

    def arrive(
        self, uid: str = "", *, ago: timedelta = timedelta(), images: int = 2, series: int = 1, **attributes: Any
    ) -> StudyInstanceUID:
        """A study; attributes are DICOM keywords, the same in all images."""
        study = StudyInstanceUID(uid or f"1.2.826.0.1.{next(_numbers)}")
        moment = self.now - ago
        items = [_image(study, s, i, moment, attributes) for s in range(1, series + 1) for i in range(1, images + 1)]
        Instances(self.node.ledger, lambda: moment).add(items)
        return study

    def plan(
        self, study: StudyInstanceUID, *packages: str, priority: Priority = Priority.MEDIUM, **changes: Any
    ) -> tuple[Workitem, ...]:
        """The study is complete, and these packages run on its first series."""
        items = tuple(self.workitem(study, package, priority=priority, **changes) for package in packages)
        Workitems(self.node.ledger, self.clock).schedule(items)
        studies = Studies(self.node.ledger, self.clock)
        studies.planned(study, studies.last_arrival(study), instances=1, workitems=len(items))
        return items

    def workitem(self, study: StudyInstanceUID, package: str, **changes: Any) -> Workitem:
        series = SeriesInstanceUID(f"{study}.1")
        instances = changes.pop("instances", (SOPInstanceUID(f"{study}.1.1"),))
        values: dict[str, Any] = {
            "uid": workitem_uid(study, series, package, "1.0.0", instances),
            "study_instance_uid": study,
            "series_instance_uid": series,
            "package": package,
            "version": "1.0.0",
            "sop_instance_uids": instances,
            "created_at": self.now,
        }
        return Workitem(**values | changes)

    def start(self, item: Workitem) -> None:
        """A worker takes it up."""
        assert Claims(self.node.ledger, self.clock).claim(item.uid, "worker") is not None

    def finish(self, item: Workitem, findings: Sequence[Finding], *, took: float = 20, stopped: str = "") -> None:
        """It was taken up, and ends with these findings."""
        claims = Claims(self.node.ledger, self.clock)
        claim = claims.claim(item.uid, "worker")
        assert claim is not None
        self.now += timedelta(seconds=took)
        claims.complete(claim, Completion(findings=tuple(findings), stopped=stopped or None))

    def fail(self, item: Workitem, code: str = "input-pixels-damaged") -> None:
        """It ends without result."""
        Workitems(self.node.ledger, self.clock).cancel(item.uid, code)

    def keep(self) -> None:
        """Have the worklist say all of it."""
        self.node.worklist_keeper.keep_all()

    def done(self, study: StudyInstanceUID, *findings: Finding, priority: Priority = Priority.MEDIUM) -> None:
        """Planned, run and found."""
        (item,) = self.plan(study, "chest", priority=priority)
        self.finish(item, findings)


def _image(study: str, series: int, number: int, at: datetime, attributes: dict[str, Any]) -> ArrivedInstance:
    sop = f"{study}.{series}.{number}"
    given = {"Modality": "CT", "PatientName": "DOE^JANE", "PatientID": "4711"} | attributes
    return ArrivedInstance(
        orthanc_id=f"orthanc-{sop}",
        study_instance_uid=StudyInstanceUID(study),
        series_instance_uid=SeriesInstanceUID(f"{study}.{series}"),
        instance=Instance(
            sop_instance_uid=SOPInstanceUID(sop),
            sop_class_uid="1.2.840.10008.5.1.4.1.1.2",
            transfer_syntax_uid="1.2.840.10008.1.2.1",
            attributes={"StudyInstanceUID": study, "SeriesInstanceUID": f"{study}.{series}"}
            | {name: value[series - 1] if isinstance(value, list) else value for name, value in given.items()},
        ),
        file=StoredFile(path=f"{sop}.dcm", sha256="aa", size=1),
        origin=Origin(received="now"),
        arrived_at=at,
    )
