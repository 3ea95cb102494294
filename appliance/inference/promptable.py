"""An image encoder once, then a mask decoder for each of several fixed boxes (Kirillov et al., "Segment Anything")."""

from collections.abc import Mapping

import numpy as np

from appliance.domain.errors import ManifestInvalid, RuntimeMismatch
from appliance.domain.image import Array, GridImage, Prepared
from appliance.domain.model_package import Option
from appliance.inference.strategy import Network, Networks, Strategy, as_numbers, only_input


def run(networks: Networks, prepared: Prepared, options: Mapping[str, Option]) -> Mapping[str, Array]:
    """Embed the image, then decode one mask per box.

    Options: `boxes`, a list of (left, top, right, bottom) as shares of the source image's width and height.
    The decoder takes the encoder's outputs by name and one input more, the box [1, 4] as (x0, y0, x1, y1) in elements
    of the prepared grid, whose top-left corner is (0, 0). Each output of the decoder becomes [box, row, column].
    Raises RuntimeMismatch when encoder and decoder do not fit one another or the grid.
    """
    image = prepared.image
    encoder, decoder = networks["encoder"], networks["decoder"]
    values = np.ascontiguousarray(image.values, dtype=np.float32)[np.newaxis]
    embedding = encoder.run({only_input(encoder).name: values})
    box_input = _box_input(decoder, embedding)
    known = {spec.name for spec in decoder.inputs}
    shared = {name: value for name, value in embedding.items() if name in known}
    answers = [decoder.run({**shared, box_input: _on_grid(box, image)}) for box in _boxes(options)]
    return {spec.name: _stacked(spec.name, answers, image.spatial_shape) for spec in decoder.outputs}


def _boxes(options: Mapping[str, Option]) -> list[tuple[float, ...]]:
    given = options.get("boxes")
    if not isinstance(given, tuple) or not given:
        raise ManifestInvalid("`boxes` must list at least one box", where="stages.options")
    boxes = [as_numbers(box, "boxes", 4) for box in given]
    for left, top, right, bottom in boxes:
        if not (0 <= left < right <= 1 and 0 <= top < bottom <= 1):
            raise ManifestInvalid("a box is left < right, top < bottom, all in 0..1", where="stages.options")
    return boxes


def _box_input(decoder: Network, embedding: Mapping[str, Array]) -> str:
    names = [spec.name for spec in decoder.inputs if spec.name not in embedding]
    if len(names) != 1 or len(names) == len(decoder.inputs):
        raise RuntimeMismatch("the decoder does not take the encoder's outputs and one box")
    return names[0]


def _on_grid(box: tuple[float, ...], image: GridImage) -> Array:
    """The box in the grid's corner coordinates (element centres lie at half-integers), [1, 4]."""
    if len(image.spatial_shape) != 2:
        raise ManifestInvalid("promptable needs a planar image", where="stages.strategy")
    rows, columns = image.source_shape
    edges = np.array([[box[1] * rows, box[3] * rows], [box[0] * columns, box[2] * columns]])
    indices = np.vstack([edges - 0.5, np.ones(2)])
    placed = np.linalg.inv(image.to_source) @ indices + 0.5
    (top, bottom), (left, right) = np.sort(placed[0]), np.sort(placed[1])
    return np.array([[left, top, right, bottom]], dtype=np.float32)


def _stacked(name: str, answers: list[dict[str, Array]], grid: tuple[int, ...]) -> Array:
    planes = [answer[name].reshape(-1, *answer[name].shape[-2:]) for answer in answers if answer[name].ndim >= 2]
    if len(planes) != len(answers) or any(plane.shape != (1, *grid) for plane in planes):
        raise RuntimeMismatch(f"output {name!r} is not one mask on the grid {grid} per box")
    return np.concatenate(planes)


STRATEGY = Strategy(name="promptable", roles=("encoder", "decoder"), options=frozenset({"boxes"}), run=run)
