"""Every real study through `appliance process`: what ran, what did not and why, the figures, and what judges say.

The whole folder goes through the command that a person would use. Objects that share a SOP Instance UID with another
one (the same image in another encoding) go in a later run of their own, since together they would be refused.
"""

import json
import lzma
import os
import shutil
import subprocess
import sys
import tarfile
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import Dataset, dcmread
from pydicom.errors import InvalidDicomError

from appliance.findings.codes import VOLUME
from tests.helpers import validators
from tests.helpers.services import program

pytestmark = [pytest.mark.shared, pytest.mark.weights, pytest.mark.timeout(1200)]

REPORT = "compositional-report"
CHEST_CT = "ct-chest/lung-dx-a0001"
BRAIN = "mr-brain/studyforrest-t1"
DX_CHEST = "cxr-dicom/dx-angell-pa.dcm"
FUJI = "cxr-dicom/cr-fuji-burnt-in-fake-phi-monochrome1.dcm"

TEXT = {"burnt-in-text"}
CHEST = {"burnt-in-text", "cxr-lungs"}
RAN = {
    CHEST_CT: {"ct-or-mr", "ct-liver"},
    BRAIN: {"ct-or-mr", "mr-brain", "mr-motion"},
    DX_CHEST: CHEST,
    FUJI: CHEST,
    "cxr-dicom/cr-rsna-jpeg-monochrome2.dcm": CHEST,
    "cxr-dicom/cr-rsna-jpeg-relabelled-monochrome1.dcm": CHEST,
    "mammo/cbis-ddsm-p00820-lcc-rle.dcm": TEXT,
    "mammo/mg-ge-for-presentation-jpeg-lossless.dcm": TEXT,
    "seg-sr-reference/highdicom/dx_image.dcm": TEXT,
    "transfer-syntaxes/other/GH195.dcm": TEXT,
    "transfer-syntaxes/other/OT-PAL-8-face.dcm": TEXT,
    "transfer-syntaxes/other/SC_rgb_jpeg_lossy_gdcm.dcm": TEXT,
    "transfer-syntaxes/other/image_dfl.dcm": TEXT,
    "transfer-syntaxes/other/mlut_18.dcm": TEXT,
    "transfer-syntaxes/other/vlut_04.dcm": TEXT,
    "transfer-syntaxes/wg04/US1_J2KI": TEXT,
    "transfer-syntaxes/wg04/US1_RLE": TEXT,
    "us/GREYSCALE_IMAGE.dcm": TEXT,
    "us/RGB_IMAGE.dcm": TEXT,
    "us/US_RGB_SingleFrame.dcm": TEXT,
    "malformed/US_RGB_SingleFrame_project_t2_damaged.dcm": TEXT,
}
"""First file (or unpacked archive) of a study -> models that must complete on it. Every other study: none."""

