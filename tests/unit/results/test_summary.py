"""The picture of an analysis: outlines where the masks are, letters from geometry, text that stays on the page."""

import itertools
from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest
from pydicom import Dataset, dcmread
from scipy import ndimage

from appliance.domain.dicom_result import DicomResult, ResultKind
from appliance.domain.errors import ResultRefused
from appliance.domain.finding import Evaluation, Finding, Narrative, Outcome, Segment, Sentence
from appliance.domain.image import PlanarImage, SeriesImages, Volume
from appliance.domain.model_package import Role
from appliance.results import build_summary, readback
from appliance.results.summary_page import (
    HEIGHT,
    LEAST_HEIGHT_WITHOUT_IMAGES,
    WIDTH,
    SummaryText,
    render,
)
from appliance.results.summary_panel import image_rectangle
from appliance.results.summary_views import directions, opposite, telling_slices, views_of
from appliance.results.summary_window import Window, WindowOrigin, shown, window_for
from appliance.results.wording import ENGLISH, GERMAN
from tests.helpers.dicom_builder import axial_affine, blob_phantom, rotated
from tests.helpers.findings import (
    DEVICE,
    analysis_of,
    findings_in_image,
    findings_in_volume,
    package,
    planar_images,
    segment,
    stack_images,
)

NARRATIVE = Narrative(
    language="de",
    title="Befund",
    findings=(Sentence(text="Leber: Volumen 12 ml, Größe üblich."), Sentence(text="Milz: nicht gefunden.")),
    impression=(),
)
TEXT = SummaryText(title="CT liver", sentences=NARRATIVE.findings, model="CT liver 1.2.0", software="A 1", words=GERMAN)
SOLE_PANEL = (24, 108, WIDTH - 48, 720)


def summary(
    images: SeriesImages, findings: tuple[Finding, ...], narrative: Narrative = NARRATIVE, role: Role = Role.ANALYSIS
) -> tuple[DicomResult, ...]:
    model = replace(package(), role=role)
    return build_summary(analysis_of(images, findings), narrative, images, model, DEVICE, lambda item: item.label)


def read(results: tuple[DicomResult, ...]) -> Dataset:
    (result,) = results
    assert result.kind is ResultKind.SUMMARY
    return dcmread(BytesIO(result.content))


