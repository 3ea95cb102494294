"""`appliance process` as a person or a script uses it: one process, no service, exit codes that mean something."""

import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import dcmread

from tests.helpers.dicom_builder import blob_phantom, ct_series, projection, save
from tests.helpers.tiny_models import write_modality_gate, write_threshold_package


@dataclass(frozen=True)
class Finished:
    """What the command left behind."""

    code: int
    output: str
    errors: str
    target: Path

    @property
    def data(self) -> Any:
        return json.loads(self.output)

    @property
    def kinds(self) -> list[str]:
        return sorted(str(dcmread(file, stop_before_pixels=True).Modality) for file in self.target.rglob("*.dcm"))


Process = Callable[..., Finished]


@pytest.fixture
def models(tmp_path: Path) -> Path:
    folder = tmp_path / "models of ours"
    write_threshold_package(folder)
    return folder


@pytest.fixture
def process(tmp_path: Path, models: Path) -> Process:
    def run(*arguments: str | Path, target: Path = tmp_path / "out put") -> Finished:
        environment = os.environ | {"APPLIANCE_MODELS_DIR": str(models), "APPLIANCE_STATE_DIR": str(tmp_path / "state")}
        command = [sys.executable, "-c", "from appliance.cli.main import main; main()", "process", *map(str, arguments)]
        finished = subprocess.run(
            [*command, "--out", str(target)], env=environment, cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert "Traceback" not in finished.stderr
        return Finished(finished.returncode, finished.stdout, finished.stderr, target)

    return run


@pytest.fixture
def ct(tmp_path: Path) -> Path:
    folder = tmp_path / "a study"
    save(ct_series(blob_phantom()), folder)
    return folder


def test_a_study_gives_segmentation_measurements_and_a_report(process: Process, ct: Path) -> None:
    finished = process(ct)
    assert finished.code == 0, finished.errors
    assert finished.kinds == ["DOC", "SEG", "SR", "SR"]
    assert "Liver" in finished.output


def test_a_second_run_replaces_and_never_adds(process: Process, ct: Path) -> None:
    first = {file.name: dcmread(file).SOPInstanceUID for file in process(ct).target.rglob("*.dcm")}
    second = {file.name: dcmread(file).SOPInstanceUID for file in process(ct).target.rglob("*.dcm")}
    assert first == second


def test_an_archive_is_as_good_as_a_folder(process: Process, ct: Path, tmp_path: Path) -> None:
    archive = tmp_path / "study.zip"
    with zipfile.ZipFile(archive, "w") as zipped:
        for file in ct.iterdir():
            zipped.write(file, f"anything/{file.name}")
    assert process(archive).kinds == ["DOC", "SEG", "SR", "SR"]


def test_a_study_that_no_model_wants_is_not_applicable_and_no_error(process: Process, tmp_path: Path) -> None:
    save([projection(np.full((64, 64), 100, np.uint16), modality="DX")], tmp_path / "x-ray")
    finished = process(tmp_path / "x-ray", "--json")
    assert finished.code == 0, finished.errors
    (study,) = finished.data["studies"]
    assert study["workitems"] == []
    assert study["selections"][0]["considered"][0]["reasons"] == [
        "Modality is DX, wanted CT",
        "NumberOfSlices is 1, wanted at least 3",
    ]


def test_tilted_slices_are_refused_with_the_reason(process: Process, tmp_path: Path) -> None:
    slices = ct_series(blob_phantom())
    for index, item in enumerate(slices):
        x, y, z = item.ImagePositionPatient
        item.ImagePositionPatient = [x, float(y) + index, z]
    save(slices, tmp_path / "tilted")
    finished = process(tmp_path / "tilted", "--json")
    assert finished.code == 1
    reasons = [item["reason"] for item in finished.data["studies"][0]["workitems"] if item["state"] == "CANCELED"]
    assert any(reason.startswith("geometry-gantry-tilt") for reason in reasons)


def test_a_gate_that_contradicts_the_header_stops_the_study(process: Process, ct: Path, models: Path) -> None:
    write_modality_gate(models, probability_of_mr=1.0)
    finished = process(ct, "--json")
    assert finished.code == 1
    states = {item["model"].split("@")[0]: item for item in finished.data["studies"][0]["workitems"]}
    assert states["modality-gate"]["state"] == "COMPLETED"
    assert states["blob"]["state"] == "CANCELED"
    assert states["blob"]["reason"].startswith("input-modality-contradicted")
    assert "SEG" not in finished.kinds


def test_a_gate_that_agrees_stops_nothing(process: Process, ct: Path, models: Path) -> None:
    write_modality_gate(models, probability_of_mr=0.0)
    finished = process(ct)
    assert finished.code == 0, finished.errors
    assert "SEG" in finished.kinds


@pytest.mark.parametrize("content", [b"", b"not DICOM at all", os.urandom(4000)], ids=["empty", "text", "noise"])
def test_what_is_not_dicom_is_passed_over(process: Process, ct: Path, content: bytes) -> None:
    (ct / "readme.txt").write_bytes(content)
    assert process(ct).code == 0


def test_a_damaged_object_is_refused_and_the_rest_goes_on(process: Process, ct: Path) -> None:
    (ct / "damaged.dcm").write_bytes(bytes(128) + b"DICM" + b"\xff" * 64)
    finished = process(ct)
    assert finished.code == 1
    assert "damaged.dcm" in finished.errors
    assert "SEG" in finished.kinds


def test_wrong_usage_is_told_from_a_refusal(process: Process, ct: Path, tmp_path: Path) -> None:
    assert process(tmp_path / "nowhere").code == 2
    (tmp_path / "file").write_text("a file", encoding="utf-8")
    assert process(ct, target=tmp_path / "file").code == 2
    assert process().code == 2


def test_nothing_of_the_patient_is_printed(process: Process, ct: Path) -> None:
    finished = process(ct)
    assert "Phantom^Synthetic" not in finished.output + finished.errors
    assert "PHANTOM-1" not in finished.output + finished.errors


def test_derived_objects_are_never_input(process: Process, ct: Path, tmp_path: Path) -> None:
    derived = ct_series(blob_phantom(), seed="phantom/derived", Manufacturer="Another")
    for item in derived:
        item.SOPClassUID = item.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.30"  # Parametric Map
    save(derived, ct / "derived")
    (study,) = process(ct, "--json").data["studies"]
    (selection,) = study["selections"]
    assert [item["series"] for item in selection["considered"]] == selection["chosen"]


def test_a_study_without_images_is_not_applicable(process: Process, ct: Path, tmp_path: Path) -> None:
    results = process(ct).target
    finished = process(results, target=tmp_path / "again")
    assert finished.code == 0
    assert "no series that carries images" in finished.output
    assert not (tmp_path / "again").exists()
