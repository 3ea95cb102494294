"""A rendered frontal chest phantom with known findings.

A sum of attenuations drawn with numpy: body, lungs, mediastinum, heart, ribs, clavicles, vessels, and the findings.
Coordinates: x and y in -1..1, x to the right of the image (the patient's left), y down. Values are attenuations, so
that bone is bright as on a radiograph. It is a drawing, made to show that the appliance generates reports; it is no
model of radiographic physics and holds nothing of any patient.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from appliance.node.samples.phantom_findings import Effusion, Nodules, PhantomFindings, Side, Size, Zone

SHAPE = (256, 256)

Plane = npt.NDArray[np.floating]
_APEX, _LUNG_CENTRE, _LUNG_WIDTH = -0.80, 0.45, 0.80


@dataclass(frozen=True, slots=True, eq=False)
class _Body:
    """One phantom's own proportions and the coordinate planes of its image."""

    x: Plane
    y: Plane
    wall: Plane
    width: float
    dome: dict[int, float]
    heart_width: float
    random: np.random.Generator


def render(findings: PhantomFindings, seed: int) -> Plane:
    """Draw a phantom: float32 SHAPE in 0..1, the same for the same arguments.

    `seed` chooses everything that is not a finding: proportions, posture, positions within a zone, noise.
    """
    random = np.random.default_rng([seed, 20_26])
    body = _posture(random, enlarged=findings.enlarged_heart)
    lungs = {sign: _lung(body, sign) for sign in (-1, 1)}
    for effusion in findings.effusions:
        lungs[_sign(effusion.side)] *= 1 - 0.87 * _fluid(body, effusion)
    air = (lungs[-1] + lungs[1]) * (1 - 0.82 * _heart(body))
    image = _soft_tissue(body) - 0.46 * air + _mediastinum(body) + _bones(body, air) + _vessels(body) * air
    for nodules in findings.nodules:
        image += _nodules(body, nodules, findings)
    if findings.catheter is not None:
        image += _catheter(body, findings.catheter)
    return _exposed(image, air, random)


def _posture(random: np.random.Generator, *, enlarged: bool) -> _Body:
    """Proportions at random, and the planes turned, scaled and shifted a little."""
    rows, columns = (np.linspace(-1, 1, n, dtype=np.float32) for n in SHAPE)
    angle, scale = random.uniform(-0.05, 0.05), random.uniform(0.95, 1.06)
    shift_x, shift_y = random.uniform(-0.05, 0.05, 2)
    x, y = (columns[None, :] - shift_x) * scale, (rows[:, None] - shift_y) * scale
    upright = (x * np.sin(angle) + y * np.cos(angle)).astype(np.float32)
    dome, width = random.uniform(0.50, 0.58), float(random.uniform(0.94, 1.05)) * _LUNG_WIDTH
    return _Body(
        x=(x * np.cos(angle) - y * np.sin(angle)).astype(np.float32),
        y=upright,
        wall=_lateral(width, upright).astype(np.float32),
        width=width,
        dome={-1: dome, 1: dome + random.uniform(0.03, 0.07)},
        heart_width=float(random.uniform(0.44, 0.50) if enlarged else random.uniform(0.27, 0.33)),
        random=random,
    )


def _edge(distance: npt.NDArray[np.floating], softness: float) -> Plane:
    """0 outside, 1 inside, across an edge of the given softness."""
    return np.asarray((1 / (1 + np.exp(np.clip(-distance / softness, -30, 30)))), dtype=np.float32)


def _sign(side: Side) -> int:
    return -1 if side is Side.RIGHT else 1


def _lateral(width: float, y: npt.NDArray[np.floating] | float) -> npt.NDArray[np.floating]:
    """Distance of the lateral chest wall from the midline at height y."""
    reach = np.clip(1 - np.abs((np.asarray(y) - _LUNG_CENTRE) / (_LUNG_CENTRE - _APEX)) ** 2.4, 0.0, 1.0)
    return np.asarray(width * reach ** (1 / 2.4))


def _diaphragm(body: _Body, sign: int) -> npt.NDArray[np.floating]:
    off_centre = (np.abs(body.x) - 0.36) / 0.42
    return np.asarray(body.dome[sign] + 0.24 * np.where(off_centre > 0, off_centre**2, 0.25 * off_centre**2))


def _lung(body: _Body, sign: int) -> Plane:
    depth = sign * body.x
    medial = 0.13 + 0.05 * np.exp(-(((body.y - 0.05) / 0.25) ** 2))
    inside = _edge(body.wall - depth, 0.012) * _edge(depth - medial, 0.02)
    return (inside * _edge(_diaphragm(body, sign) - body.y, 0.014)).astype(np.float32)


