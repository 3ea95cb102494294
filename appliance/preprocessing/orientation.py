"""Turn a volume so that its array axes run towards named sides of the patient; exact, no value is interpolated."""

import itertools

import numpy as np

from appliance.domain.errors import ManifestInvalid
from appliance.domain.image import Affine, GridImage
from appliance.preprocessing.grid import regrid

_AXIS = {"L": (0, 1), "R": (0, -1), "P": (1, 1), "A": (1, -1), "S": (2, 1), "I": (2, -1)}
"""Side of the patient -> (LPS axis, sign)."""


def orient(image: GridImage, *, axes: str) -> GridImage:
    """Permute and flip the axes of a volume so that axis i grows towards the side `axes[i]` ("RAS", "LPS", "AIR").

    A stack that lies oblique is turned to the nearest of the 48 axis orders and stays oblique.
    Raises ManifestInvalid when `axes` does not name three different patient axes, or the image is no volume.
    """
    wanted = _wanted(axes)
    if image.to_patient is None:
        raise ManifestInvalid("only volumes can be oriented in the patient", where="steps.orient")
    nearest = _nearest_axes(image.to_patient)
    order = [next(a for a, (lps, _) in enumerate(nearest) if lps == axis) for axis, _ in wanted]
    flips = [nearest[a][1] != sign for a, (_, sign) in zip(order, wanted, strict=True)]
    turned = np.transpose(image.values, (0, *(a + 1 for a in order)))
    turned = turned[(slice(None), *(slice(None, None, -1 if flip else 1) for flip in flips))]
    return regrid(image, turned, _permutation(order, flips, turned.shape[1:]))


def _wanted(axes: str) -> list[tuple[int, int]]:
    wanted = [_AXIS[letter] for letter in axes if letter in _AXIS]
    if len(axes) != 3 or {axis for axis, _ in wanted} != {0, 1, 2}:
        raise ManifestInvalid(f"{axes!r} does not name three patient axes, such as RAS", where="steps.orient")
    return wanted


def _nearest_axes(to_patient: Affine) -> list[tuple[int, int]]:
    """For each array axis the LPS axis it is closest to, and the sign; one LPS axis each, best sum of cosines."""
    directions = to_patient[:3, :3] / np.linalg.norm(to_patient[:3, :3], axis=0)
    orders = itertools.permutations(range(3))
    best = max(orders, key=lambda order: round(sum(abs(directions[lps, a]) for a, lps in enumerate(order)), 9))
    return [(lps, 1 if directions[lps, a] >= 0 else -1) for a, lps in enumerate(best)]


def _permutation(order: list[int], flips: list[bool], shape: tuple[int, ...]) -> Affine:
    to_previous = np.zeros((4, 4))
    to_previous[3, 3] = 1.0
    for new, (old, flip) in enumerate(zip(order, flips, strict=True)):
        to_previous[old, new] = -1.0 if flip else 1.0
        to_previous[old, 3] = shape[new] - 1 if flip else 0
    return to_previous
