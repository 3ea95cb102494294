"""What a rendered phantom shows, and the sentences that say it.

The sentences are the ground truth of the demonstration report generator: one fixed sentence per finding, so that a text
can be compared with the findings it should state, sentence by sentence.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

import numpy as np

Choice = TypeVar("Choice", bound=StrEnum)


class Side(StrEnum):
    """Side of the patient; the patient's right is on the left of the image."""

    RIGHT = "right"
    LEFT = "left"


class Zone(StrEnum):
    """Zone of a lung."""

    UPPER = "upper"
    LOWER = "lower"


class Size(StrEnum):
    """Size of a pleural effusion: blunted angle, or up to mid-lung."""

    SMALL = "small"
    LARGE = "large"


@dataclass(frozen=True, slots=True)
class Nodules:
    """One or two nodules in one zone."""

    side: Side
    zone: Zone
    count: int


@dataclass(frozen=True, slots=True)
class Effusion:
    """A pleural effusion."""

    side: Side
    size: Size


@dataclass(frozen=True, slots=True, kw_only=True)
class PhantomFindings:
    """Everything a rendering shows beside normal anatomy; the empty value is a normal phantom."""

    nodules: tuple[Nodules, ...] = ()
    effusions: tuple[Effusion, ...] = ()
    enlarged_heart: bool = False
    catheter: Side | None = None


def draw_findings(random: np.random.Generator) -> PhantomFindings:
    """Findings at random; about one phantom in ten is normal.

    A lower zone under a large effusion holds no nodule, since nobody could see it there.
    """
    if random.random() < 0.08:
        return PhantomFindings()
    effusions = tuple(Effusion(side, _either(random, Size)) for side in Side if random.random() < 0.35)
    drowned = {effusion.side for effusion in effusions if effusion.size is Size.LARGE}
    sites = [(side, zone) for side in Side for zone in Zone if zone is Zone.UPPER or side not in drowned]
    nodules = tuple(Nodules(side, zone, int(random.integers(1, 3))) for side, zone in sites if random.random() < 0.22)
    return PhantomFindings(
        nodules=nodules,
        effusions=effusions,
        enlarged_heart=bool(random.random() < 0.4),
        catheter=_either(random, Side) if random.random() < 0.4 else None,
    )


def report_text(findings: PhantomFindings) -> str:
    """The ground-truth report in English: "Findings: ... Impression: ..."."""
    return f"Findings: {' '.join(statements(findings))} Impression: {' '.join(conclusions(findings))}"


def statements(findings: PhantomFindings) -> tuple[str, ...]:
    """The sentences of the findings section, absent findings included."""
    nodules = [_nodule_statement(nodules) for nodules in findings.nodules] or ["No nodule is seen."]
    effusions = [f"There is a {effusion.size} {effusion.side} pleural effusion." for effusion in findings.effusions]
    heart = "The cardiac silhouette is enlarged." if findings.enlarged_heart else "The cardiac silhouette is normal."
    side = findings.catheter
    catheter = f"A central venous catheter enters from the {side}." if side else "No catheter is seen."
    return (*nodules, *(effusions or ["No pleural effusion is seen."]), heart, catheter)


def conclusions(findings: PhantomFindings) -> tuple[str, ...]:
    """The sentences of the impression: what is present, or that nothing is."""
    nodules = [_nodule_conclusion(nodules) for nodules in findings.nodules]
    effusions = [f"{effusion.size.capitalize()} {effusion.side} pleural effusion." for effusion in findings.effusions]
    heart = ["Enlarged cardiac silhouette."] if findings.enlarged_heart else []
    catheter = ["Central venous catheter in place."] if findings.catheter else []
    return (*nodules, *effusions, *heart, *catheter) or ("Normal phantom.",)


def _nodule_statement(nodules: Nodules) -> str:
    number = "There is one nodule" if nodules.count == 1 else "There are two nodules"
    return f"{number} in the {nodules.side} {nodules.zone} zone."


def _nodule_conclusion(nodules: Nodules) -> str:
    number = "One nodule" if nodules.count == 1 else "Two nodules"
    return f"{number} in the {nodules.side} {nodules.zone} zone."


def _either(random: np.random.Generator, choices: type[Choice]) -> Choice:
    members = list(choices)
    return members[int(random.integers(len(members)))]
