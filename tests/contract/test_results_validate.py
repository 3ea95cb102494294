"""Result objects before independent judges: dciodvfy, DicomSRValidator, dcmqi, DCMTK, and a PDF reader."""

import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread

from appliance.domain.dicom_result import DicomResult
from appliance.domain.finding import Evaluation, Finding, Measurement, Narrative, Outcome, Segment, Sentence
from appliance.domain.image import SeriesImages, Volume
from appliance.domain.model_package import InputKind
from appliance.results import (
    DocumentReference,
    ReportedAnalysis,
    ResultOptions,
    SegmentationEncoding,
    build_report,
    build_results,
    build_summary,
    build_superseded_note,
)
from tests.helpers import validators
from tests.helpers.dicom_builder import axial_affine, blob_phantom, enhanced_ct, rotated
from tests.helpers.findings import (
    DEVICE,
    analysis_of,
    findings_in_image,
    findings_in_volume,
    package,
    planar_images,
    stack_images,
    workitem_for,
)
from tests.helpers.reading import read_images
from tests.helpers.services import program

OBLIQUE = rotated(axial_affine(), (20, -35, 50))
LABELMAP = ResultOptions(segmentation=SegmentationEncoding.LABELMAP)


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> dict[str, SeriesImages]:
    """A stack, an oblique one, an enhanced object with shuffled frames, a planar image."""
    enhanced = enhanced_ct(blob_phantom(), shuffle=3)
    return {
        "stack": stack_images(blob_phantom()),
        "oblique": stack_images(blob_phantom(affine=OBLIQUE).stored((2, 0, 1), (True, False, True))),
        "enhanced": read_images([enhanced], tmp_path_factory.mktemp("enhanced"), InputKind.VOLUME),
        "planar": planar_images(),
    }


def findings_in(images: SeriesImages) -> tuple[Finding, ...]:
    source = images.sources[0]
    return findings_in_volume(source) if isinstance(source, Volume) else findings_in_image(source)


