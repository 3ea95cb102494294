"""The image once, then one mask per box; boxes are shares of the source wherever the grid lies."""

from typing import Any

import numpy as np
import pytest

from appliance.domain.errors import ManifestInvalid, RuntimeMismatch
from appliance.domain.image import GridImage, Prepared
from appliance.inference.promptable import run
from appliance.inference.strategy import TensorSpec
from tests.unit.inference.fakes import FakeNetwork, prepared


class BoxDecoder:
    """Fills the box it is given with the embedding's mean."""

    def __init__(self, size: tuple[int, int], inputs: tuple[str, ...] = ("embedding", "box")) -> None:
        self.inputs = tuple(TensorSpec(name=name, shape=(1, None), dtype="tensor(float)") for name in inputs)
        self.outputs = (TensorSpec(name="mask", shape=(1, 1, *size), dtype="tensor(float)"),)
        self.metadata: dict[str, str] = {}
        self.boxes: list[list[float]] = []
        self._size = size

    def run(self, feeds: Any) -> dict[str, np.ndarray]:
        assert set(feeds) == {"embedding", "box"}
        self.boxes.append(feeds["box"][0].tolist())
        x0, y0, x1, y1 = (round(value) for value in self.boxes[-1])
        mask = np.zeros((1, 1, *self._size), dtype=np.float32)
        mask[0, 0, y0:y1, x0:x1] = feeds["embedding"].mean()
        return {"mask": mask}


def encoder() -> FakeNetwork:
    return FakeNetwork(lambda x: {"embedding": x.mean(keepdims=True), "unused": x}, (1, 1, None, None))


def test_each_box_gives_one_mask_and_the_image_is_embedded_once() -> None:
    embed, decoder = encoder(), BoxDecoder((10, 20))
    boxes = ((0.0, 0.0, 0.5, 1.0), (0.5, 0.2, 1.0, 0.8))
    outputs = run({"encoder": embed, "decoder": decoder}, prepared(np.full((1, 10, 20), 3.0)), {"boxes": boxes})
    assert len(embed.fed) == 1
    assert outputs["mask"].shape == (2, 10, 20)
    assert np.all(outputs["mask"][0, :, :10] == 3)
    assert outputs["mask"][1].sum() == 3 * 6 * 10
    assert decoder.boxes == [pytest.approx([0, 0, 10, 10]), pytest.approx([10, 2, 20, 8])]


def test_boxes_are_shares_of_the_source_and_not_of_the_padded_grid() -> None:
    """40 x 80 source pixels shrunk by 4 into the top left of a square: the box keeps to the picture."""
    shrunk = np.array([[4.0, 0, 1.5], [0, 4.0, 1.5], [0, 0, 1]])
    image = GridImage(values=np.ones((1, 20, 20), np.float32), to_source=shrunk, source_shape=(40, 80))
    decoder = BoxDecoder((20, 20))
    run({"encoder": encoder(), "decoder": decoder}, Prepared(image=image), {"boxes": ((0.5, 0.0, 1.0, 1.0),)})
    assert decoder.boxes == [pytest.approx([10, 0, 20, 10])]


@pytest.mark.parametrize(
    "boxes", [None, (), ((0.5, 0.0, 0.5, 1.0),), ((0.0, 0.0, 1.2, 1.0),), ((0.0, 0.0, 1.0),), (("a", 0, 1, 1),), 5]
)
def test_boxes_without_meaning_are_refused(boxes) -> None:
    options = {} if boxes is None else {"boxes": boxes}
    with pytest.raises(ManifestInvalid):
        run({"encoder": encoder(), "decoder": BoxDecoder((4, 4))}, prepared(np.zeros((1, 4, 4))), options)


def test_a_decoder_that_does_not_fit_is_refused() -> None:
    boxes = {"boxes": ((0.0, 0.0, 1.0, 1.0),)}
    for inputs in (("embedding", "box", "points"), ("box",), ("embedding",)):
        with pytest.raises(RuntimeMismatch, match="one box"):
            run({"encoder": encoder(), "decoder": BoxDecoder((4, 4), inputs)}, prepared(np.zeros((1, 4, 4))), boxes)
    with pytest.raises(RuntimeMismatch, match="one mask"):
        run({"encoder": encoder(), "decoder": BoxDecoder((5, 4))}, prepared(np.zeros((1, 4, 4))), boxes)
    solid = FakeNetwork(lambda x: {"embedding": x}, (1, 1, None, None, None))
    with pytest.raises(ManifestInvalid, match="planar"):
        run({"encoder": solid, "decoder": BoxDecoder((4, 4))}, prepared(np.zeros((1, 2, 4, 4))), boxes)
