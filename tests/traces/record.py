"""Record how studies arrive: `python -m tests.traces.record` writes the JSON files beside this module.

Real C-STORE through a real Orthanc with the appliance's plugin; what is written is when the plugin saw each object
stored. Objects are 8 by 9 pixels, so that the rhythm is the sender's and not the disk's.
"""

import json
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydicom import Dataset
from pynetdicom import AE

from appliance.node.orthanc_config import node_configuration
from appliance.node.system import find_orthanc
from appliance.settings import Modality, SecretName, Settings
from tests.helpers.dicom_builder import blob_phantom, ct_series
from tests.helpers.orthanc_double import orthanc_id
from tests.helpers.receiver import Receiver
from tests.helpers.services import free_ports, orthanc, wait_for

FOLDER = Path(__file__).resolve().parent
Store = Callable[[Sequence[Dataset]], None]
Scenario = Callable[["Sender", list[list[Dataset]]], None]


class Stamped(list[Any]):
    """A list that knows when each of its items came."""

    def __init__(self) -> None:
        super().__init__()
        self.moments: list[float] = []

    def append(self, item: Any) -> None:
        self.moments.append(time.monotonic())
        super().append(item)


class Sender:
    """A modality of the AE title `aet`."""

    def __init__(self, aet: str, port: int) -> None:
        self._aet = aet
        self._port = port

    @contextmanager
    def association(self, items: Sequence[Dataset]) -> Iterator[Any]:
        entity = AE(ae_title=self._aet)
        for sop_class in sorted({item.SOPClassUID for item in items}):
            entity.add_requested_context(sop_class, "1.2.840.10008.1.2.1")
        association = entity.associate("127.0.0.1", self._port, ae_title="APPLIANCE")
        assert association.is_established, f"no association for {self._aet}"
        yield association
        if association.is_established:
            association.release()

    def send(self, items: Sequence[Dataset], *, every_s: float = 0.0, abort: bool = False) -> None:
        """Send on one association; `abort` breaks it off after the last of `items`."""
        with self.association(items) as association:
            for item in items:
                time.sleep(every_s)
                assert association.send_c_store(item).Status == 0
            if abort:
                association.abort()


def one_association(sender: Sender, series: list[list[Dataset]]) -> None:
    """120 slices, one after another."""
    sender.send(series[0])


def four_parallel(sender: Sender, series: list[list[Dataset]]) -> None:
    """The same in four associations at once, a quarter each."""
    threads = [threading.Thread(target=sender.send, args=(series[0][start::4],)) for start in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def slow_modality(sender: Sender, series: list[list[Dataset]]) -> None:
    """One image a second, as it is reconstructed."""
    sender.send(series[0][:24], every_s=1.0)


def pauses(sender: Sender, series: list[list[Dataset]]) -> None:
    """Three series with three seconds in between."""
    for index, one in enumerate(series):
        time.sleep(3.0 if index else 0)
        sender.send(one[:30])


def interrupted(sender: Sender, series: list[list[Dataset]]) -> None:
    """Broken off after half, resumed after 90 seconds."""
    sender.send(series[0][:60], abort=True)
    time.sleep(90)
    sender.send(series[0][60:])


def repeated(sender: Sender, series: list[list[Dataset]]) -> None:
    """Sent twice, the second time from its start and with ten slices that the first did not have."""
    sender.send(series[0][:110])
    time.sleep(1)
    sender.send(series[0])


SCENARIOS: dict[str, tuple[str, Scenario]] = {
    "one-association": ("CT1", one_association),
    "four-parallel": ("CT2", four_parallel),
    "slow-modality": ("CT3", slow_modality),
    "series-with-pauses": ("CT4", pauses),
    "interrupted-and-resumed": ("CT5", interrupted),
    "repeated": ("CT6", repeated),
}


def record(name: str, folder: Path) -> dict[str, Any]:
    """Run one scenario at an Orthanc of its own, and say what arrived when."""
    aet, scenario = SCENARIOS[name]
    dicom, http, web = free_ports(3)
    settings = Settings(
        home=folder,
        dicom={"port": dicom, "modalities": (Modality(aet=aet, host="127.0.0.1"),)},
        orthanc={"http_port": http},
        web={"port": web},
    )
    settings.secrets.get(SecretName.ANNOUNCEMENTS)
    series = [ct_series(blob_phantom((120, 8, 9)), seed=f"trace/{number}") for number in range(3)]
    known = {orthanc_id(item): (number, item) for number, items in enumerate(series) for item in items}
    receiver = Receiver(web)
    receiver.batches = batches = Stamped()
    try:
        with orthanc(settings.state, **node_configuration(settings, find_orthanc(settings))) as server:
            scenario(Sender(aet, dicom), series)
            stored = set(server.get("/instances"))
            wait_for(lambda: set(receiver.ids) == stored, "the last announcement")
    finally:
        receiver.close()
    arrivals = sorted(
        (moment - item["age_s"], *_what(*known[item["id"]]))
        for moment, batch in zip(batches.moments, batches, strict=True)
        for item in batch
    )
    start = arrivals[0][0]
    return {
        "name": name,
        "scenario": (scenario.__doc__ or "").strip(),
        "calling_aet": aet,
        "series": [{"sop_class_uid": series[0][0].SOPClassUID, "attributes": {"Modality": "CT"}}] * len(series),
        "arrivals": [[round(at - start, 3), *what] for at, *what in arrivals],
    }


def _what(number: int, item: Dataset) -> tuple[int, int, float]:
    return number, int(item.InstanceNumber), float(item.ImagePositionPatient[2])


def main() -> None:
    """Record every scenario."""
    for name in SCENARIOS:
        with tempfile.TemporaryDirectory(prefix="trace ") as folder:
            trace = record(name, Path(folder))
        lines = ",\n  ".join(json.dumps(row) for row in trace.pop("arrivals"))
        head = json.dumps(trace, indent=1)[:-2]
        (FOLDER / f"{name}.json").write_text(f'{head},\n "arrivals": [\n  {lines}\n ]\n}}\n', encoding="utf-8")
        print(name, "recorded")


if __name__ == "__main__":
    main()
