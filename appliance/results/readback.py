"""Proof before delivery: the encoded bytes are read again and must say what was found, voxel by voxel and number by
number.

What is compared is what a receiver gets: pixels and functional groups of the parsed file, never the writer's memory.
"""

import itertools
import math
from collections.abc import Iterator, Sequence
from io import BytesIO

import numpy as np
import numpy.typing as npt
from pydicom import Dataset, dcmread
from pydicom.uid import RLELossless

from appliance.domain.errors import ResultRefused
from appliance.domain.finding import Narrative, Segment
from appliance.domain.image import Affine, FrameReference, Mask, Source, Volume, source_shape
from appliance.results.codes import FINDING, IMPRESSION, code_of, unit
from appliance.results.grouping import FindingGroup
from appliance.results.stand_ins import plane_affine

VOXEL_TOLERANCE = 0.02
"""How far, in voxels, a stored frame may lie from the source slice; decimal strings round far below this."""

NUMBER_TOLERANCE = 1e-8
"""Relative; decimal strings hold at least nine significant digits."""


def check_segmentation(
    content: bytes, segments: Sequence[Segment], tracking_uids: Sequence[str], source: Source
) -> None:
    """The SEG must have exactly the voxels of `segments` (in Segment Number order), in patient space, and every frame
    must name the source frame it lies on.

    Raises ResultRefused.
    """
    dataset = _parsed(content)
    described = [item for item in dataset.SegmentSequence if int(item.SegmentNumber) > 0]
    for item, segment, tracking_uid in zip(described, segments, tracking_uids, strict=True):
        _expect(str(item.TrackingUID) == tracking_uid, "a segment has another tracking UID")
        _expect(
            code_of(item.SegmentedPropertyTypeCodeSequence[0])
            == (segment.property_type.value, segment.property_type.scheme_designator),
            "a segment has another property type",
        )
    restored = [np.zeros(source_shape(source), dtype=bool) for _ in segments]
    for index, number, pixels in _frames(dataset, source):
        for position in range(len(segments)) if number is None else (number - 1,):
            restored[position][index] |= pixels == (position + 1 if number is None else 1)
    for mask, segment in zip(restored, segments, strict=True):
        _expect(np.array_equal(mask, segment.mask), f"the voxels of segment {segment.number} differ")


def _frames(dataset: Dataset, source: Source) -> Iterator[tuple[int | slice, int | None, Mask]]:
    """(place in the source, Segment Number or None for a label map, stored pixels) of every stored frame."""
    if dataset.file_meta.TransferSyntaxUID == RLELossless:
        dataset.pixel_array_options(decoding_plugin="pylibjpeg")
    pixels = dataset.pixel_array.reshape((int(dataset.NumberOfFrames), dataset.Rows, dataset.Columns))
    shared = dataset.SharedFunctionalGroupsSequence[0]
    binary = str(dataset.SegmentationType) == "BINARY"
    to_source = np.linalg.inv(source.affine) if isinstance(source, Volume) else None
    _expect(len(dataset.PerFrameFunctionalGroupsSequence) == len(pixels), "the number of frames differs")
    for item, frame in zip(dataset.PerFrameFunctionalGroupsSequence, pixels, strict=True):
        if to_source is None or not isinstance(source, Volume):
            index: int | slice = slice(None)
            reference = source.frame  # type: ignore[union-attr] # no volume: a planar image
        else:
            index = _slice_of(to_source @ plane_affine(item, shared), source.voxels.shape)
            reference = source.frames[index]
        _check_reference(item, reference)
        group = (item.get("SegmentIdentificationSequence") or shared.get("SegmentIdentificationSequence")) or None
        yield index, int(group[0].ReferencedSegmentNumber) if binary and group else None, frame


def _slice_of(plane_in_source: Affine, shape: tuple[int, ...]) -> int:
    """The slice a frame lies on; its four corners must lie on those of the source.

    plane_in_source: (4, 3) from (row, column, 1) of the frame to source index. shape: of the source.
    """
    index = round(float(plane_in_source[0, 2]))
    _expect(0 <= index < shape[0], "a frame lies outside the source")
    for corner in itertools.product((0, shape[1] - 1), (0, shape[2] - 1)):
        place = (plane_in_source @ [*corner, 1])[:3]
        _expect(np.abs(place - [index, *corner]).max() < VOXEL_TOLERANCE, "a frame does not lie on a source slice")
    return index


