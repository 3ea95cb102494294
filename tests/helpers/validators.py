"""Independent tools that judge and read our DICOM objects: dciodvfy, DicomSRValidator, dcmqi, DCMTK.

    complaints(paths)                      # errors of dciodvfy and (SR only) DicomSRValidator that no waiver covers
    tool_missing()                         # names of tools that are not installed
    segment_points(path, folder)           # dcmqi: Segment Number -> LPS mm of its voxel centres
    tid1500_groups(path, folder)           # dcmqi: the measurement groups as JSON
    dsrdump(path)                          # DCMTK: the document as text

Waivers and their reasons: tests/validators/waivers.toml.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import numpy.typing as npt
from pydicom import Dataset, dcmread

HERE = Path(__file__).resolve().parent
WAIVERS = HERE.parent / "validators" / "waivers.toml"
PIXELMED = Path("/usr/share/java/pixelmed.jar")
TOOLS = ("dciodvfy", "DicomSRValidator", "dsrdump")
BAD_VALUES = "Error - Dicom dataset contains invalid data values for Value Representations"
"""What dciodvfy adds once to the errors about single values."""
# Java 17 refuses the size of pixelmed's rules otherwise (JAXP0801003)
JAXP_LIMITS = " ".join(f"-Djdk.xml.xpath{name}Limit=0" for name in ("ExprGrp", "ExprOp", "TotalOp"))


@dataclass(frozen=True, slots=True)
class Complaint:
    """An error that a tool reports about a file."""

    tool: str
    path: Path
    message: str


@dataclass(frozen=True, slots=True)
class Waiver:
    """An entry of waivers.toml."""

    tool: str
    matches: str
    reason: str
    sop_class: str | None = None
    refers_to: str | None = None
    template: str | None = None

    def covers(self, complaint: Complaint, dataset: Dataset) -> bool:
        """Whether the complaint is one of those this waiver is about."""
        return (
            self.tool == complaint.tool
            and re.search(self.matches, complaint.message) is not None
            and self.sop_class in (None, str(dataset.SOPClassUID))
            and (self.refers_to is None or self.refers_to in _evidence_classes(dataset))
            and self.template in (None, _template_within(complaint.message, dataset))
        )


def tool_missing() -> list[str]:
    """Programs that are not on the path, and dcmqi if the wheel is not installed."""
    missing = [name for name in TOOLS if shutil.which(name) is None]
    return missing + ([] if _dcmqi("segimage2itkimage").exists() else ["dcmqi"])


def waivers() -> list[Waiver]:
    """All of them."""
    return [Waiver(**entry) for entry in tomllib.loads(WAIVERS.read_text())["waiver"]]


def complaints(paths: Sequence[Path]) -> list[Complaint]:
    """Everything that is wrong with the objects and not waived; empty when all is well."""
    reports = [path for path in paths if dcmread(path, specific_tags=["Modality"]).get("Modality") == "SR"]
    return not_waived([*(item for path in paths for item in dciodvfy(path)), *sr_complaints(reports)])


def not_waived(found: Iterable[Complaint]) -> list[Complaint]:
    """The complaints that no waiver covers; a file's summary of bad values is as good as the values it sums up."""
    known = waivers()
    said = list(found)
    left = [item for item in said if not any(waiver.covers(item, dcmread(item.path)) for waiver in known)]
    summed_up = {item.path for item in said if item.message != BAD_VALUES}
    unwaived = {item.path for item in left if item.message != BAD_VALUES}
    return [item for item in left if item.message != BAD_VALUES or item.path not in summed_up - unwaived]


def dciodvfy(path: Path) -> list[Complaint]:
    """Errors of dicom3tools; warnings are left out."""
    done = subprocess.run(["dciodvfy", str(path)], capture_output=True, text=True, errors="replace")
    lines = (done.stderr + done.stdout).splitlines()
    errors = [line for line in lines if line.startswith("Error")]
    if not errors and done.returncode not in (0, 1):
        errors = [f"Error - ended with status {done.returncode}"]
    return [Complaint("dciodvfy", path, line) for line in errors]


