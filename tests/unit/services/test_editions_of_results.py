"""What each destination gets says the same in the form that it reads, and refers only to what it gets."""

from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from pydicom import Dataset, dcmread

from appliance.bootstrap import Appliance
from appliance.domain.dicom_result import ResultKind
from appliance.domain.identifiers import StudyInstanceUID
from appliance.results import ResultOptions, build_results
from appliance.settings import DestinationSettings
from appliance.store.deliveries import ORTHANC
from tests.helpers import validators
from tests.helpers.dicom_builder import blob_phantom, ct_series
from tests.helpers.findings import DEVICE, analysis_of, package, segment, stack_images
from tests.helpers.node import lone_node, process, work
from tests.helpers.tiny_models import write_threshold_package

BINARY, LABELMAP = "1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7"
PLACES = (
    DestinationSettings(name="plain", kind="dimse"),
    DestinationSettings(name="modern", kind="dimse", seg_type="LABELMAP"),
    DestinationSettings(name="numbers", kind="dimse", accepts=("SR", "REPORT")),
    DestinationSettings(name="german", kind="dimse", language="de", accepts=("REPORT", "PDF")),
    DestinationSettings(name="pictures", kind="dimse", accepts=("SUMMARY",)),
    DestinationSettings(name="bilder", kind="dimse", language="de", accepts=("SUMMARY", "REPORT")),
)


@dataclass(frozen=True)
class Done:
    """A study that was analysed, and what each destination is to get of it."""

    node: Appliance
    study: StudyInstanceUID

    def files(self, destination: str, kind: ResultKind) -> list[Path]:
        rows = [row for row in self.node.outbox.of_study(self.study) if row.destination == destination]
        return [self.node.result_files.path(row.path) for row in rows if row.kind is kind]

    def one(self, destination: str, kind: ResultKind) -> Dataset:
        (file,) = self.files(destination, kind)
        return dcmread(file)

    def uids(self, destination: str) -> set[str]:
        rows = self.node.outbox.of_study(self.study)
        return {row.sop_instance_uid for row in rows if row.destination == destination}


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Done]:
    home = tmp_path_factory.mktemp("a home")
    write_threshold_package(home / "models_onnx")
    with lone_node(home, *PLACES) as node:
        study = process(node, ct_series(blob_phantom(), seed="laboratory"), tmp_path_factory.mktemp("study"))
        yield Done(node, study)


def referenced(dataset: Dataset) -> set[str]:
    """Every SOP Instance UID that the object names, itself left out."""
    found = {
        str(element.value)
        for element in dataset.iterall()
        if element.keyword in {"ReferencedSOPInstanceUID"} and element.value
    }
    return found - {str(dataset.SOPInstanceUID)}


def test_the_node_and_plain_readers_get_binary(done: Done) -> None:
    assert done.one(ORTHANC, ResultKind.SEG).SOPClassUID == BINARY
    assert done.uids("plain") == done.uids(ORTHANC)


def test_a_reader_of_label_maps_gets_one_of_its_own_and_not_the_binary_one(done: Done) -> None:
    seg = done.one("modern", ResultKind.SEG)
    assert (seg.SOPClassUID, seg.SegmentationType) == (LABELMAP, "LABELMAP")
    assert seg.SOPInstanceUID not in done.uids(ORTHANC)
    assert seg.SeriesInstanceUID != done.one(ORTHANC, ResultKind.SEG).SeriesInstanceUID


@pytest.mark.parametrize("place", [ORTHANC, "plain", "modern", "numbers", "german"])
def test_nothing_refers_to_a_result_that_its_reader_does_not_get(done: Done, place: str) -> None:
    ours = set().union(*(done.uids(name) for name in (ORTHANC, "plain", "modern", "numbers", "german")))
    documents = [dcmread(file) for kind in ResultKind for file in done.files(place, kind)]
    assert documents
    for document in documents:
        assert referenced(document) & ours <= done.uids(place)


def test_the_measurements_and_the_report_name_the_segmentation_of_their_reader(done: Done) -> None:
    for place in (ORTHANC, "modern"):
        seg = str(done.one(place, ResultKind.SEG).SOPInstanceUID)
        assert seg in referenced(done.one(place, ResultKind.SR))
        assert seg in referenced(done.one(place, ResultKind.REPORT))


def test_who_reads_no_segmentations_still_gets_every_number(done: Done, tmp_path: Path) -> None:
    def numbers(place: str) -> list[float]:
        (file,) = done.files(place, ResultKind.SR)
        items = dcmread(file).iterall()
        return [float(item.value) for item in items if item.keyword == "NumericValue"]

    assert numbers("numbers") == numbers(ORTHANC) != []
    assert not done.files("numbers", ResultKind.SEG)


def test_dcmqi_reads_the_same_voxels_from_both_segmentations(done: Done, tmp_path: Path) -> None:
    if validators.tool_missing():
        pytest.skip("dcmqi is not installed")
    points = {}
    for place in (ORTHANC, "modern"):
        (file,) = done.files(place, ResultKind.SEG)
        (found,) = validators.segment_points(file, tmp_path / place).values()
        points[place] = np.unique(np.round(found, 2), axis=0)
    assert len(points[ORTHANC]) > 50
    assert np.array_equal(points[ORTHANC], points["modern"])


