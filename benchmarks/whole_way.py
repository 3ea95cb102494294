"""A 400-slice CT through the whole way: a waterfall per stage, and the total over the raw time of the model.

    make bench

Starts a node of its own with a demonstration PACS on free ports, with the liver model alone. The CT is the chest CT
of the sample studies, interpolated along the patient to 400 slices, so that the model has a liver to find. A first
study, of the original slices, warms the session; the second is measured: the clock starts when the sender has the last
C-STORE response and ends when SEG and SR answer a QIDO-RS query at the PACS. The raw time of the model is that of the
network alone, on the same prepared input, measured afterwards in this process.
"""

import copy
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from statistics import median
from typing import Any

import httpx
import numpy as np
from pydicom import Dataset, dcmread, dcmwrite
from rich.table import Table

from appliance.bootstrap import Appliance
from appliance.cli.output import out
from appliance.domain.errors import NodeNotReady
from appliance.domain.identifiers import StudyInstanceUID, derived_uid
from appliance.domain.model_package import InputKind
from appliance.node import supervision
from appliance.node.demo_pacs import with_demo_pacs
from appliance.node.samples import pull_samples
from appliance.node.sender import send
from appliance.node.system import with_free_ports
from appliance.preprocessing import prepare
from appliance.settings import LOOPBACK, ReportSettings, SecretName, Settings, load_settings
from appliance.store.events import EventKind

SLICES = 400
PATIENCE_S = 300.0
MODEL = "ct-liver"
RULES = f"""
schema = 1
[[rules]]
name = "liver alone"
models = ["{MODEL}"]
"""


@dataclass(frozen=True, slots=True)
class Measured:
    """What one run gave: seconds from the last C-STORE response, the stages in between, and the network alone."""

    total: float
    stages: dict[str, float]
    raw: float


def main() -> None:
    """Measure and print."""
    installed = load_settings()
    chest_ct = next(
        s for s in pull_samples(installed.state / "downloads", installed.state / "samples") if "ct" in s.name
    )
    with tempfile.TemporaryDirectory(prefix="benchmark ") as folder, _node(Path(folder), installed) as settings:
        original = sorted(path for path in chest_ct.folder.rglob("*") if path.is_file())
        long = _interpolated(original, Path(folder) / "long", SLICES)
        _through(settings, original)
        study, total = _through(settings, long)
        node = Appliance(settings)
        stages = _stages(node, study)
        raw = _raw_network_seconds(node, study)
    _print(Measured(total, stages, raw), len(long))


@contextmanager
def _node(folder: Path, installed: Settings) -> Iterator[Settings]:
    (folder / "rules.toml").write_text(RULES, encoding="utf-8")
    values: dict[str, Any] = {"home": folder, "models_dir": installed.models, "report": ReportSettings(enabled=False)}
    settings = with_free_ports(with_demo_pacs(installed.model_copy(update=values)), demo=True)
    supervision.start(settings, demo=True)
    try:
        supervision.wait_ready(settings)
        yield settings
    finally:
        supervision.stop(settings)


def _through(settings: Settings, files: list[Path]) -> tuple[StudyInstanceUID, float]:
    """Send the files; the study, and the seconds from the last C-STORE response until SEG and SR answer at the PACS."""
    study = StudyInstanceUID(str(dcmread(files[0], specific_tags=["StudyInstanceUID"]).StudyInstanceUID))
    send(settings, files)
    start = time.perf_counter()
    url = f"http://{LOOPBACK}:{settings.demo.http_port}/dicom-web/studies/{study}/series"
    auth = ("demo", settings.secrets.get(SecretName.DEMO_PACS))
    with httpx.Client(auth=auth, trust_env=False) as client:
        while not {"SEG", "SR"} <= _modalities(client, url):
            if time.perf_counter() - start > PATIENCE_S:
                raise NodeNotReady("SEG and SR do not appear at the PACS", where=study)
            time.sleep(0.02)
    return study, time.perf_counter() - start


