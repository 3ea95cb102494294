"""Short ways from datasets or files to what the reader makes of them."""

from collections.abc import Iterable
from pathlib import Path

from pydicom import Dataset

from appliance.domain.image import PlanarImage, SeriesImages, Volume
from appliance.domain.model_package import InputKind
from appliance.domain.study import Series
from appliance.study.files import FoundObjects
from appliance.study.headers import instance_of, series_of
from appliance.study.reader import FilePixelSource
from tests.helpers.dicom_builder import save


def stored_series(items: Iterable[Dataset], folder: Path) -> tuple[Series, FilePixelSource]:
    """The objects written to `folder`: their series, and a pixel source over the files."""
    items = list(items)
    paths = save(items, folder)
    return series_of(instance_of(item) for item in items), FilePixelSource(paths)


def read_images(items: Iterable[Dataset], folder: Path, kind: InputKind) -> SeriesImages:
    """What the reader makes of one series."""
    series, source = stored_series(items, folder)
    return source.read(series, kind)


def read_as_volume(items: Iterable[Dataset], folder: Path) -> Volume:
    """The volume of one series."""
    (volume,) = read_images(items, folder, InputKind.VOLUME).sources
    assert isinstance(volume, Volume)
    return volume


def read_as_image(item: Dataset, folder: Path) -> PlanarImage:
    """The first frame of one object as a planar image."""
    image = read_images([item], folder, InputKind.IMAGE).sources[0]
    assert isinstance(image, PlanarImage)
    return image


def read_found(found: FoundObjects, kind: InputKind = InputKind.VOLUME) -> SeriesImages:
    """The images of the only series of `found`."""
    (study,) = found.studies()
    (series,) = study.series
    return FilePixelSource(found.paths).read(series, kind)