def sr_complaints(paths: Sequence[Path]) -> list[Complaint]:
    """Errors of pixelmed's DicomSRValidator, all files in one JVM where it can compile our few lines of Java."""
    if not paths:
        return []
    outputs = _in_one_jvm(paths) or {path: _run_java(["DicomSRValidator", str(path)]) for path in paths}
    return [
        Complaint("DicomSRValidator", path, line)
        for path in paths
        for line in judged(outputs.get(path, "")).splitlines()
        if line.startswith("Error")
    ]


def judged(output: str) -> str:
    """The output, or an error where the document was not recognised or not judged to the end."""
    if "Found Root Template" not in output or "IOD validation complete" not in output:
        return f"Error: no verdict: {' '.join(output.split())[-500:]}"
    return output


def _in_one_jvm(paths: Sequence[Path]) -> dict[Path, str]:
    if shutil.which("javac") is None:
        return {}
    output = _run_java(["java", "-cp", str(PIXELMED), str(HERE / "SrBatch.java"), *map(str, paths)])
    parts = re.split(r"^== (.*)$", output, flags=re.MULTILINE)[1:]
    return {Path(name): text for name, text in zip(parts[::2], parts[1::2], strict=True)}


def _run_java(command: Sequence[str]) -> str:
    environment = {**os.environ, "JAVA_TOOL_OPTIONS": JAXP_LIMITS}
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", env=environment)
    return done.stdout + done.stderr


def _template_within(message: str, dataset: Dataset) -> str | None:
    """Template Identifier of the content item that the message gives as "within 1.10.3", counted from the root."""
    place = re.search(r"within ([\d.]+):", message)
    if place is None:
        return None
    item = dataset
    for number in place[1].split(".")[1:]:
        item = item.ContentSequence[int(number) - 1]
    templates = item.get("ContentTemplateSequence")
    return str(templates[0].TemplateIdentifier) if templates else None


def _evidence_classes(dataset: Dataset) -> set[str]:
    return {
        str(instance.ReferencedSOPClassUID)
        for study in dataset.get("CurrentRequestedProcedureEvidenceSequence") or ()
        for series in study.ReferencedSeriesSequence
        for instance in series.ReferencedSOPSequence
    }


def dsrdump(path: Path) -> str:
    """The document as DCMTK prints it, long texts whole."""
    done = subprocess.run(["dsrdump", "+Pl", str(path)], capture_output=True, text=True, errors="replace", check=True)
    return done.stdout


def segment_points(path: Path, folder: Path) -> dict[int, npt.NDArray[np.float64]]:
    """Voxel centres [n, 3] in LPS mm of each segment, as dcmqi's segimage2itkimage restores it."""
    folder.mkdir(parents=True, exist_ok=True)
    arguments = ["--inputDICOM", str(path), "--outputDirectory", str(folder), "--outputType", "nii", "--prefix", "s"]
    _run_dcmqi("segimage2itkimage", arguments)
    return {number: points for file in sorted(folder.glob("s-*.nii.gz")) for number, points in _points(file)}


def _points(file: Path) -> Iterator[tuple[int, npt.NDArray[np.float64]]]:
    image: Any = nibabel.load(file)
    values = np.asarray(image.dataobj)
    lps_from_index = np.diag([-1.0, -1.0, 1.0, 1.0]) @ image.affine  # NIfTI is RAS
    for number in np.unique(values[values != 0]):
        index = np.argwhere(values == number)
        yield int(number), (np.c_[index, np.ones(len(index))] @ lps_from_index.T)[:, :3]


def tid1500_groups(path: Path, folder: Path) -> list[dict[str, Any]]:
    """Measurement groups of an SR as dcmqi's tid1500reader understands them."""
    folder.mkdir(parents=True, exist_ok=True)
    output = folder / "groups.json"
    _run_dcmqi("tid1500reader", ["--inputDICOM", str(path), "--outputMetadata", str(output)])
    groups: list[dict[str, Any]] = json.loads(output.read_text())["Measurements"]
    return groups


def _run_dcmqi(tool: str, arguments: Iterable[str]) -> None:
    done = subprocess.run([_dcmqi(tool), *arguments], capture_output=True, text=True, errors="replace")
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]


def _dcmqi(tool: str) -> Path:
    return Path(sys.executable).parent / tool
