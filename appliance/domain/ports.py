"""What the pipeline asks of the world; each port has a contract suite that every implementation passes."""

from collections.abc import Mapping
from typing import Protocol

from appliance.domain.image import Array, Prepared, SeriesImages
from appliance.domain.model_package import InputKind, ModelPackage, Stage
from appliance.domain.study import Series


class PixelSource(Protocol):
    """Decoded images of a series."""

    def read(self, series: Series, kind: InputKind) -> SeriesImages:
        """Decode `series` as a volume (one source) or as planar images (one source per frame that is read).

        Raises InputRefused (a subclass with the reason) or TransientError.
        """
        ...


class Runtime(Protocol):
    """Runs the networks of a package."""

    def run(self, package: ModelPackage, stage: Stage, prepared: Prepared) -> Mapping[str, Array]:
        """Outputs of one stage by name, as the stage's strategy defines them.

        Raises ModelPackageError, or MemoryShort when nothing can be unloaded to make room.
        """
        ...
