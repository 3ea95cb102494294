"""Flags that limit what a region's numbers mean: cut by the field of view, at the edge of its search box, too small."""

from collections.abc import Iterator

import numpy as np

from appliance.domain.coding import ABSENT, PRESENT, CodedConcept
from appliance.domain.finding import Evaluation, Outcome
from appliance.domain.image import Mask, Source
from appliance.findings import codes
from appliance.findings.directions import OPPOSITE, axis_direction

Box = tuple[float, float, float, float]
"""(x0, y0, x1, y1) as shares of the image's width and height."""

BOX_CONTACT = 0.25
"""A region reaches its search box where at least this share of one side of the box lies on or inside the region."""


def cut_by_field_of_view(
    mask: Mask, source: Source, least_share: float, *, segment: int, source_index: int = 0
) -> Evaluation:
    """Is the region cut off at a border of the image or stack?

    It is, where its section in the outermost plane is at least `least_share` of its largest parallel section. The
    explanation names the patient directions of those borders (L R A P H F), where they are known.
    """
    borders = [axis_end for axis_end, share in _border_shares(mask) if share >= least_share]
    names = {_border_name(source, axis, at_end) for axis, at_end in borders}
    return _flag(
        codes.ANATOMY_COVERAGE_INCOMPLETE, bool(borders), ", ".join(sorted(names - {""})), segment, source_index
    )


def reaches_search_box(mask: Mask, box: Box, *, segment: int, source_index: int = 0) -> Evaluation:
    """Does the region [row, column] run along a side of the box that the network was told to search?"""
    rows, columns = mask.shape
    x0, x1 = (min(columns - 1, max(0, round(share * columns))) for share in (box[0], box[2]))
    y0, y1 = (min(rows - 1, max(0, round(share * rows))) for share in (box[1], box[3]))
    edges = (mask[y0, x0:x1], mask[y1, x0:x1], mask[y0:y1, x0], mask[y0:y1, x1])
    contact = max((float(edge.mean()) for edge in edges if edge.size), default=0.0)
    return _flag(codes.PROMPT_EXCEEDED, contact >= BOX_CONTACT, "", segment, source_index)


def small_for_image(mask: Mask, least_share: float, *, segment: int, source_index: int = 0) -> Evaluation:
    """Does the region cover less of the image than such a structure should?"""
    return _flag(codes.SMALL_FOR_IMAGE, float(mask.mean()) < least_share, "", segment, source_index)


def _flag(concept: CodedConcept, raised: bool, explanation: str, segment: int, source_index: int) -> Evaluation:
    return Evaluation(
        concept=concept,
        value=PRESENT if raised else ABSENT,
        outcome=Outcome.LIMITED if raised else Outcome.NEGATIVE,
        segment=segment,
        explanation=explanation,
        source_index=source_index,
    )


def _border_shares(mask: Mask) -> Iterator[tuple[tuple[int, bool], float]]:
    """For every border: (axis, at its end?) and the section there over the largest section along that axis."""
    for axis in range(mask.ndim):
        sections = mask.sum(axis=tuple(a for a in range(mask.ndim) if a != axis), dtype=np.int64)
        largest = max(1, int(sections.max()))
        yield (axis, False), float(sections[0]) / largest
        yield (axis, True), float(sections[-1]) / largest


def _border_name(source: Source, axis: int, at_end: bool) -> str:
    direction = axis_direction(source, axis)
    if direction is None:
        return ""
    return direction if at_end else OPPOSITE[direction]
