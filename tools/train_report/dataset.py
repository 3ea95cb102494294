"""Renderings and their ground-truth reports, as arrays; deterministic per seed, in several processes."""

from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from appliance.node.samples.phantom import render
from appliance.node.samples.phantom_findings import PhantomFindings, draw_findings, report_text

TRAINING_SEED = 0
HELD_OUT_SEED = 1_000_000


@dataclass(frozen=True, slots=True, eq=False)
class Renderings:
    """images: uint8 [n, 256, 256], 255 for full exposure, the findings drawn, and the reports that state them."""

    images: npt.NDArray[np.uint8]
    findings: tuple[PhantomFindings, ...]
    texts: tuple[str, ...]


def rendering(seed: int) -> tuple[PhantomFindings, npt.NDArray[np.uint8]]:
    """One phantom whose findings and appearance both follow from `seed`."""
    findings = draw_findings(np.random.default_rng(seed))
    return findings, np.rint(render(findings, seed) * 255).astype(np.uint8)


def renderings(first_seed: int, count: int, processes: int = 1) -> Renderings:
    """`count` phantoms with consecutive seeds."""
    seeds = range(first_seed, first_seed + count)
    with ProcessPoolExecutor(processes) as pool:
        drawn = list(pool.map(rendering, seeds, chunksize=32))
    findings = tuple(item[0] for item in drawn)
    return Renderings(np.stack([item[1] for item in drawn]), findings, tuple(report_text(item) for item in findings))