def _soft_tissue(body: _Body) -> Plane:
    """Torso, shoulders and neck, thicker in the middle; the abdomen is denser, with a gastric bubble on the left."""
    shoulders = _edge(body.y + 0.97 - 0.24 * np.abs(body.x), 0.03)
    half_width = 0.24 + 0.80 * shoulders - 0.06 * _edge(body.y + 0.1, 0.2)
    torso = _edge(half_width - np.abs(body.x), 0.015)
    thickness = 0.30 + 0.34 * np.sqrt(np.clip(1 - (body.x / 1.08) ** 2, 0, 1))
    abdomen = 0.14 * _edge(body.y - 0.62, 0.06)
    bubble = 0.16 * _edge(1 - ((body.x - 0.40) / 0.13) ** 2 - ((body.y - body.dome[1] - 0.13) / 0.07) ** 2, 0.15)
    return np.asarray((torso * (thickness + abdomen - bubble)), dtype=np.float32)


def _mediastinum(body: _Body) -> Plane:
    """Great vessels, the spine, and the dark trachea."""
    band = 0.16 * np.exp(-((body.x / 0.15) ** 4))
    vertebrae = 0.05 * np.exp(-((body.x / 0.085) ** 4)) * (1 + 0.5 * np.cos(2 * np.pi * body.y / 0.155))
    trachea = 0.12 * np.exp(-(((body.x + 0.01) / 0.042) ** 4)) * _edge(-0.22 - body.y, 0.05)
    return np.asarray((band + vertebrae - trachea), dtype=np.float32)


def _heart(body: _Body) -> Plane:
    """Where heart and aortic arch take the place of lung; the long axis points to the patient's left and down."""
    x, y = body.x - 0.14, body.y - 0.34
    along, across = x * 0.84 + y * 0.54, y * 0.84 - x * 0.54
    radius = (along / (1.1 * body.heart_width)) ** 2 + (across / (0.20 + 0.22 * body.heart_width)) ** 2
    arch = ((body.x - 0.11) / 0.11) ** 2 + ((body.y + 0.27) / 0.13) ** 2
    return np.asarray(np.maximum(_edge(1 - radius, 0.06), 0.9 * _edge(1 - arch, 0.12)), dtype=np.float32)


def _bones(body: _Body, air: Plane) -> Plane:
    depth = np.abs(body.x) / body.width
    cage = _edge(body.wall + 0.05 - np.abs(body.x), 0.01) * _edge(0.72 - body.y, 0.05)
    posterior = _rib_pattern(body.y + 0.16 * np.sin(2.6 * depth) - 0.26 * depth**2.5, 0.155, 0.035)
    anterior = _rib_pattern(body.y + 0.42 * depth, 0.185, 0.040) * _edge(depth - 0.42, 0.03)
    ribs = cage * (0.075 * posterior * _edge(depth - 0.08, 0.03) + 0.05 * anterior)
    rise = body.y + 0.55 + 0.14 * (depth - 0.1) - 0.04 * np.sin(5 * depth)
    clavicles = 0.13 * _tube(rise, 0.040) * _edge(depth - 0.09, 0.015) * _edge(1.02 - depth, 0.03)
    scapulae = 0.06 * _tube(np.abs(body.x) - 0.80 - 0.10 * body.y, 0.05) * _edge(0.12 - body.y, 0.08)
    return (ribs + clavicles + scapulae * (1 - 0.5 * air) * _edge(body.y + 0.62, 0.05)).astype(np.float32)


def _rib_pattern(height: npt.NDArray[np.floating], period: float, width: float) -> npt.NDArray[np.floating]:
    return _tube((height / period - np.round(height / period)) * period, width)


def _tube(distance: npt.NDArray[np.floating], width: float) -> npt.NDArray[np.floating]:
    """Projection of a bone: a band with denser (cortical) borders."""
    inside = _edge(width - np.abs(distance), 0.006)
    return np.asarray(inside * (0.65 + 0.35 * np.exp(-(((np.abs(distance) - 0.8 * width) / (0.3 * width)) ** 2))))


def _vessels(body: _Body) -> Plane:
    """Branches that leave the hila and thin out; wide and narrow ones are drawn with different blur."""
    layers = []
    for count, reach, blur, density in ((9, 0.30, 2.0, 1.6), (26, 0.52, 1.0, 0.40)):
        strokes = [_vessel(body, sign, reach) for sign in (-1, 1) for _ in range(count)]
        layers.append(density * _blurred(_drawn(body, np.concatenate(strokes)), blur))
    return np.minimum(layers[0] + layers[1], 0.16).astype(np.float32)


def _vessel(body: _Body, sign: int, reach: float) -> npt.NDArray[np.floating]:
    """Points (x, y, weight) along one branch."""
    random = body.random
    angle, length = random.uniform(-1.35, 1.25), reach * random.uniform(0.6, 1.0)
    along = np.linspace(0, 1, 60)
    bend = angle + random.uniform(-0.5, 0.5) * along
    x = sign * (0.19 + 0.8 * length * along * np.cos(bend))
    y = 0.02 + random.uniform(-0.08, 0.10) + 1.1 * length * along * np.sin(bend)
    return np.stack([x, y, 0.35 * (1 - 0.8 * along)], axis=1)


