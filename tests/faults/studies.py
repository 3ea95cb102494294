"""CT studies, each with a bright box of its own, so that the one right mask of every study is known.

Most are small; one in `LONG_EVERY` is long enough for a worker to be killed in the middle of its analysis.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from appliance.domain.identifiers import StudyInstanceUID
from tests.helpers.dicom_builder import Phantom, axial_affine, ct_series, save

SHAPE = (5, 24, 24)
LONG_SHAPE = (100, 128, 128)
LONG_EVERY = 20
"""A number of studies; the first long one comes after half as many."""
THRESHOLD = 200.0
"""Between body (40) and box (300): what the tiny model separates."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SentStudy:
    """A study on disk, and the mask [slice, row, column] that the tiny model must give."""

    uid: StudyInstanceUID
    folder: Path
    mask: npt.NDArray[np.bool_]
    sop_instance_uids: tuple[str, ...]

    @property
    def is_long(self) -> bool:
        """Whether its analysis takes longer than a lease."""
        return self.mask.shape == LONG_SHAPE


def make_studies(folder: Path, count: int, seed: int) -> Iterator[SentStudy]:
    """`count` studies, the same ones for the same seed; every other one says in its header how many slices it has."""
    generator = np.random.default_rng(seed)
    for number in range(count):
        shape = LONG_SHAPE if number % LONG_EVERY == LONG_EVERY // 2 else SHAPE
        low = generator.integers(0, [shape[0] - 2, shape[1] - 8, shape[2] - 8])
        high = low + generator.integers(2, [3, 8, 8])
        values = np.full(shape, 40, np.int16)
        values[tuple(slice(*pair) for pair in zip(low, high, strict=True))] = 300
        counted: dict[str, Any] = {"NumberOfSeriesRelatedInstances": shape[0]} if number % 2 else {}
        items = ct_series(Phantom(values, axial_affine()), seed=f"faults-{seed}-{number}", **counted)
        save(items, folder / f"{number:04d}")
        yield SentStudy(
            uid=StudyInstanceUID(str(items[0].StudyInstanceUID)),
            folder=folder / f"{number:04d}",
            mask=values > THRESHOLD,
            sop_instance_uids=tuple(str(item.SOPInstanceUID) for item in items),
        )
