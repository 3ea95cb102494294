"""Sides of paired organs: read from codes, and given by the geometry of the patient, never by the channel."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Literal

from appliance.domain.coding import LEFT, RIGHT, UNDETERMINED, CodedConcept
from appliance.domain.finding import Evaluation, Outcome, Segment
from appliance.domain.image import Mask, Source
from appliance.domain.model_package import Label
from appliance.findings.codes import SIDE_DETERMINED, SIDED
from appliance.findings.directions import sides

Side = Literal["left", "right"]


def side_of(labelled: Label | Segment) -> Side | None:
    """The side that a label or segment states, by its modifier or by its structure's own code."""
    return _side(labelled.property_type, labelled.modifier)


def side_of_concept(concept: CodedConcept) -> Side | None:
    """The side that a structure's code states."""
    return _side(concept, None)


def sided_by_geometry(
    declared: Sequence[Label], found: Sequence[Label], masks: Sequence[Mask], missing: Sequence[Label], source: Source
) -> tuple[list[Label], list[Label]]:
    """The labels of the masks found, and those not found, with the sides that the patient's geometry gives.

    Where it gives none, labels lose their side, those of the missing ones too.
    """
    by_side = {side_of(label): label for label in declared}
    given = sides(masks, source) if masks else ()
    labels = [
        by_side.get(_side(_ANY, side)) or _unsided(label) if side is not None else _unsided(label)
        for label, side in zip(found, given, strict=True)
    ]
    if any(side is None for side in given):
        return labels, [_unsided(label) for label in missing]
    if not found:
        return labels, list(missing)
    return labels, [label for label in declared if label not in labels]


def undetermined_sides(segments: Sequence[Segment], source_index: int) -> Iterator[Evaluation]:
    """One evaluation for every segment of a paired organ whose side the geometry did not give."""
    paired = {structure for structure, _ in SIDED.values()}
    for segment in segments:
        if segment.property_type in paired and side_of(segment) is None:
            yield Evaluation(
                concept=SIDE_DETERMINED,
                value=UNDETERMINED,
                outcome=Outcome.LIMITED,
                segment=segment.number,
                explanation="The header does not give the side: Patient Orientation is missing or not lateral",
                source_index=source_index,
            )


_ANY = CodedConcept("", "", "")


def _side(structure: CodedConcept, modifier: CodedConcept | None) -> Side | None:
    stated = modifier if modifier in (LEFT, RIGHT) else SIDED.get(structure, (structure, None))[1]
    if stated == LEFT:
        return "left"
    return "right" if stated == RIGHT else None


def _unsided(label: Label) -> Label:
    structure = SIDED.get(label.property_type, (label.property_type, None))[0]
    return replace(label, name=f"{structure.meaning}, side undetermined", property_type=structure, modifier=None)
