"""Orthanc over HTTP: the only module that knows its URLs.

Reads instances as files and as entries of Orthanc's own index, never through `/tags` or `/simplified-tags`: those make
Orthanc parse foreign objects, and a hostile one takes it down. Answers are asked for uncompressed, since Orthanc
compresses slower than a local network carries.
"""

import hashlib
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Self

import httpx

from appliance.domain.errors import (
    DestinationConflict,
    DestinationRefused,
    InputTooLarge,
    OrthancUnavailable,
    SettingsError,
)
from appliance.study.orthanc_index import Change, Changes, Download, Reception, moment, reception

NEW_INSTANCE = "NewInstance"
STABLE_STUDY = "StableStudy"
UPLOAD_HEADER = "X-Appliance-Upload"
_CHUNK = 1 << 20


class OrthancClient:
    """One Orthanc. Safe for threads. Every method raises OrthancUnavailable while it does not answer."""

    def __init__(
        self, url: str, *, user: str = "", password: str = "", upload_token: str = "", timeout_s: float = 60.0
    ) -> None:
        """`upload_token` is what the plugin asks of whoever stores over HTTP."""
        self._upload = {UPLOAD_HEADER: upload_token} if upload_token else {}
        self._client = httpx.Client(
            base_url=url,
            auth=(user, password) if user else None,
            headers={"Accept-Encoding": "identity"},
            timeout=httpx.Timeout(timeout_s, connect=5.0),
            trust_env=False,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def changes(self, since: int, limit: int = 500) -> Changes:
        """The change feed after the line `since`."""
        answer = self._json("GET", "/changes", params={"since": since, "limit": limit})
        return Changes(
            changes=tuple(
                Change(sequence=change["Seq"], kind=change["ChangeType"], orthanc_id=change["ID"])
                for change in answer["Changes"]
            ),
            last=answer["Last"],
            done=answer["Done"],
        )

    def last_change(self) -> int:
        """The number of the newest line of the change feed; 0 for an Orthanc that never changed."""
        answer = self._json("GET", "/changes", params={"last": ""})
        return int(answer["Last"])

    def receptions(self, orthanc_ids: Sequence[str]) -> Mapping[str, Reception]:
        """How the instances came in, by id; those that Orthanc no longer has are left out."""
        query = {"Resources": list(orthanc_ids), "Level": "Instance", "Metadata": True}
        found = self._json("POST", "/tools/bulk-content", json=query)
        return {item["ID"]: reception(item.get("Metadata", {})) for item in found if item}

    def stable_study(self, orthanc_id: str) -> str | None:
        """The Study Instance UID of a study that received nothing for the stable age, from the index; else None."""
        response = self._request("GET", f"/studies/{orthanc_id}")
        if response.status_code == httpx.codes.NOT_FOUND or not response.json()["IsStable"]:
            return None
        return str(response.json()["MainDicomTags"]["StudyInstanceUID"])

    def download(self, orthanc_id: str, target: Path, *, limit: int | None = None) -> Download | None:
        """Fetch the file of an instance to `target`, which is there completely or not at all.

        None if Orthanc no longer has it. Raises InputTooLarge beyond `limit` bytes.
        """
        target.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=".fetching-")
        draft = Path(name)
        try:
            with os.fdopen(descriptor, "wb") as file:
                chunks = self._stream(f"/instances/{orthanc_id}/file")
                digest, size = hashlib.sha256(), 0
                for chunk in chunks:
                    size += len(chunk)
                    if limit is not None and size > limit:
                        raise InputTooLarge(f"the object is larger than {limit} bytes", where=orthanc_id)
                    digest.update(chunk)
                    file.write(chunk)
            draft.replace(target)
        except _Gone:
            return None
        finally:
            draft.unlink(missing_ok=True)
        return Download(sha256=digest.hexdigest(), size=size)

    def store(self, file: Path) -> str:
        """Store an object, and return Orthanc's id for it; an object that is there already is success.

        The file is sent as it is read, and never in memory as a whole.

        Raises DestinationConflict if other content is there under the same UIDs, DestinationRefused if Orthanc does
        not take the object.
        """
        with file.open("rb") as content:
            response = self._request("POST", "/instances", content=content, headers=self._upload)
        if response.status_code != httpx.codes.OK:
            raise DestinationRefused(f"Orthanc answered {response.status_code}", where="orthanc")
        answer = response.json()
        orthanc_id = str(answer["ID"])
        if answer["Status"] == "AlreadyStored" and self._sha256(orthanc_id) != _sha256_of(file):
            raise DestinationConflict(where="orthanc")
        return orthanc_id

    def has_instances(self, orthanc_ids: Sequence[str]) -> frozenset[str]:
        """Which of these instances Orthanc has."""
        return frozenset(self.receptions(orthanc_ids))

    def instances_of_study(self, study: str) -> frozenset[str]:
        """The ids of everything that Orthanc holds of a study, by Study Instance UID: images or not, from its index."""
        series = [uid for one in self._find("STUDY", study) for uid in self._children(f"/studies/{one}", "Series")]
        return frozenset(uid for one in series for uid in self._children(f"/series/{one}", "Instances"))

    def remove_instance(self, sop_instance_uid: str) -> None:
        """Remove an object by its SOP Instance UID; one that is not there is no error."""
        for orthanc_id in self._find("INSTANCE", sop_instance_uid):
            self._request("DELETE", f"/instances/{orthanc_id}")

    def remove_study(self, study: str) -> None:
        """Remove a study by its Study Instance UID, whatever patients it was stored under."""
        for orthanc_id in self._find("STUDY", study):
            self.delete_study(orthanc_id)

    def _find(self, level: str, uid: str) -> list[str]:
        response = self._request("POST", "/tools/lookup", content=uid.encode("ascii"))
        found = response.json() if response.status_code == httpx.codes.OK else []
        return [str(item["ID"]) for item in found if item["Type"].upper() == level]

    def _children(self, path: str, kind: str) -> list[str]:
        """The ids below a resource; none below one that is gone by now."""
        response = self._request("GET", path)
        return [] if response.status_code == httpx.codes.NOT_FOUND else list(response.json()[kind])

    def delete_study(self, orthanc_id: str) -> None:
        """Remove a study; one that is not there is no error."""
        self._request("DELETE", f"/studies/{orthanc_id}")

    def system(self) -> Mapping[str, Any]:
        """Version, name, AE title and ports."""
        return self._object("/system")

    def now(self) -> datetime:
        """What time it is where Orthanc runs, by which it dates receptions: UTC, to the second."""
        told = moment(self._request("GET", "/tools/now").text.strip().strip('"'))
        if told is None:
            raise OrthancUnavailable("Orthanc does not tell the time", where="/tools/now")
        return told

    def statistics(self) -> Mapping[str, Any]:
        """Counts of patients, studies, series and instances, and sizes."""
        return self._object("/statistics")

    def _sha256(self, orthanc_id: str) -> str:
        digest = hashlib.sha256()
        for chunk in self._stream(f"/instances/{orthanc_id}/file"):
            digest.update(chunk)
        return digest.hexdigest()

    def _object(self, path: str) -> Mapping[str, Any]:
        answer: Mapping[str, Any] = self._json("GET", path)
        return answer

    def _json(self, method: str, path: str, **options: Any) -> Any:
        response = self._request(method, path, **options)
        if response.status_code != httpx.codes.OK:
            raise OrthancUnavailable(f"Orthanc answered {response.status_code} to {method} {path}", where=path)
        return response.json()

    def _request(self, method: str, path: str, **options: Any) -> httpx.Response:
        with _answering(path):
            response = self._client.request(method, path, **options)
            _check(response, path)
        return response

    def _stream(self, path: str) -> Iterator[bytes]:
        with _answering(path), self._client.stream("GET", path) as response:
            _check(response, path)
            if response.status_code == httpx.codes.NOT_FOUND:
                raise _Gone(path)
            if response.status_code != httpx.codes.OK:
                raise OrthancUnavailable(f"Orthanc answered {response.status_code}", where=path)
            yield from response.iter_raw(_CHUNK)


def _sha256_of(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


class _Gone(Exception):
    """The resource is not there (any more)."""


@contextmanager
def _answering(path: str) -> Iterator[None]:
    try:
        yield
    except httpx.TransportError as error:
        raise OrthancUnavailable(f"no answer ({type(error).__name__})", where=path) from error


def _check(response: httpx.Response, path: str) -> None:
    if response.status_code in {httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN}:
        raise SettingsError("Orthanc refused our user name and password", where=path)
    if response.status_code >= httpx.codes.INTERNAL_SERVER_ERROR:
        raise OrthancUnavailable(f"Orthanc answered {response.status_code}", where=path)
