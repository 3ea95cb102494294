"""The harness itself: it hears what the tools say, and a waiver covers only what it is about."""

from pathlib import Path

import pytest
from pydicom import Dataset, dcmread

from appliance.results import build_results
from tests.helpers import validators
from tests.helpers.dicom_builder import blob_phantom
from tests.helpers.findings import DEVICE, analysis_of, findings_in_volume, package, stack_images
from tests.helpers.services import program

MISSING = "Missing conditional content item"


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    images = stack_images(blob_phantom())
    _, sr = build_results(analysis_of(images, findings_in_volume(images.sources[0])), images, package(), DEVICE)
    path = tmp_path_factory.mktemp("harness") / "sr.dcm"
    path.write_bytes(sr.content)
    return path


def groups(dataset: Dataset) -> tuple[str, list[str]]:
    """Place of the measurements in the document, and the template of each group."""
    place, items = next(
        (number, item)
        for number, item in enumerate(dataset.ContentSequence, start=1)
        if item.ConceptNameCodeSequence[0].CodeValue == "126010"
    )
    return f"1.{place}", [str(i.ContentTemplateSequence[0].TemplateIdentifier) for i in items.ContentSequence]


def test_every_waiver_says_why() -> None:
    assert validators.waivers()
    assert all(len(waiver.reason.split()) > 5 for waiver in validators.waivers())


def test_a_template_waiver_covers_only_groups_of_that_template(report: Path) -> None:
    dataset = dcmread(report)
    place, templates = groups(dataset)
    assert set(templates) == {"1411", "1501"}
    for number, template in enumerate(templates, start=1):
        message = (
            f"Error: Template 1411 VolumetricROIMeasurements/[Row 5] SCOORD: within {place}.{number}: /X: {MISSING}"
        )
        complaint = validators.Complaint("DicomSRValidator", report, message)
        covered = any(waiver.covers(complaint, dataset) for waiver in validators.waivers())
        assert covered is (template == "1501")


def test_an_error_that_no_waiver_knows_is_reported(report: Path, tmp_path: Path) -> None:
    program("dciodvfy")
    dataset = dcmread(report)
    del dataset.CompletionFlag
    broken = tmp_path / "broken.dcm"
    dataset.save_as(broken)
    found = validators.dciodvfy(broken)
    assert any("CompletionFlag" in item.message for item in found)
    assert not any(waiver.covers(item, dataset) for item in found for waiver in validators.waivers())


def test_no_verdict_is_an_error() -> None:
    assert validators.judged("") != ""
    assert validators.judged("Found Root Template TID_1500\n").startswith("Error")
    whole = "Found Root Template TID_1500\nIOD validation complete\n"
    assert validators.judged(whole) == whole


def test_the_summary_of_bad_values_stands_or_falls_with_the_values(report: Path) -> None:
    summary = validators.Complaint("dciodvfy", report, validators.BAD_VALUES)
    bad = "Error - Value invalid for this VR - (0x0008,0x0050) SH Accession Number  SH [1] = <1> - Length invalid"
    waived = validators.Complaint("dciodvfy", report, bad)
    other = validators.Complaint(
        "dciodvfy", report, bad.replace("0x0050) SH Accession Number", "0x0070) LO Manufacturer")
    )
    assert validators.not_waived([waived, summary]) == []
    assert validators.not_waived([summary]) == [summary]
    assert validators.not_waived([waived, other, summary]) == [other, summary]