def _modalities(client: httpx.Client, url: str) -> set[str]:
    answer = client.get(url, headers={"Accept": "application/dicom+json"})
    return {item["00080060"]["Value"][0] for item in answer.json()} if answer.status_code == httpx.codes.OK else set()


def _interpolated(files: list[Path], folder: Path, count: int) -> list[Path]:
    """The same body as `count` slices: linear between neighbours, positions and thickness accordingly."""
    folder.mkdir()
    slices = sorted((dcmread(file) for file in files), key=lambda item: float(item.ImagePositionPatient[2]))
    places = np.linspace(0, len(slices) - 1, count)
    return [_between(slices, place, number, folder) for number, place in enumerate(places, 1)]


def _between(slices: list[Dataset], place: float, number: int, folder: Path) -> Path:
    low = min(int(place), len(slices) - 2)
    share = place - low
    below, above = slices[low], slices[low + 1]
    item = copy.deepcopy(below)
    stored = (1 - share) * below.pixel_array.astype(np.float32) + share * above.pixel_array.astype(np.float32)
    item.PixelData = np.round(stored).astype(below.pixel_array.dtype).tobytes()
    first, second = (np.array(part.ImagePositionPatient, float) for part in (below, above))
    item.ImagePositionPatient = [f"{value:.6f}" for value in (1 - share) * first + share * second]
    item.StudyInstanceUID = derived_uid("benchmark", "study", below.StudyInstanceUID)
    item.SeriesInstanceUID = derived_uid("benchmark", "series", below.SeriesInstanceUID)
    item.SOPInstanceUID = derived_uid("benchmark", "instance", below.SeriesInstanceUID, str(number))
    item.InstanceNumber = number
    del item.SliceThickness
    item.file_meta.MediaStorageSOPInstanceUID = item.SOPInstanceUID
    target = folder / f"{number:04d}.dcm"
    dcmwrite(target, item, enforce_file_format=True)
    return target


def _stages(node: Appliance, study: StudyInstanceUID) -> dict[str, float]:
    """Seconds per stage: from the timeline of the study, and from the workitem's own account."""
    events = node.studies.receipt(study).events

    def when(kind: EventKind, *, last: bool = False) -> datetime:
        moments = [event.at for event in events if event.kind is kind]
        return max(moments) if last else min(moments)

    arrived, planned = when(EventKind.ARRIVED, last=True), when(EventKind.PLANNED, last=True)
    claimed, completed = when(EventKind.CLAIMED, last=True), when(EventKind.COMPLETED, last=True)
    work = dict(node.workitems.analyses(study)[0].seconds)
    return {
        "arrival decided, planned": (planned - arrived).total_seconds(),
        "queue": (claimed - planned).total_seconds(),
        **work,
        "rest of the workitem": (completed - claimed).total_seconds() - sum(work.values()),
        "delivery": (when(EventKind.DELIVERED, last=True) - completed).total_seconds(),
    }


def _raw_network_seconds(node: Appliance, study: StudyInstanceUID) -> float:
    """The median of three runs of the network on the prepared input, in this process."""
    package = node.catalogue.find(MODEL).package
    assert package is not None
    series = node.study(study).series[0]
    source = node.pixels(study).read(series, InputKind.VOLUME).sources[0]
    stage = package.stages[0]
    prepared = prepare(source, stage.steps, focus=None, notes={})
    node.runtime.run(package, stage, prepared)
    return median(_timed(lambda: node.runtime.run(package, stage, prepared)) for _ in range(3))


def _timed(run: Any) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def _print(measured: Measured, slices: int) -> None:
    table = Table(title=f"{slices} slices, from the last C-STORE response to SEG and SR at the PACS", box=None)
    table.add_column("stage")
    table.add_column("share", justify="right")
    table.add_column("")
    for stage, seconds in measured.stages.items():
        share = seconds / measured.total
        table.add_row(stage, f"{share:.1%}", "█" * max(0, round(40 * share)))
    out.print(table)
    out.print(
        f"whole way / network alone = {measured.total / measured.raw:.2f}  (one run, {measured.raw:.1f} s network)"
    )


if __name__ == "__main__":
    main()