def _check_reference(item: Dataset, expected: FrameReference) -> None:
    stored = item.DerivationImageSequence[0].SourceImageSequence[0]
    number = stored.get("ReferencedFrameNumber")
    found = (str(stored.ReferencedSOPInstanceUID), str(stored.ReferencedSOPClassUID), number and int(number))
    _expect(
        found == (expected.sop_instance_uid, expected.sop_class_uid, expected.frame_number),
        "a frame refers to another source frame",
    )


def check_measurement_report(content: bytes, groups: Sequence[FindingGroup]) -> None:
    """The SR must have one measurement group per finding group, with the same numbers, units and codes in order.

    Raises ResultRefused.
    """
    stored = {_tracking_uid(item): item for item in _walk(_parsed(content)) if _concept(item) == ("125007", "DCM")}
    _expect(len(stored) == len(groups), "the number of measurement groups differs")
    for group in groups:
        item = stored.get(group.tracking_uid)
        if item is None:
            raise ResultRefused("a measurement group is missing")
        _check_group(item, group)


def _check_group(item: Dataset, group: FindingGroup) -> None:
    numbers = [child for child in item.ContentSequence if child.ValueType == "NUM"]
    _expect(len(numbers) == len(group.numbers), "the number of measurements differs")
    for child, expected in zip(numbers, group.numbers, strict=True):
        measured = child.MeasuredValueSequence[0]
        stated = code_of(measured.MeasurementUnitsCodeSequence[0])
        meant = unit(expected.unit)
        _expect(
            math.isclose(float(measured.NumericValue), expected.value, rel_tol=NUMBER_TOLERANCE, abs_tol=1e-12)
            and stated == (meant.value, meant.scheme_designator)
            and _concept(child) == (expected.concept.value, expected.concept.scheme_designator),
            f"{expected.concept.meaning} differs",
        )
    codes = [(_concept(c), code_of(c.ConceptCodeSequence[0])) for c in item.ContentSequence if c.ValueType == "CODE"]
    for evaluation in group.evaluations:
        name = (evaluation.concept.value, evaluation.concept.scheme_designator)
        value = (evaluation.value.value, evaluation.value.scheme_designator)
        _expect((name, value) in codes, f"{evaluation.concept.meaning} differs")


def check_report_document(content: bytes, narrative: Narrative) -> None:
    """The report must have every sentence, whole and in order. Raises ResultRefused."""
    dataset = _parsed(content)
    for name, sentences in ((FINDING, narrative.findings), (IMPRESSION, narrative.impression)):
        texts = [str(i.TextValue) for i in _walk(dataset) if _concept(i) == (name.value, name.scheme_designator)]
        _expect(len(texts) == max(1, len(sentences)), "the number of sentences differs")
        for text, sentence in zip(texts, sentences, strict=False):
            _expect(text.startswith(sentence.text), "a sentence differs")


def check_document_file(content: bytes, file: bytes) -> None:
    """The encapsulated file must be whole. Raises ResultRefused."""
    dataset = _parsed(content)
    stored = bytes(dataset.EncapsulatedDocument)[: int(dataset.EncapsulatedDocumentLength)]
    _expect(stored == file and stored.startswith(b"%PDF-"), "the encapsulated file differs")


def check_picture(content: bytes, pixels: npt.NDArray[np.uint8]) -> None:
    """The picture must have exactly `pixels` [row, column, 3]. Raises ResultRefused."""
    _expect(np.array_equal(_parsed(content).pixel_array, pixels), "the pixels differ")


def _walk(item: Dataset) -> Iterator[Dataset]:
    for child in item.get("ContentSequence") or ():
        yield child
        yield from _walk(child)


def _concept(item: Dataset) -> tuple[str, str]:
    names = item.get("ConceptNameCodeSequence")
    return code_of(names[0]) if names else ("", "")


def _tracking_uid(group: Dataset) -> str:
    return next((str(i.UID) for i in group.ContentSequence if _concept(i) == ("112040", "DCM")), "")


def _parsed(content: bytes) -> Dataset:
    return dcmread(BytesIO(content))


def _expect(condition: bool | np.bool_, otherwise: str) -> None:
    if not condition:
        raise ResultRefused(otherwise)