NO_UID = "gate-uid-missing"
REFUSED = {
    "charsets/chrSQEncoding.dcm": NO_UID,
    "charsets/chrSQEncoding1.dcm": NO_UID,
    "malformed/badVR.dcm": "gate-image-size",
    "malformed/emri_small_jpeg_2k_lossless_too_short.dcm": "gate-structure",
    "malformed/empty_charset_LEI.dcm": NO_UID,
    "transfer-syntaxes/other/HTJ2KLossless_08_RGB.dcm": NO_UID,
    "transfer-syntaxes/other/JLSL_16_15_1_1F.dcm": NO_UID,
    "transfer-syntaxes/other/JLSL_RGB_ILV1.dcm": NO_UID,
}
"""Objects that are refused before selection, with the code."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Processed:
    """One run of the command, and what it wrote."""

    exit_code: int
    studies: dict[str, Any]
    refused: dict[str, str]
    target: Path


@pytest.fixture(scope="module")
def runs(project: Path, shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Processed]:
    if not (project / "models_onnx/ct-liver/1.0.0/weights/liver.onnx").is_file():
        pytest.skip("the weights have not been pulled: appliance models pull")
    folder = tmp_path_factory.mktemp("real studies")
    return [_process(batch, project, folder / "state") for batch in _batches(_unpacked(shared_data, folder), folder)]


def _unpacked(shared: Path, folder: Path) -> Path:
    """A copy of the shared studies with every archive unpacked in its place."""
    everything = folder / "everything"
    shutil.copytree(shared, everything, copy_function=shutil.copyfile)
    for place in [everything, *everything.rglob("*")]:
        place.chmod(0o755 if place.is_dir() else 0o644)
    for packed in sorted(everything.rglob("*.xz")):
        unpacked = packed.with_suffix("")
        if unpacked.suffix == ".tar":
            with tarfile.open(packed) as archive:
                archive.extractall(packed.parent, filter="data")
        else:
            unpacked.write_bytes(lzma.decompress(packed.read_bytes()))
        packed.unlink()
    return everything


def _batches(everything: Path, folder: Path) -> list[Path]:
    """The files in as many folders as some SOP Instance UID has objects."""
    seen: dict[str, int] = defaultdict(int)
    batches: list[Path] = []
    for path in sorted(path for path in everything.rglob("*") if path.is_file()):
        uid = _sop_instance_uid(path)
        number = seen[uid] if uid else 0
        seen[uid] += 1
        if number == len(batches):
            batches.append(folder / f"batch {number}")
        target = batches[number] / path.relative_to(everything)
        target.parent.mkdir(parents=True, exist_ok=True)
        path.rename(target)
    return batches


def _sop_instance_uid(path: Path) -> str:
    try:
        return str(dcmread(path, specific_tags=["SOPInstanceUID"], stop_before_pixels=True).get("SOPInstanceUID", ""))
    except (InvalidDicomError, AttributeError, OSError, ValueError):
        return ""


def _process(batch: Path, project: Path, state: Path) -> Processed:
    target = batch.with_name(f"{batch.name} results")
    environment = os.environ | {
        "APPLIANCE_MODELS_DIR": str(project / "models_onnx"),
        "APPLIANCE_STATE_DIR": str(state),
    }
    command = [sys.executable, "-c", "from appliance.cli.main import main; main()", "process", str(batch)]
    done = subprocess.run(
        [*command, "--out", str(target), "--json"], env=environment, cwd=batch, capture_output=True, text=True
    )
    assert "Traceback" not in done.stderr
    data = json.loads(done.stdout)
    names = _studies_of(batch)
    return Processed(
        exit_code=done.returncode,
        studies={names[study["study"]]: study for study in data["studies"]},
        refused={item["name"]: item["code"] for item in data["refused"]},
        target=target,
    )


def _studies_of(batch: Path) -> dict[str, str]:
    """Study Instance UID -> the first file of the study, or its folder where the study was an archive."""
    names: dict[str, str] = {}
    for path in sorted(path for path in batch.rglob("*") if path.is_file()):
        header = dcmread(path, specific_tags=["StudyInstanceUID"], stop_before_pixels=True, force=True)
        place = path.relative_to(batch)
        is_archive = len(place.parts) == 3 and place.parts[0] in {"ct-chest", "ct-head", "mr-brain", "pet-seg"}
        names.setdefault(str(header.get("StudyInstanceUID", "")), str(place.parent if is_archive else place))
    return names


@pytest.fixture(scope="module")
def studies(runs: list[Processed]) -> dict[str, Any]:
    """Every study of every run by the name of its first file."""
    return {name: study for run in runs for name, study in run.studies.items()}


def test_every_model_that_claims_a_study_completes_on_it_and_no_other_runs(studies: dict[str, Any]) -> None:
    ran = {
        name: {item["model"].split("@")[0] for item in study["workitems"] if item["state"] == "COMPLETED"} - {REPORT}
        for name, study in studies.items()
    }
    assert {name: models for name, models in ran.items() if models} == RAN
    assert all(item["state"] == "COMPLETED" for study in studies.values() for item in study["workitems"])


def test_every_other_study_says_why_no_model_applies(studies: dict[str, Any]) -> None:
    silent = [
        name
        for name, study in studies.items()
        if name not in RAN and not all(_reasons(selection) for selection in study["selections"])
    ]
    assert silent == []


def _reasons(selection: Any) -> list[str]:
    """A sentence for each series that was considered; a study without images has no series to give one for."""
    return [item["reasons"][0] for item in selection["considered"] if item["reasons"]] or (
        [] if selection["considered"] else ["no series that carries images"]
    )


@pytest.mark.parametrize(
    ("study", "model", "reason"),
    [
        ("ct-head/ge-gantry-tilt", "ct-liver", "BodyPartExamined is HEAD"),
        ("ct-chest/lidc-0314-24-slices", "ct-liver", "NumberOfSlices is 24, wanted at least 30"),
        ("mr-brain/ge-fse-pd-20-slices", "mr-brain", "SeriesDescription is FSE PD AXIAL OBL"),
        ("multiframe-enhanced/eCT_Supplemental.dcm", "ct-liver", "NumberOfSlices is 2, wanted at least 30"),
        ("pet-seg/qin-headneck-0024-pet", "ct-liver", "Modality is PT, wanted CT"),
        ("us/us_multi_frame_grayscale_JPG2000.dcm", "burnt-in-text", "NumberOfFrames is 54"),
    ],
)
def test_the_reason_is_the_right_one(studies: dict[str, Any], study: str, model: str, reason: str) -> None:
    (selection,) = [item for item in studies[study]["selections"] if item["package"].startswith(model)]
    assert any(said.startswith(reason) for item in selection["considered"] for said in item["reasons"])


def test_objects_that_cannot_be_trusted_are_refused_with_a_code(runs: list[Processed]) -> None:
    refused = {name: code for run in runs for name, code in run.refused.items()}
    assert refused == REFUSED
    assert [run.exit_code for run in runs] == [1 if run.refused else 0 for run in runs]


def _results(runs: list[Processed], pattern: str) -> Iterator[Path]:
    for run in runs:
        yield from sorted(run.target.rglob(pattern))


def _result(runs: list[Processed], studies: dict[str, Any], study: str, pattern: str) -> Path:
    names = {Path(file) for file in studies[study]["files"]}
    (file,) = [path for path in _results(runs, pattern) if path in names]
    return file


def _numbers(items: Any, code: str) -> Iterator[float]:
    for item in items:
        if item.ValueType == "NUM" and item.ConceptNameCodeSequence[0].CodeValue == code:
            yield float(item.MeasuredValueSequence[0].NumericValue)
        yield from _numbers(item.get("ContentSequence", ()), code)


@pytest.mark.parametrize(("study", "model", "millilitres"), [(CHEST_CT, "ct-liver", 1364), (BRAIN, "mr-brain", 1790)])
def test_organ_volumes(runs: list[Processed], studies: dict[str, Any], study, model, millilitres) -> None:
    report = dcmread(_result(runs, studies, study, f"sr-{model}-*.dcm"))
    assert next(_numbers(report.ContentSequence, VOLUME.value)) == pytest.approx(millilitres, rel=0.01)


def test_lung_boxes_of_the_chest_x_ray(runs: list[Processed], studies: dict[str, Any]) -> None:
    segmentation = dcmread(_result(runs, studies, DX_CHEST, "seg-cxr-lungs-*.dcm"))
    boxes = {}
    for item in segmentation.SegmentSequence:
        rows, columns = np.nonzero(_mask(segmentation, item.SegmentNumber))
        boxes[item.SegmentLabel] = np.array([columns.min(), rows.min(), columns.max(), rows.max()])
    expected = {
        "Right lung": np.array([115, 270, 1030, 2350]),
        "Left lung": np.array([1280, 250, 2268, 2280]),
    }
    longest = max(segmentation.Rows, segmentation.Columns)
    for label, box in expected.items():
        assert np.abs(boxes[label] - box).max() <= 0.05 * longest, label


def _mask(segmentation: Dataset, number: int) -> Any:
    frames = segmentation.pixel_array.reshape(-1, segmentation.Rows, segmentation.Columns)
    return frames[_segment_numbers(segmentation).index(number)]


def test_burnt_in_name_and_date_are_found_and_not_repeated(runs: list[Processed], studies: dict[str, Any]) -> None:
    text = _result(runs, studies, FUJI, f"report-{REPORT}-*.txt").read_text(encoding="utf-8")
    assert "reads like a person's name: found" in text
    assert "reads like a date: found" in text
    assert "DAVIDSON" not in text + json.dumps(studies[FUJI])


def test_no_validator_has_an_objection_that_is_not_waived(runs: list[Processed]) -> None:
    for tool in validators.TOOLS:
        program(tool)
    objects = list(_results(runs, "*.dcm"))
    assert len(objects) > 3 * len(RAN)
    found = [complaint for file in objects for complaint in validators.dciodvfy(file)]
    found += validators.sr_complaints(_two_of_each_model(objects))
    assert validators.not_waived(found) == []


def _two_of_each_model(objects: list[Path]) -> list[Path]:
    """The SR validator compiles its rules anew for each document: seconds for what is built the same way."""
    by_model: dict[str, list[Path]] = defaultdict(list)
    for file in objects:
        if file.name.startswith(("sr-", "report-")):
            by_model[file.name.rsplit("-", 1)[0]].append(file)
    return [file for files in by_model.values() for file in files[:2]]


def test_dcmqi_reads_every_segmentation_and_measurement_back(runs: list[Processed], tmp_path: Path) -> None:
    segmentations = list(_results(runs, "seg-*.dcm"))
    assert len(segmentations) >= 6
    for number, file in enumerate(segmentations):
        report = next(file.parent.glob(f"{file.name.replace('seg-', 'sr-').rsplit('-', 1)[0]}-*.dcm"))
        groups = validators.tid1500_groups(report, tmp_path / f"groups {number}")
        described = {str(item.TrackingUID) for item in dcmread(file).SegmentSequence}
        assert described <= {group["TrackingUniqueIdentifier"] for group in groups}
        stored = _stored_voxels(dcmread(file))
        if len(stored) == 1 or "cxr" not in file.name:
            points = validators.segment_points(file, tmp_path / f"voxels {number}")
            assert {segment: len(place) for segment, place in points.items()} == stored


def _stored_voxels(segmentation: Dataset) -> dict[int, int]:
    """Segment Number -> number of voxels in the stored frames."""
    frames = segmentation.pixel_array.reshape(-1, segmentation.Rows, segmentation.Columns)
    counts: dict[int, int] = defaultdict(int)
    for number, frame in zip(_segment_numbers(segmentation), frames, strict=True):
        counts[number] += int(frame.sum())
    return dict(counts)


def _segment_numbers(segmentation: Dataset) -> list[int]:
    """Of every frame; a single segment may be named once for all."""
    shared = segmentation.SharedFunctionalGroupsSequence[0]
    groups = [
        item.get("SegmentIdentificationSequence") or shared.SegmentIdentificationSequence
        for item in segmentation.PerFrameFunctionalGroupsSequence
    ]
    return [int(group[0].ReferencedSegmentNumber) for group in groups]


def test_dcmtk_prints_every_report(runs: list[Processed]) -> None:
    program("dsrdump")
    for file in _results(runs, f"report-{REPORT}-*.dcm"):
        text = validators.dsrdump(file)
        assert "Verification Flag   : UNVERIFIED" in text
        assert "Finding" in text
        assert "Impression" in text