def _drawn(body: _Body, points: npt.NDArray[np.floating]) -> Plane:
    """Points (x, y, weight) in the coordinates of the body, added up per pixel."""
    # the planes are affine in the indices, so three pixels give the way back
    corner = np.array([body.x[0, 0], body.y[0, 0]], dtype=np.float64)
    step = np.array(
        [[body.x[1, 0] - corner[0], body.x[0, 1] - corner[0]], [body.y[1, 0] - corner[1], body.y[0, 1] - corner[1]]]
    )
    indices = np.rint(np.linalg.solve(step, (points[:, :2] - corner).T)).astype(int)
    inside = (indices >= 0).all(axis=0) & (indices < np.array(SHAPE)[:, None]).all(axis=0)
    canvas = np.zeros(SHAPE, dtype=np.float32)
    np.add.at(canvas, tuple(indices[:, inside]), points[inside, 2])
    return canvas


def _fluid(body: _Body, effusion: Effusion) -> Plane:
    """Fluid over the diaphragm with a meniscus that rises to the chest wall."""
    sign = _sign(effusion.side)
    depth = np.clip(sign * body.x / body.width, 0, 1.1)
    if effusion.size is Size.SMALL:
        level = body.dome[sign] + body.random.uniform(0.06, 0.10) - 0.20 * depth**5
    else:
        level = body.random.uniform(0.12, 0.24) - 0.16 * depth**4
    return _edge(body.y - level, 0.02)


def _nodules(body: _Body, nodules: Nodules, findings: PhantomFindings) -> Plane:
    """Round opacities that keep apart from each other, the heart and a small effusion."""
    sign, random = _sign(nodules.side), body.random
    low, high = (-0.50, -0.12) if nodules.zone is Zone.UPPER else (0.14, 0.38)
    beside_heart = nodules.zone is Zone.LOWER and nodules.side is Side.LEFT
    inner = (0.80 if findings.enlarged_heart else 0.62) if beside_heart else 0.38
    first = random.uniform(low, high)
    heights = [first] if nodules.count == 1 else [low + random.uniform(0, 0.06), high - random.uniform(0, 0.06)]
    image = np.zeros(SHAPE, dtype=np.float32)
    for y in heights:
        x = sign * random.uniform(inner, 0.86) * float(_lateral(body.width, y))
        radius = random.uniform(0.042, 0.062)
        distance = np.hypot(body.x - x, body.y - y) / radius
        image += random.uniform(0.17, 0.24) * _edge(1 - distance, 0.12) * np.sqrt(np.clip(1.2 - distance**2, 0.2, 1))
    return image


def _catheter(body: _Body, side: Side) -> Plane:
    """A line from below the clavicle of `side` to the superior vena cava, which lies on the patient's right."""
    sign = _sign(side)
    wobble = body.random.uniform(-0.02, 0.02, 2)
    knots = np.array([[sign * 0.66, -0.46], [sign * 0.42, -0.56], [sign * 0.20, -0.54], [-0.05, -0.44], [-0.10, -0.05]])
    knots[:-1] += wobble
    along, fine = np.linspace(0, 1, len(knots)), np.linspace(0, 1, 700)
    weights = np.stack([np.interp(fine, along, knots[:, axis]) for axis in (0, 1)], axis=1)
    smooth = np.stack([np.convolve(np.pad(w, 60, mode="edge"), np.ones(121) / 121, "valid") for w in weights.T], axis=1)
    line = _drawn(body, np.column_stack([smooth, np.full(len(fine), 0.2)]))
    return 0.9 * _blurred(np.minimum(line, 0.3), 0.7)


def _exposed(image: Plane, air: Plane, random: np.random.Generator) -> Plane:
    """Blur, lung texture, noise, and a tone curve; clipped to 0..1."""
    texture = _blurred(random.standard_normal(SHAPE).astype(np.float32), 2.0)
    image = _blurred(image, random.uniform(0.5, 0.9)) + 0.05 * texture * air
    image = image + random.uniform(0.006, 0.014) * random.standard_normal(SHAPE)
    exposure, gamma = random.uniform(0.92, 1.04), random.uniform(0.9, 1.15)
    return np.asarray((np.clip(image * exposure / 1.02, 0, 1) ** gamma), dtype=np.float32)


def _blurred(image: Plane, sigma: float) -> Plane:
    """Gaussian blur, periodic at the border; sigma in pixels."""
    rows = np.exp(-2 * (np.pi * sigma * np.fft.fftfreq(image.shape[0])) ** 2)
    columns = np.exp(-2 * (np.pi * sigma * np.fft.rfftfreq(image.shape[1])) ** 2)
    spectrum = np.fft.rfft2(image) * rows[:, None] * columns[None, :]
    return np.fft.irfft2(spectrum, s=image.shape).astype(np.float32)