@pytest.fixture(scope="module")
def objects(sources: dict[str, SeriesImages], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """name of the source and kind -> file, for everything that results can be."""
    for tool in validators.TOOLS:
        program(tool)
    stack = sources["stack"]
    built = {name: results_of(images) for name, images in sources.items()}
    predecessor = DocumentReference.to(built["stack"]["SR"])
    newer = replace(LABELMAP, predecessors=(predecessor,), keep_empty_frames=True)
    built["labelmap"] = results_of(stack, newer)
    built["verdict"] = results_of(stack, only=Evaluation)
    built["superseded"] = {
        "REJECTION": build_superseded_note(tuple(built["stack"].values()), DEVICE, workitem_for(stack, "newer"), "all")
    }
    built["report"] = report_of(stack, tuple(built["stack"].values()))
    for name, images in sources.items():
        built[name] = {**built[name], "SUMMARY": summary_of(images, findings_in(images))}
    built["text"] = {"SUMMARY": summary_of(stack, tuple(i for i in findings_in(stack) if isinstance(i, Evaluation)))}
    folder = tmp_path_factory.mktemp("objects")
    written = {}
    for name, results in built.items():
        for kind, result in results.items():
            written[f"{name} {kind}"] = folder / f"{name}-{kind}.dcm"
            written[f"{name} {kind}"].write_bytes(result.content)
    return written


def results_of(
    images: SeriesImages, options: ResultOptions | None = None, only: type[Finding] | None = None
) -> Mapping[str, DicomResult]:
    findings = tuple(item for item in findings_in(images) if only is None or isinstance(item, only))
    results = build_results(
        analysis_of(images, findings), images, package(), DEVICE, options=options or ResultOptions()
    )
    return {str(item.kind): item for item in results}


def summary_of(images: SeriesImages, findings: tuple[Finding, ...]) -> DicomResult:
    said = Narrative(language="de", title="Befund", findings=(Sentence(text="Größe üblich."),), impression=())
    analysis = analysis_of(images, findings)
    (result,) = build_summary(analysis, said, images, package(), DEVICE, lambda item: item.label)
    return result


def report_of(images: SeriesImages, results: tuple[DicomResult, ...]) -> Mapping[str, DicomResult]:
    analysis = analysis_of(images, findings_in(images))
    uid = analysis.workitem.uid
    narrative = Narrative(
        language="de",
        title="CT-Befundentwurf",
        findings=(
            Sentence(text="Leber, mittlere Dichte 300 HU.", evidence=((uid, 2), (uid, 3)), outcome=Outcome.POSITIVE),
            Sentence(text="Milz nicht abgebildet.", evidence=((uid, 1),), outcome=Outcome.NEGATIVE),
            Sentence(text="Übriger Befund unauffällig."),
        ),
        impression=(Sentence(text="Leber angeschnitten.", evidence=((uid, 5),), outcome=Outcome.LIMITED),),
    )
    reported = ReportedAnalysis(analysis=analysis, package=package(), results=results)
    made = build_report(narrative, (reported,), images.headers, DEVICE, workitem_for(images, "report"))
    return {str(item.kind): item for item in made}


def test_no_validator_has_an_objection_that_is_not_waived(objects: dict[str, Path]) -> None:
    assert validators.complaints(list(objects.values())) == []


@pytest.mark.parametrize("name", ["stack", "oblique", "enhanced", "labelmap"])
def test_dcmqi_reads_the_same_voxels(name: str, objects, sources, tmp_path: Path) -> None:
    images = sources["stack" if name == "labelmap" else name]
    (volume,) = images.sources
    filled = next(item for item in findings_in(images) if isinstance(item, Segment))
    points = validators.segment_points(objects[f"{name} SEG"], tmp_path)
    assert list(points) == [1]
    index = (np.linalg.inv(volume.affine) @ np.c_[points[1], np.ones(len(points[1]))].T)[:3].T
    assert np.abs(index - np.round(index)).max() < 0.02
    restored = np.zeros_like(filled.mask)
    restored[tuple(np.round(index).astype(int).T)] = True
    assert np.array_equal(restored, filled.mask)


@pytest.mark.parametrize("name", ["stack", "oblique", "enhanced", "labelmap"])
def test_dcmqi_reads_the_same_numbers(name: str, objects, sources, tmp_path: Path) -> None:
    images = sources["stack" if name == "labelmap" else name]
    expected = [item for item in findings_in(images) if isinstance(item, Measurement)]
    seg = dcmread(objects[f"{name} SEG"])
    group = validators.tid1500_groups(objects[f"{name} SR"], tmp_path)[0]
    assert group["TrackingUniqueIdentifier"] == seg.SegmentSequence[-1].TrackingUID
    assert group["segmentationSOPInstanceUID"] == seg.SOPInstanceUID
    assert group["ReferencedSegment"] == 1
    read = [(item["quantity"]["CodeValue"], float(item["value"])) for item in group["measurementItems"]]
    assert read == [(item.concept.value, pytest.approx(item.value, rel=1e-8)) for item in expected]


def test_dcmtk_prints_the_report_in_full(objects: dict[str, Path]) -> None:
    text = validators.dsrdump(objects["report REPORT"])
    assert "Verification Flag   : UNVERIFIED" in text
    assert 'TEXT:(,,"Finding")="Leber, mittlere Dichte 300 HU."' in text
    assert 'TEXT:(,,"Finding")="Übriger Befund unauffällig. [ohne Messung als Beleg]"' in text
    assert 'inferred from NUM:(,,"Volume")' in text
    assert 'inferred from COMPOSITE:(,,"Imaging Measurement Report")' in text
    assert "Image Quality" in validators.dsrdump(objects["verdict SR"])


def test_the_pdf_reads_well(objects: dict[str, Path], tmp_path: Path) -> None:
    if shutil.which("pdftotext") is None:
        pytest.skip("pdftotext is not installed")
    dataset = dcmread(BytesIO(objects["report PDF"].read_bytes()))
    file = tmp_path / "report.pdf"
    file.write_bytes(dataset.EncapsulatedDocument)
    text = subprocess.run(["pdftotext", "-layout", file, "-"], capture_output=True, text=True, check=True).stdout
    assert "KI-ENTWURF. NICHT ÄRZTLICH GEPRÜFT." in text
    assert "Phantom, Synthetic" in text
    assert "Übriger Befund unauffällig. [ohne Messung als Beleg]" in text
