"""The quarantine between its folder, which Orthanc's plugin fills, and the ledger; and the two ways out of it."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Any

from appliance.domain.errors import ApplianceError, DestinationRefused, NotReleasable, StorageShort, StudyContradicted
from appliance.gate.inspection import PREAMBLE, Inspected, inspect_file
from appliance.gate.quarantine import QuarantineFolder
from appliance.gate.reasons import Reason, Refused
from appliance.logs import get_logger
from appliance.store.instances import Instances
from appliance.store.quarantine import Held, HoldState, Quarantine, Way
from appliance.study.admission import kept_out

_log = get_logger(__name__)
OVERRIDABLE = frozenset(reason.value for reason in Reason if reason.may_be_overridden)


@dataclass(frozen=True, slots=True, kw_only=True)
class Uploaded:
    """What became of one object; its UIDs are "" where they could not be read.

    orthanc_id: "" where it was refused, for the reason `refusal`. rewritten: its foreign preamble was zeroed.
    """

    sop_class: str
    sop_instance: str
    orthanc_id: str = ""
    refusal: ApplianceError | None = None
    rewritten: bool = False


class QuarantineDesk:
    """Takes over what was kept out, lets it in, or discards it."""

    def __init__(
        self,
        *,
        folder: QuarantineFolder,
        quarantine: Quarantine,
        instances: Instances,
        store: Callable[[Path], str],
        receive: Callable[[Iterable[str]], None],
        addresses: Mapping[str, str],
        inspect: Callable[[Path], Inspected] = inspect_file,
    ) -> None:
        """`store` puts a file into Orthanc, `receive` takes instances of Orthanc over, `addresses` are those of the
        senders that the DICOM port accepts, by AE title; `inspect` is the gate (raises Refused)."""
        self._folder = folder
        self._quarantine = quarantine
        self._instances = instances
        self._store = store
        self._receive = receive
        self._addresses = addresses
        self._inspect = inspect
        self._synced = 0

    def sync(self) -> int:
        """Take the records of the folder into the ledger; how many are new."""
        changed = self._folder.changed_at()
        if changed == self._synced:
            return 0
        found = self._quarantine.take(self._held(record) for record in self._folder.records())
        self._synced = changed
        if found:
            _log.warning("objects were kept out", objects=found)
        return found

    def upload(self, file: Path, study: str = "") -> Uploaded:
        """Bring an object into Orthanc that came over HTTP, past the gate: what became of it.

        file: the caller's own copy; a foreign preamble is zeroed in it. study: where it is to belong; one of another
        study is refused. What the gate refuses goes to quarantine. Raises TransientError.
        """
        try:
            found = self._inspect(file)
        except Refused as refusal:
            self._hold(file, refusal, refusal.study or study)
            return Uploaded(sop_class=refusal.sop_class, sop_instance=refusal.sop_instance, refusal=kept_out(refusal))
        known = Uploaded(sop_class=found.sop_class, sop_instance=found.sop_instance, rewritten=found.foreign_preamble)
        if study and found.study != study:
            return replace(known, refusal=StudyContradicted(where=found.sop_instance))
        if found.foreign_preamble:
            with file.open("r+b") as copy:
                copy.write(bytes(PREAMBLE))
        try:
            return replace(known, orthanc_id=self._store(file))
        except DestinationRefused as refusal:
            return replace(known, refusal=refusal)

    def _hold(self, file: Path, refusal: Refused, study: str) -> None:
        """Keep the bytes of what the gate refused, without reading them into memory."""
        try:
            with file.open("rb") as opened, ExitStack() as stack:
                size = file.stat().st_size
                content = stack.enter_context(mmap(opened.fileno(), 0, access=ACCESS_READ)) if size else b""
                reason, detail = refusal.reason.value, refusal.detail
                record = self._folder.hold(content, reason, detail, way=Way.HTTP.value, study=study)
        except OSError as error:
            raise StorageShort(error.strerror or type(error).__name__) from error
        # this one alone: who sends ten thousand bad objects must not have all records read for each
        self._quarantine.take([self._held(record)])
        _log.warning("an upload was kept out", code=reason)

    def release(self, identifier: str, *, by: str, why: str) -> Held:
        """Let an object in after all.

        One that the gate refused passes it once, if its reason may be overridden and its bytes are there; one that
        our reading refused is read again. Raises UnknownObject, NotReleasable, DestinationRefused, OrthancUnavailable.
        """
        held = self._quarantine.get(identifier)
        if held.state is not HoldState.HELD:
            raise NotReleasable(f"it is {held.state} already", where=held.id)
        if held.way is Way.READER:
            self._quarantine.decide(held.id, HoldState.RELEASED, by=by, why=why)
            self._instances.take_up_again(held.orthanc_id)
            self._receive([held.orthanc_id])
            return held
        if held.code not in OVERRIDABLE:
            raise NotReleasable(f"{held.code} cannot be overridden", where=held.id)
        if not held.kept:
            raise NotReleasable("its bytes are gone", where=held.id)
        self._folder.admit(held.sha256)
        try:
            self._store(self._folder.content_path(held.id))
            self._quarantine.decide(held.id, HoldState.RELEASED, by=by, why=why)
        finally:
            self._folder.withdraw(held.sha256)
        self._folder.remove(held.id)
        return held

    def is_released(self, sha256: str) -> bool:
        """Whether a person let this content past the gate, or is about to."""
        return self._folder.is_admitted(sha256) or self._quarantine.is_released(sha256)

    def discard(self, identifier: str, *, by: str, why: str) -> Held:
        """Remove the bytes of an object for good; the ledger remembers who did and why.

        What our reading refused stays in Orthanc. Raises UnknownObject.
        """
        held = self._quarantine.get(identifier)
        self._quarantine.decide(held.id, HoldState.DISCARDED, by=by, why=why)
        self._folder.remove(held.id)
        return held

    def _held(self, record: Mapping[str, Any]) -> Held:
        aet = str(record.get("calling_aet", ""))
        return Held(
            id=record["id"],
            code=record["code"],
            detail=record["detail"],
            way=Way(record.get("way", Way.HTTP)),
            at=datetime.fromisoformat(record["at"]),
            size=record["size"],
            sha256=record["sha256"],
            times=record["times"],
            kept=record["kept"],
            calling_aet=aet,
            address=self._addresses.get(aet, ""),
            study_instance_uid=record.get("study", ""),
        )
