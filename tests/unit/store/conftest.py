"""A ledger of its own on each kind of database, and a clock that stands still until it is told to move."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from appliance.domain.identifiers import SeriesInstanceUID, SOPInstanceUID, StudyInstanceUID
from appliance.domain.study import Instance
from appliance.domain.workitem import Priority, Workitem, workitem_uid
from appliance.store.engine import Ledger, open_ledger
from appliance.store.instances import ArrivedInstance, Instances, Origin
from appliance.store.results import StoredFile

STUDY = StudyInstanceUID("1.2.3")
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


class Clock:
    """Returns the same moment until `pass_by`."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now

    def pass_by(self, **spans: float) -> None:
        self.now += timedelta(**spans)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ledger(ledger_url: str, clock: Clock) -> Iterator[Ledger]:
    opened = open_ledger(ledger_url)
    Instances(opened, clock).add([arrived("1.2.3.1.1")])
    yield opened
    opened.close()


def arrived(
    sop: str, sha256: str = "aa", *, study: str = STUDY, series: str = "1.2.3.1", at: datetime = NOON
) -> ArrivedInstance:
    """A CT slice, of series 1.2.3.1 of STUDY unless another is named."""
    return ArrivedInstance(
        orthanc_id=f"orthanc-{sop}",
        study_instance_uid=StudyInstanceUID(study),
        series_instance_uid=SeriesInstanceUID(series),
        instance=Instance(
            sop_instance_uid=SOPInstanceUID(sop),
            sop_class_uid="1.2.840.10008.5.1.4.1.1.2",
            transfer_syntax_uid="1.2.840.10008.1.2.1",
            attributes={
                "StudyInstanceUID": study,
                "SeriesInstanceUID": series,
                "Modality": "CT",
                "ImageType": ("ORIGINAL", "PRIMARY"),
            },
        ),
        file=StoredFile(path=f"{sop}.dcm", sha256=sha256, size=1),
        origin=Origin(received="now"),
        arrived_at=at,
    )


MakeWorkitem = Callable[..., Workitem]


def workitem(package: str = "liver", series: str | None = "1.2.3.1", **changes: Any) -> Workitem:
    """A workitem on one instance of STUDY."""
    series_uid = SeriesInstanceUID(series) if series else None
    instances = changes.pop("instances", (SOPInstanceUID("1.2.3.1.1"),))
    values: dict[str, Any] = {
        "uid": workitem_uid(STUDY, series_uid, package, "1.0.0", instances),
        "study_instance_uid": STUDY,
        "series_instance_uid": series_uid,
        "package": package,
        "version": "1.0.0",
        "sop_instance_uids": instances,
        "created_at": NOON,
        "priority": Priority.MEDIUM,
    }
    return Workitem(**{**values, **changes})
