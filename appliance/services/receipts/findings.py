"""Findings as cards that a person can read and answer: what is said of one subject, and what it rests on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from appliance.domain.coding import ABSENT
from appliance.domain.finding import Evaluation, Finding, Measurement, Narrative, Outcome, Region, Segment
from appliance.domain.workitem import Analysis
from appliance.results.grouping import FindingGroup, group_findings
from appliance.results.plain_text import measurement_text

URGENCY = (Outcome.POSITIVE, Outcome.LIMITED, Outcome.INFORMATIVE, Outcome.NEGATIVE)


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingCard:
    """Everything that is said of one segment, region or image.

    statements: the evaluations (concept, value); numbers: measurements as text. certainty: the model's own
    probability and the threshold of its operating point, None where it states none.
    """

    tracking_uid: str
    name: str
    outcome: Outcome
    statements: tuple[tuple[str, str, str], ...]
    numbers: tuple[str, ...]
    certainty: tuple[float, float | None] | None
    segment: Segment | None = None
    region: Region | None = None

    @property
    def has_place(self) -> bool:
        """Whether there is something to be outlined on an image."""
        return self.segment is not None or self.region is not None

    @property
    def anchor(self) -> str:
        """The card's place within the page."""
        return f"finding-{self.tracking_uid[-14:]}"


def cards(analysis: Analysis) -> tuple[FindingCard, ...]:
    """The cards of one analysis, most urgent first."""
    found = [_card(group) for group in group_findings(_filled(analysis.findings), analysis.workitem)]
    return tuple(sorted(found, key=lambda card: URGENCY.index(card.outcome)))


def evidence(analyses: Sequence[Analysis]) -> Mapping[tuple[str, int], str]:
    """(workitem UID, index of a finding) -> tracking UID of the card that says it."""
    found: dict[tuple[str, int], str] = {}
    for analysis in analyses:
        groups = group_findings(_filled(analysis.findings), analysis.workitem)
        for index, finding in enumerate(analysis.findings):
            uid = next((group.tracking_uid for group in groups if _says(group, finding)), "")
            if uid:
                found[analysis.workitem.uid, index] = uid
    return found


def narrative_of(analysis: Analysis) -> Narrative | None:
    """The text of a report's workitem."""
    return next((finding for finding in analysis.findings if isinstance(finding, Narrative)), None)


def _filled(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """The ledger keeps no masks; without a voxel a segment would read as one that was looked for in vain."""
    filled = np.ones(1, dtype=np.bool_)
    return tuple(replace(item, mask=filled) if isinstance(item, Segment) else item for item in findings)


def _says(group: FindingGroup, finding: Finding) -> bool:
    match finding:
        case Segment():
            return group.segment is not None and _place(group.segment) == _place(finding)
        case Region():
            return group.region == finding
        case Measurement():
            return finding in group.measurements
        case Evaluation():
            return finding in group.evaluations
        case _:
            return False


def _place(segment: Segment) -> tuple[int, int]:
    return segment.source_index, segment.number


def _card(group: FindingGroup) -> FindingCard:
    outcomes = [item.outcome for item in group.evaluations]
    if group.region is not None or (group.segment is not None and (group.measurements or not outcomes)):
        outcomes.append(Outcome.INFORMATIVE)
    if any(item.value == ABSENT for item in group.evaluations) and not group.measurements:
        outcomes = [Outcome.NEGATIVE]
    probabilities = [
        (item.probability, item.operating_point.threshold if item.operating_point else None)
        for item in group.evaluations
        if item.probability is not None
    ]
    if group.region is not None and group.region.probability is not None:
        probabilities.append((group.region.probability, None))
    return FindingCard(
        tracking_uid=group.tracking_uid,
        name=group.segment.label if group.segment else group.tracking_id,
        outcome=min(outcomes, key=URGENCY.index, default=Outcome.INFORMATIVE),
        statements=tuple((item.concept.meaning, item.value.meaning, item.explanation) for item in group.evaluations),
        numbers=tuple(measurement_text(item) for item in group.measurements),
        certainty=probabilities[0] if probabilities else None,
        segment=group.segment,
        region=group.region,
    )
