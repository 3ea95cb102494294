"""Networks that are functions, and grids to feed them."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from appliance.domain.image import Array, GridImage, Prepared
from appliance.inference.strategy import TensorSpec


class FakeNetwork:
    """One input `x`, outputs as `function` names them; remembers what it was fed."""

    def __init__(
        self,
        function: Callable[[Array], Mapping[str, Array]],
        shape: tuple[int | None, ...],
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        self.inputs: tuple[TensorSpec, ...] = (TensorSpec(name="x", shape=shape, dtype="tensor(float)"),)
        self.outputs: tuple[TensorSpec, ...] = ()
        self.metadata: Mapping[str, str] = metadata or {}
        self.fed: list[Array] = []
        self._function = function

    def run(self, feeds: Mapping[str, Array]) -> dict[str, Array]:
        (value,) = feeds.values()
        assert value.dtype == np.float32
        assert value.flags.c_contiguous
        self.fed.append(value.copy())
        return dict(self._function(value))


def prepared(values: Any) -> Prepared:
    """[channel, *spatial] as a prepared grid."""
    array = np.asarray(values, dtype=np.float32)
    return Prepared(image=GridImage(values=array, to_source=np.eye(array.ndim), source_shape=array.shape[1:]))