def test_dcmqi_finds_the_segmentation_that_the_measurements_name(done: Done, tmp_path: Path) -> None:
    if validators.tool_missing():
        pytest.skip("dcmqi is not installed")
    for place in (ORTHANC, "modern"):
        (file,) = done.files(place, ResultKind.SR)
        (group,) = validators.tid1500_groups(file, tmp_path / place)
        assert group["segmentationSOPInstanceUID"] == str(done.one(place, ResultKind.SEG).SOPInstanceUID)


def test_every_edition_is_valid(done: Done) -> None:
    if validators.tool_missing():
        pytest.skip("the validators are not installed")
    files = {file for place in PLACES for kind in ResultKind for file in done.files(place.name, kind)}
    found = [complaint for file in sorted(files) for complaint in validators.dciodvfy(file)]
    assert validators.not_waived(found) == []


def test_the_report_speaks_the_language_of_its_reader(done: Done) -> None:
    def language(place: str) -> str:
        items = done.one(place, ResultKind.REPORT).ContentSequence
        return str(items[0].ConceptCodeSequence[0].CodeValue)

    assert [language(place) for place in (ORTHANC, "plain", "german")] == ["en", "en", "de"]
    german = done.one("german", ResultKind.PDF)
    assert german.SOPInstanceUID != done.one(ORTHANC, ResultKind.PDF).SOPInstanceUID


def test_the_results_of_the_node_do_not_depend_on_the_destinations(done: Done, tmp_path: Path) -> None:
    write_threshold_package(tmp_path / "models_onnx")
    with lone_node(tmp_path) as alone:
        study = process(alone, ct_series(blob_phantom(), seed="laboratory"), tmp_path / "study")
        assert {row.sop_instance_uid for row in alone.outbox.of_study(study)} == done.uids(ORTHANC)


def test_a_new_analysis_names_as_predecessor_what_its_reader_was_sent(tmp_path: Path) -> None:
    write_threshold_package(tmp_path / "models_onnx")
    with lone_node(tmp_path, *PLACES[:2]) as node:
        study = process(node, ct_series(blob_phantom(), seed="again"), tmp_path / "study")
        first = Done(node, study)
        earlier = {place: str(first.one(place, ResultKind.SR).SOPInstanceUID) for place in (ORTHANC, "modern")}
        (item,) = [s.workitem for s in node.workitems.of_study(study) if s.workitem.series_instance_uid]
        node.workitems.repeat(item.uid)
        work(node)
        for place, predecessor in earlier.items():
            *_, newest = [dcmread(file) for file in first.files(place, ResultKind.SR)]
            series = newest.PredecessorDocumentsSequence[0].ReferencedSeriesSequence[0]
            assert series.ReferencedSOPSequence[0].ReferencedSOPInstanceUID == predecessor


def test_a_segmentation_with_too_many_segments_is_split_for_its_reader_alone() -> None:
    images = stack_images(blob_phantom())
    voxels = images.sources[0].voxels
    masks = [voxels > 200, (voxels < -50) & (voxels > -200), (voxels > 0) & (voxels < 100)]
    findings = tuple(segment(mask, number, f"Part {number}") for number, mask in enumerate(masks, start=1))
    analysis, made = analysis_of(images, findings), package()
    whole = build_results(analysis, images, made, DEVICE)
    split = build_results(analysis, images, made, DEVICE, options=ResultOptions(largest_segment_count=2))
    parts = [dcmread(BytesIO(item.content)) for item in split if item.kind is ResultKind.SEG]
    assert [len(part.SegmentSequence) for part in parts] == [2, 1]
    assert len({part.SOPInstanceUID for part in parts}) == 2
    assert len({part.SeriesInstanceUID for part in parts}) == 1
    tracked = [str(item.TrackingUID) for part in parts for item in part.SegmentSequence]
    (seg,) = [dcmread(BytesIO(item.content)) for item in whole if item.kind is ResultKind.SEG]
    assert tracked == [str(item.TrackingUID) for item in seg.SegmentSequence]
    (report,) = [dcmread(BytesIO(item.content)) for item in split if item.kind is ResultKind.SR]
    assert {str(part.SOPInstanceUID) for part in parts} <= referenced(report)
    wide = build_results(analysis, images, made, DEVICE, options=ResultOptions(largest_segment_count=3))
    assert [item.sop_instance_uid for item in wide] == [item.sop_instance_uid for item in whole]


def test_a_summary_goes_only_to_who_names_it_and_in_the_language_of_each(done: Done) -> None:
    english, german = done.one("pictures", ResultKind.SUMMARY), done.one("bilder", ResultKind.SUMMARY)
    assert done.uids("pictures") == {english.SOPInstanceUID}
    assert english.SOPInstanceUID != german.SOPInstanceUID
    assert english.PixelData != german.PixelData
    assert english.Manufacturer == done.one(ORTHANC, ResultKind.SR).Manufacturer
    for other in (ORTHANC, "plain", "modern", "numbers", "german"):
        assert done.files(other, ResultKind.SUMMARY) == []


def test_a_summary_changes_no_report(done: Done) -> None:
    """The report of who gets pictures rests on the findings and names no picture."""
    report = done.one("bilder", ResultKind.REPORT)
    assert str(done.one("bilder", ResultKind.SUMMARY).SOPInstanceUID) not in referenced(report)
