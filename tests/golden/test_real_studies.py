"""The default models on real studies, through the command that a person would use: the figures that they must reach."""

import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import dcmread

pytestmark = [pytest.mark.shared, pytest.mark.weights]

_VOLUME = "118565006"  # SCT, Volume


@pytest.fixture
def models(project: Path) -> Path:
    if not (project / "models_onnx/ct-liver/1.0.0/weights/liver.onnx").is_file():
        pytest.skip("the weights have not been pulled: appliance models pull")
    return project / "models_onnx"


@pytest.fixture
def analysed(models: Path, tmp_path: Path):  # type: ignore[no-untyped-def]
    def run(*inputs: Path) -> tuple[int, Any, Path]:
        folder, target = tmp_path / "in", tmp_path / "out"
        folder.mkdir()
        for item in inputs:
            if item.name.endswith(".tar.xz"):
                with tarfile.open(item) as archive:
                    archive.extractall(folder, filter="data")
            else:
                (folder / item.name).write_bytes(item.read_bytes())
        environment = os.environ | {"APPLIANCE_MODELS_DIR": str(models), "APPLIANCE_STATE_DIR": str(tmp_path / "state")}
        command = [sys.executable, "-c", "from appliance.cli.main import main; main()", "process", str(folder)]
        finished = subprocess.run(
            [*command, "--out", str(target), "--json"], env=environment, cwd=tmp_path, capture_output=True, text=True
        )
        return finished.returncode, json.loads(finished.stdout), target

    return run


def measured_ml(target: Path, package: str) -> float:
    """The volume that the SR of a package states."""
    (file,) = target.rglob(f"sr-{package}-*.dcm")
    return next(_numbers(dcmread(file).ContentSequence, _VOLUME))


def _numbers(items: Any, code: str) -> Any:
    for item in items:
        if item.ValueType == "NUM" and item.ConceptNameCodeSequence[0].CodeValue == code:
            yield float(item.MeasuredValueSequence[0].NumericValue)
        yield from _numbers(item.get("ContentSequence", ()), code)


def test_liver_of_the_chest_ct(analysed: Any, shared_data: Path) -> None:
    code, _, target = analysed(shared_data / "ct-chest/lung-dx-a0001.tar.xz")
    assert code == 0
    assert measured_ml(target, "ct-liver") == pytest.approx(1364, rel=0.01)


def test_brain_of_the_t1(analysed: Any, shared_data: Path) -> None:
    code, _, target = analysed(shared_data / "mr-brain/studyforrest-t1.tar.xz")
    assert code == 0
    assert measured_ml(target, "mr-brain") == pytest.approx(1790, rel=0.01)


def test_lung_boxes_of_the_chest_x_ray(analysed: Any, shared_data: Path) -> None:
    code, _, target = analysed(shared_data / "cxr-dicom/dx-angell-pa.dcm")
    assert code == 0
    (file,) = target.rglob("seg-cxr-lungs-*.dcm")
    segmentation = dcmread(file)
    boxes = {}
    for item in segmentation.SegmentSequence:
        number, label = item.SegmentNumber, item.SegmentLabel
        rows, columns = np.nonzero(_mask(segmentation, number))
        boxes[label] = np.array([columns.min(), rows.min(), columns.max(), rows.max()])
    expected = {
        "Right lung": np.array([115, 270, 1030, 2350]),
        "Left lung": np.array([1280, 250, 2268, 2280]),
    }
    size = np.array([2413, 2714, 2413, 2714]).max()
    for label, box in expected.items():
        assert np.abs(boxes[label] - box).max() <= 0.05 * size, label


def _mask(segmentation: Any, number: int) -> Any:
    frames = segmentation.pixel_array.reshape(-1, segmentation.Rows, segmentation.Columns)
    for index, item in enumerate(segmentation.PerFrameFunctionalGroupsSequence):
        if item.SegmentIdentificationSequence[0].ReferencedSegmentNumber == number:
            return frames[index]
    raise AssertionError(f"segment {number} has no frame")


def test_burnt_in_name_and_date_are_found(analysed: Any, shared_data: Path) -> None:
    code, data, target = analysed(shared_data / "cxr-dicom/cr-fuji-burnt-in-fake-phi-monochrome1.dcm")
    assert code == 0
    text = next(iter(target.rglob("report-compositional-report-*.txt"))).read_text(encoding="utf-8")
    assert "reads like a person's name: found" in text
    assert "reads like a date: found" in text
    assert "DAVIDSON" not in text + json.dumps(data)


@pytest.mark.parametrize(
    ("archive", "reason"),
    [
        ("ct-head/ge-gantry-tilt.tar.xz", "BodyPartExamined is HEAD"),
        ("ct-chest/lidc-0314-24-slices.tar.xz", "NumberOfSlices is 24, wanted at least 30"),
    ],
)
def test_ct_that_the_liver_model_was_not_made_for_is_not_applicable(
    analysed: Any, shared_data: Path, archive: str, reason: str
) -> None:
    exit_code, data, _ = analysed(shared_data / archive)
    assert exit_code == 0
    (study,) = data["studies"]
    assert study["workitems"] == []
    (liver,) = [item for item in study["selections"] if item["package"].startswith("ct-liver")]
    assert any(said.startswith(reason) for said in liver["considered"][0]["reasons"])


@pytest.mark.parametrize("folder", ["rt", "us", "pet-seg/qin-headneck-0024-pet.tar.xz"])
def test_what_no_model_claims_comes_out_not_applicable_or_refused(
    analysed: Any, shared_data: Path, folder: str
) -> None:
    place = shared_data / folder
    exit_code, data, _ = analysed(*([place] if place.is_file() else sorted(place.glob("*.dcm"))))
    assert exit_code in (0, 1)
    ran = {
        item["model"].split("@")[0]
        for study in data["studies"]
        for item in study["workitems"]
        if item["state"] == "COMPLETED"
    }
    assert ran <= {"burnt-in-text", "compositional-report"}
