"""Write the golden cases of the pulled packages: drawn inputs, and what the networks answer here (developers only).

    python tools/convert/golden.py MODELS_FOLDER

Inputs are drawn with few grey levels, so that a case of 17 million elements is a few kilobytes; large outputs are
stored thinned. The layout of the file is that of appliance/inference/golden.py.
"""

import hashlib
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import onnxruntime

Array = np.ndarray
CASE = Path("golden/drawn.npz")


def ellipsoid(shape: tuple[int, ...], centre: tuple[float, ...], radius: tuple[float, ...]) -> Array:
    """Mask of an ellipse or ellipsoid; centre and radii in fractions of the shape."""
    axes = np.meshgrid(*[(np.arange(n) + 0.5) / n for n in shape], indexing="ij", sparse=True)
    return sum(((a - c) / r) ** 2 for a, c, r in zip(axes, centre, radius, strict=True)) <= 1.0


def head(size: int) -> Array:
    """Scalp, skull, brain and ventricles, normalised as deepbet's input is."""
    volume = np.zeros((size,) * 3)
    for radius, value in ((0.42, 0.6), (0.39, 0.1), (0.35, 0.55), (0.28, 0.8), (0.08, 0.2)):
        volume[ellipsoid(volume.shape, (0.5, 0.52, 0.55), (radius * 0.85, radius, radius * 0.9))] = value
    return (0.226 * (volume - volume.mean()) / volume.std(ddof=1) + 0.449)[None, None].astype(np.float32)


def abdomen() -> Array:
    """Body, spine, lungs and a liver, scaled as the liver network's input is."""
    volume = np.zeros((189, 162, 162))
    for centre, radius, value in (
        ((0.5, 0.5, 0.5), (0.45, 0.38, 0.60), 0.06),
        ((0.5, 0.22, 0.5), (0.05, 0.07, 0.60), 0.5),
        ((0.32, 0.5, 0.85), (0.16, 0.25, 0.25), -0.5),
        ((0.68, 0.5, 0.85), (0.16, 0.25, 0.25), -0.5),
        ((0.66, 0.55, 0.5), (0.20, 0.25, 0.18), 0.15),
    ):
        volume[ellipsoid(volume.shape, centre, radius)] = value
    return volume[None, None].astype(np.float32)


def chest() -> Array:
    """Two dark lungs in a bright thorax, three channels of 256 x 256 in 0..1."""
    image = np.full((256, 256), 0.1)
    for centre, radius, value in (
        ((0.5, 0.5), (0.60, 0.45), 0.8),
        ((0.45, 0.3), (0.32, 0.15), 0.25),
        ((0.45, 0.7), (0.32, 0.15), 0.25),
        ((0.6, 0.57), (0.15, 0.12), 0.85),
    ):
        image[ellipsoid(image.shape, centre, radius)] = value
    return np.stack([image] * 3)[None].astype(np.float32)


def slices() -> Array:
    """Two coronal-like slices, the second with ghosts, ImageNet normalisation."""
    image = np.zeros((2, 224, 224))
    for radius, value in ((0.45, 0.7), (0.40, 0.2), (0.36, 0.5), (0.25, 0.8), (0.06, 0.1)):
        image[:, ellipsoid((224, 224), (0.5, 0.5), (radius, radius * 0.85))] = value
    image[1] = (3 * image[1] + np.roll(image[1], 20, 0) + np.roll(image[1], -20, 0)) / 5
    mean, std = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    return ((np.stack([image] * 3, 1) - mean[:, None, None]) / std[:, None, None]).astype(np.float32)


def text(height: int, width: int, origin: tuple[int, int], scale: float) -> Array:
    """White letters on black, three channels in -1..1."""
    image = np.zeros((height, width), np.uint8)
    cv2.putText(image, "DOE JANE 1970", origin, cv2.FONT_HERSHEY_SIMPLEX, scale, 255, 2)
    return np.stack([image / 127.5 - 1] * 3)[None].astype(np.float32)


def embedding() -> Array:
    """A coarse image embedding for the decoder alone."""
    coarse = np.random.default_rng(1).integers(-8, 9, (1, 256, 4, 4)) / 16
    return np.kron(coarse, np.ones((1, 1, 16, 16))).astype(np.float32)


def features() -> Array:
    """Mean, spread, minimum and maximum of CT-like and MR-like volumes."""
    rows = (
        (-400, 500, -1024, 3071),
        (-800, 700, -3024, 2000),
        (30, 60, -10, 255),
        (120, 200, 0, 1500),
        (300, 400, 0, 4095),
    )
    return np.array(rows, np.float32)


Case = tuple[str, Callable[[], dict[str, Array]], int]  # key of the manifest's [files], its feeds, thinning

CASES: dict[str, dict[str, Case]] = {
    "ct-liver": {"liver": ("model", lambda: {"x": abdomen()}, 8)},
    "mr-brain": {
        "bbox": ("bbox", lambda: {"x": head(128)}, 8),
        "brain": ("brain", lambda: {"x": head(256)}, 16),
    },
    "cxr-lungs": {
        "encoder": ("encoder", lambda: {"image": chest()}, 8),
        "decoder": ("decoder", lambda: {"emb": embedding(), "box": np.array([[20, 20, 123, 218]], np.float32)}, 4),
    },
    "burnt-in-text": {
        "detection": ("detection", lambda: {"x": text(128, 256, (8, 70), 0.9)}, 4),
        "recognition": ("recognition", lambda: {"x": text(48, 320, (10, 34), 1.1)}, 37),
    },
    "ct-or-mr": {"modality": ("model", lambda: {"features": features()}, 1)},
    "mr-motion": {"motion": ("model", lambda: {"image": slices()}, 1)},
}


def main(models: Path) -> None:
    """Write the case of every package and print its sha256."""
    for package, networks in CASES.items():
        folder = models / package / "1.0.0"
        arrays: dict[str, Array] = {}
        for stem, (key, feeds, thinning) in networks.items():
            arrays |= run(folder / "weights" / f"{stem}.onnx", key, feeds(), thinning)
        (folder / CASE).parent.mkdir(exist_ok=True)
        np.savez_compressed(folder / CASE, **arrays)
        content = (folder / CASE).read_bytes()
        sys.stdout.write(f"{hashlib.sha256(content).hexdigest()}  {package}  {len(content)} bytes\n")


def run(file: Path, key: str, feeds: dict[str, Array], thinning: int) -> dict[str, Array]:
    """The arrays of one network."""
    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    arrays = {f"{key}/in/{name}": value for name, value in feeds.items()}
    for name, value in zip(names, session.run(names, feeds), strict=True):
        sys.stdout.write(f"  {file.name} {name} {value.shape} {value.min():.4g} .. {value.max():.4g}\n")
        if thinning == 1 or value.ndim < 3:
            arrays[f"{key}/out/{name}"] = value
        else:
            steps = (slice(None), slice(None), *[slice(None, None, thinning)] * (value.ndim - 2))
            arrays[f"{key}/out/{name}/{thinning}"] = value[steps]
    return arrays


if __name__ == "__main__":
    main(Path(sys.argv[1]))
