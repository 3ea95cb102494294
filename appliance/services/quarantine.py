"""The quarantine between its folder, which Orthanc's plugin fills, and the ledger; and the two ways out of it."""

import tempfile
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from appliance.domain.errors import NotReleasable
from appliance.gate.inspection import DEFAULT_LIMITS, PREAMBLE, inspect
from appliance.gate.limits import Limits
from appliance.gate.quarantine import QuarantineFolder
from appliance.gate.reasons import Reason, Refused
from appliance.logs import get_logger
from appliance.store.instances import Instances
from appliance.store.quarantine import Held, HoldState, Quarantine, Way
from appliance.study.admission import kept_out

_log = get_logger(__name__)
OVERRIDABLE = frozenset(reason.value for reason in Reason if reason.may_be_overridden)


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
        limits: Limits = DEFAULT_LIMITS,
    ) -> None:
        """`store` puts a file into Orthanc, `receive` takes instances of Orthanc over, `addresses` are those of the
        senders that the DICOM port accepts, by AE title."""
        self._folder = folder
        self._quarantine = quarantine
        self._instances = instances
        self._store = store
        self._receive = receive
        self._addresses = addresses
        self._limits = limits
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

    def upload(self, content: bytes, study: str = "") -> str:
        """Bring an object into Orthanc that came over HTTP: past the gate, without a foreign preamble; Orthanc's id.

        What is refused goes to quarantine. Raises KeptOut, DestinationRefused, OrthancUnavailable.
        """
        try:
            foreign_preamble = inspect(content, self._limits).foreign_preamble
        except Refused as refusal:
            where = refusal.study or study
            self._folder.hold(content, refusal.reason.value, refusal.detail, way=Way.HTTP.value, study=where)
            self.sync()
            raise kept_out(refusal) from None
        with tempfile.NamedTemporaryFile(prefix="appliance-upload-") as file:
            file.write(bytes(PREAMBLE) + content[PREAMBLE:] if foreign_preamble else content)
            file.flush()
            return self._store(Path(file.name))

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
        finally:
            self._folder.withdraw(held.sha256)
        self._quarantine.decide(held.id, HoldState.RELEASED, by=by, why=why)
        self._folder.remove(held.id)
        return held

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
