"""The cache of instance files: fetched from Orthanc once, fetched again when they are gone."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from appliance.domain.errors import UnreadableObject
from appliance.domain.identifiers import SOPInstanceUID, content_hash
from appliance.store.instances import ArrivedInstance
from appliance.store.results import StoredFile
from appliance.study.orthanc import OrthancClient


class InstanceFiles:
    """Files below one folder, named by a hash of Orthanc's identifier."""

    def __init__(self, folder: Path, orthanc: OrthancClient, *, limit_bytes: int | None = None) -> None:
        self._folder = folder
        self._orthanc = orthanc
        self._limit = limit_bytes

    def fetch(self, orthanc_id: str) -> StoredFile | None:
        """Fetch the file of an instance; None if Orthanc no longer has it. Raises InputTooLarge, OrthancUnavailable."""
        name = content_hash(orthanc_id)
        path = f"{name[:2]}/{name}.dcm"
        download = self._orthanc.download(orthanc_id, self._folder / path, limit=self._limit)
        if download is None:
            return None
        return StoredFile(path=path, sha256=download.sha256, size=download.size)

    def path(self, file: StoredFile) -> Path:
        """Where a file is, if it is there."""
        return self._folder / file.path

    def remove(self, file: StoredFile) -> None:
        """Free the place of a file that nobody will read."""
        self.path(file).unlink(missing_ok=True)

    def paths(self, arrived: Iterable[ArrivedInstance]) -> Mapping[SOPInstanceUID, Path]:
        """Where the files of these instances are; those that are gone from the cache are fetched again.

        Raises UnreadableObject for one that is gone from Orthanc too or has changed there, OrthancUnavailable.
        """
        return {item.instance.sop_instance_uid: self._present(item) for item in arrived}

    def _present(self, item: ArrivedInstance) -> Path:
        path = self.path(item.file)
        if not path.exists():
            fetched = self.fetch(item.orthanc_id)
            if fetched is None or fetched.sha256 != item.file.sha256:
                raise UnreadableObject("the object is no longer what arrived", where=item.instance.sop_instance_uid)
        return path