def like(page: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    return np.abs(page.astype(int) - colour).max(axis=-1) < 30


@pytest.mark.parametrize("axes", [(0, 1, 2), (2, 0, 1), (1, 2, 0)])
def test_the_outline_lies_on_the_edge_of_the_mask_and_nowhere_else(axes: tuple[int, ...]) -> None:
    images = stack_images(blob_phantom((40, 50, 60)).stored(axes, (False, True, False)))
    (volume,) = images.sources
    assert isinstance(volume, Volume)
    filled = replace(segment(volume.voxels > 200), colour=(0, 255, 0))
    views = views_of([filled], images, lambda item: item.label)
    left, top, width, height = image_rectangle(views[0], SOLE_PANEL)
    drawn = like(render(views, TEXT)[top : top + height, left : left + width], (0, 255, 0))
    rows, columns = views[0].outlines[0].mask.shape
    row = np.minimum((np.arange(height) + 0.5) * rows / height, rows - 1).astype(int)
    column = np.minimum((np.arange(width) + 0.5) * columns / width, columns - 1).astype(int)
    mask = views[0].outlines[0].mask[np.ix_(row, column)]
    edge = mask & ~ndimage.binary_erosion(mask)
    voxel = int(np.ceil(max(height / rows, width / columns)))
    near = {n: ndimage.distance_transform_edt(~area) <= voxel for n, area in (("edge", edge), ("drawn", drawn))}
    assert drawn.any()
    assert near["edge"][drawn].all()
    assert near["drawn"][edge].all()


def test_the_slice_shown_is_the_one_with_the_largest_section() -> None:
    images = stack_images(blob_phantom())
    mask = images.sources[0].voxels > 200  # type: ignore[union-attr]
    (view,) = views_of([segment(mask)], images, lambda item: item.label)
    largest = int(mask.sum(axis=(1, 2)).argmax())
    assert view.frame == images.sources[0].frames[largest]  # type: ignore[union-attr]


def test_slices_are_added_until_each_mask_is_seen() -> None:
    masks = np.zeros((3, 20, 4, 4), bool)
    masks[0, 3:8, 1, 1], masks[0, 5, :, :] = True, True
    masks[1, 5, 0, 0] = True
    masks[2, 15, 2, 2] = True
    assert telling_slices(list(masks[:2])) == (5,)
    assert telling_slices(list(masks)) == (5, 15)
    assert len(telling_slices([np.eye(9, dtype=bool)[:, [n], None] for n in range(9)])) == 4


@pytest.mark.parametrize("axes", list(itertools.permutations(range(3))))
@pytest.mark.parametrize("flips", list(itertools.product((False, True), repeat=3)))
def test_letters_at_the_edges_are_where_the_patient_is(axes: tuple[int, ...], flips: tuple[bool, ...]) -> None:
    """All 48 orientations: the letter of an edge is the side of the patient that the edge shows."""
    stored = blob_phantom().stored(axes, flips)
    volume = stack_images(stored).sources[0]
    assert isinstance(volume, Volume)
    found = directions(volume)
    assert found is not None
    names = ("RL", "AP", "FH")
    for letter, axis in zip(found, (2, 1), strict=True):
        ends = np.array([[0.0, 0, 0, 1]] * 2)
        ends[1, axis] = 1
        first, last = (ends @ volume.affine.T)[:, :3]
        (moved,) = np.flatnonzero(np.abs(last - first) > 1e-6)
        assert letter == names[moved][int(last[moved] > first[moved])]
        assert opposite(letter) == names[moved][int(last[moved] < first[moved])]


def test_an_oblique_direction_has_two_letters() -> None:
    volume = stack_images(blob_phantom(affine=rotated(axial_affine(), (0, 0, 40)))).sources[0]
    assert directions(volume) == ("LP", "PR") or directions(volume) == ("LA", "PL")
    assert opposite("LP") == "RA"


def test_a_planar_image_has_the_letters_of_its_header_or_none() -> None:
    (image,) = planar_images().sources
    assert isinstance(image, PlanarImage)
    assert directions(image) == ("L", "F")
    assert directions(replace(image, patient_orientation=None)) is None
    assert directions(replace(image, patient_orientation=("L", "X"))) is None


def test_monochrome1_is_shown_with_air_black() -> None:
    images = planar_images()
    (image,) = images.sources
    assert isinstance(image, PlanarImage)
    mask = np.zeros(image.pixels.shape, bool)
    mask[5:7, 5:7] = True
    inverted = replace(images, sources=(replace(image, photometric_interpretation="MONOCHROME1"),))
    (plain,), (other,) = (views_of([segment(mask)], item, lambda item: item.label) for item in (images, inverted))
    assert plain.pixels[0, 0] < plain.pixels[-1, -1]
    assert np.array_equal(other.pixels, 255 - plain.pixels)


def test_a_window_of_the_header_is_used_where_it_shows_the_segment() -> None:
    values, subject = np.linspace(-1000, 1000, 100).reshape(10, 10), np.zeros((10, 10), bool)
    subject[5, 2:4] = True
    header = Dataset()
    header.WindowCenter, header.WindowWidth = [50, -600], [500, 1600]
    assert window_for(values, subject, header, "CT", None) == Window(centre=50, width=500, origin=WindowOrigin.STORED)
    header.WindowCenter, header.WindowWidth = -600, 1000
    assert window_for(values, subject, header, "CT", None) == Window(centre=40, width=400, origin=WindowOrigin.DEFAULT)
    assert window_for(values, subject, header, "MR", None).origin is WindowOrigin.PERCENTILES
    header.WindowCenter = None
    assert window_for(values, subject, header, "MR", None).origin is WindowOrigin.PERCENTILES


def test_the_window_of_an_enhanced_object_is_that_of_the_frame() -> None:
    header, groups, voi = Dataset(), Dataset(), Dataset()
    voi.WindowCenter, voi.WindowWidth, voi.VOILUTFunction = 10.0, 100.0, "LINEAR_EXACT"
    groups.FrameVOILUTSequence = [voi]
    header.PerFrameFunctionalGroupsSequence = [Dataset(), groups]
    values = np.full((2, 2), 10.0)
    found = window_for(values, values > 0, header, "MR", 2)
    assert (found.centre, found.width, found.function) == (10, 100, "LINEAR_EXACT")
    assert window_for(values, values > 0, header, "MR", 1).origin is WindowOrigin.PERCENTILES


def test_windows_map_their_ends_to_black_and_white() -> None:
    """PS3.3 C.11.2.1.2.1 and C.11.2.1.3.2, with the standard's own example of a linear window."""
    linear = Window(centre=2048, width=4096, origin=WindowOrigin.STORED)
    assert shown(np.array([0.0, 4095.0]), linear).tolist() == [0, 255]
    exact = replace(linear, function="LINEAR_EXACT")
    assert shown(np.array([0.0, 2048.0, 4096.0]), exact).tolist() == [0, 128, 255]
    sigmoid = shown(np.array([-9e9, 2048.0, 9e9]), replace(linear, function="SIGMOID"))
    assert sigmoid.tolist() == [0, 128, 255]
    padding = np.array([False, True])
    assert shown(np.array([0.0, 0.0]), linear, inverted=True, padding=padding).tolist() == [255, 0]


def test_the_object_says_what_it_is_and_where_it_comes_from() -> None:
    images = stack_images(blob_phantom())
    findings = findings_in_volume(images.sources[0])  # type: ignore[arg-type]
    dataset = read(summary(images, findings))
    assert (dataset.ConversionType, dataset.BurnedInAnnotation, dataset.Modality) == ("WSD", "NO", "OT")
    assert list(dataset.PatientOrientation) == ["L", "P"]
    assert dataset.SeriesDescription == "Summary: CT liver (AI, unverified)"
    (source,) = dataset.SourceImageSequence
    assert source.ReferencedSOPInstanceUID in {str(header.SOPInstanceUID) for header in images.headers}
    assert dataset.ContributingEquipmentSequence[-1].ManufacturerModelName == DEVICE.model_name
    assert dataset.PatientID == images.headers[0].PatientID


def test_the_same_analysis_gives_the_same_bytes_and_each_language_its_own_object() -> None:
    images = stack_images(blob_phantom())
    findings = findings_in_volume(images.sources[0])  # type: ignore[arg-type]
    (first,), (second,) = summary(images, findings), summary(images, findings)
    assert first.content == second.content
    (english,) = summary(images, findings, replace(NARRATIVE, language="en"))
    assert english.sop_instance_uid != first.sop_instance_uid
    assert english.text.startswith(ENGLISH.unverified)


def test_who_the_patient_is_does_not_change_a_pixel() -> None:
    images = stack_images(blob_phantom())
    findings = findings_in_volume(images.sources[0])  # type: ignore[arg-type]
    before = read(summary(images, findings)).PixelData
    for header in images.headers:
        header.PatientName, header.PatientID, header.AccessionNumber = "Other^Person", "X99", "A77"
        header.PatientBirthDate, header.StudyDate = "19000101", "20200202"
    assert read(summary(images, findings)).PixelData == before


def test_what_is_burnt_into_a_source_is_said_of_the_summary() -> None:
    images = planar_images()
    findings = findings_in_image(images.sources[0])  # type: ignore[arg-type]
    assert read(summary(images, findings)).BurnedInAnnotation == "NO"
    images.headers[0].BurnedInAnnotation = "YES"
    assert read(summary(images, findings)).BurnedInAnnotation == "YES"
    del images.headers[0].BurnedInAnnotation
    assert "BurnedInAnnotation" not in read(summary(images, findings))


def test_lossy_compression_is_remembered() -> None:
    images = planar_images()
    images.headers[0].LossyImageCompression, images.headers[0].LossyImageCompressionRatio = "01", "12.5"
    dataset = read(summary(images, findings_in_image(images.sources[0])))  # type: ignore[arg-type]
    assert (dataset.LossyImageCompression, dataset.LossyImageCompressionRatio) == ("01", 12.5)


def test_gates_and_texts_alone_have_no_summary() -> None:
    images = stack_images(blob_phantom())
    findings = findings_in_volume(images.sources[0])  # type: ignore[arg-type]
    assert summary(images, findings, role=Role.GATE_STOP) == ()
    assert summary(images, findings, role=Role.GATE_FLAG) == ()
    assert summary(images, (NARRATIVE,)) == ()


def test_without_an_outline_there_is_a_page_of_text() -> None:
    images = stack_images(blob_phantom())
    findings = findings_in_volume(images.sources[0])  # type: ignore[arg-type]
    only = tuple(item for item in findings if isinstance(item, Evaluation))
    empty = tuple(item for item in findings if isinstance(item, Segment) and not item.mask.any())
    for said in (only, empty):
        dataset = read(summary(images, said))
        assert dataset.Rows == LEAST_HEIGHT_WITHOUT_IMAGES
        assert len(dataset.SourceImageSequence) == len(images.headers)


@pytest.mark.parametrize("sentence", ["Wort " * 90, "W" * 300, "kurz"], ids=["long", "one word", "short"])
@pytest.mark.parametrize("count", [1, 20])
def test_text_stays_within_the_margins(sentence: str, count: int) -> None:
    images = stack_images(blob_phantom())
    mask = images.sources[0].voxels > 200  # type: ignore[union-attr]
    views = views_of([segment(mask, name=sentence)], images, lambda item: item.label)
    said = (*(Sentence(text=sentence) for _ in range(count - 1)), Sentence(text="Ende", outcome=Outcome.POSITIVE))
    text = replace(TEXT, title=sentence, sentences=said, model=sentence, not_shown=123)
    for shown_views in ((), views):
        page = render(shown_views, text)
        assert page.shape[0] <= HEIGHT
        assert not page[:, :20].any()
        assert not page[:, -20:].any()
        assert not page[-8:].any()


def test_where_there_is_more_the_page_says_so_and_keeps_what_is_urgent() -> None:
    few = tuple(Sentence(text=f"Satz {n}") for n in range(3))
    many = tuple(Sentence(text=f"Satz {n}") for n in range(80))
    urgent = (*many, Sentence(text="Pneumothorax", outcome=Outcome.POSITIVE))
    pages = [render((), replace(TEXT, sentences=sentences)) for sentences in (few, many, urgent)]
    amber = [like(page[110:], (255, 196, 64)).any() for page in pages]
    assert amber == [False, True, True]
    positive = [like(page[110:], (255, 110, 96)).sum() for page in pages]
    assert positive[2] > positive[1] == positive[0] == 0


def test_umlauts_are_drawn_as_letters_of_their_own() -> None:
    plain, marked = (render((), replace(TEXT, title=title)) for title in ("Große Lunge", "Größe Lunge"))
    assert not np.array_equal(plain, marked)
    unknown = [render((), replace(TEXT, title=title)) for title in ("日", "?")]
    assert np.array_equal(*unknown)


def test_a_pixel_that_differs_is_refused() -> None:
    images = planar_images()
    (result,) = summary(images, findings_in_image(images.sources[0]))  # type: ignore[arg-type]
    pixels = dcmread(BytesIO(result.content)).pixel_array.copy()
    readback.check_picture(result.content, pixels)
    pixels[3, 3, 1] ^= 1
    with pytest.raises(ResultRefused):
        readback.check_picture(result.content, pixels)
