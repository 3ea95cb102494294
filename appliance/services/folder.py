"""Takes the objects of a folder into the ledger, as intake does with those that Orthanc announces."""

import hashlib
from datetime import datetime
from pathlib import Path

from appliance.domain.identifiers import SeriesInstanceUID, StudyInstanceUID, content_hash
from appliance.domain.study import Instance
from appliance.store.instances import ArrivedInstance, Instances, Origin
from appliance.store.results import StoredFile
from appliance.study.files import FoundObjects


def take_in(found: FoundObjects, instances: Instances, now: datetime) -> frozenset[StudyInstanceUID]:
    """Register every object where it lies; the studies that they belong to."""
    return instances.add(
        [_arrived(item, found.paths[item.sop_instance_uid].resolve(), now) for item in found.instances]
    )


def _arrived(instance: Instance, path: Path, now: datetime) -> ArrivedInstance:
    with path.open("rb") as stream:
        sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
    return ArrivedInstance(
        orthanc_id=content_hash(instance.sop_instance_uid),
        study_instance_uid=StudyInstanceUID(str(instance.attributes["StudyInstanceUID"])),
        series_instance_uid=SeriesInstanceUID(str(instance.attributes["SeriesInstanceUID"])),
        instance=instance,
        # an absolute path stands for itself when it is joined to the cache folder
        file=StoredFile(path=str(path), sha256=sha256, size=path.stat().st_size),
        origin=Origin(),
        arrived_at=now,
    )
