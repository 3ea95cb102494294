"""The pixel source over files: DICOM objects on disk to volumes and planar images (port `domain.ports.PixelSource`)."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from pydicom import Dataset

from appliance.domain.errors import InputRefused, UnreadableObject
from appliance.domain.identifiers import SOPInstanceUID
from appliance.domain.image import SeriesImages
from appliance.domain.model_package import InputKind
from appliance.domain.study import Instance, Series
from appliance.study.admission import admit
from appliance.study.headers import instance_of
from appliance.study.image_pixel import needs_transcoding
from appliance.study.objects import DEFAULT_LIMITS, MIB, ReadLimits, read_object, tolerant
from appliance.study.planar import read_planar
from appliance.study.volume_cache import SeriesCache
from appliance.study.volumes import OpenObject, read_volume


def read_series(
    series: Series, kind: InputKind, open_object: OpenObject, limits: ReadLimits = DEFAULT_LIMITS
) -> SeriesImages:
    """Decode `series` through `open_object`, as a volume or as planar images.

    The arrays are read-only: several models share them. Whatever is wrong with the content, what is raised is a
    subclass of InputRefused.
    """
    read = read_volume if kind is InputKind.VOLUME else read_planar
    with refusing(series):
        return read(series, open_object, limits)


@contextmanager
def refusing(series: Series) -> Iterator[None]:
    """Whatever is wrong with the content of `series`, what is raised is a subclass of InputRefused that names it."""
    try:
        with tolerant():
            yield
    except InputRefused as refusal:
        refusal.where = refusal.where or series.series_instance_uid
        raise
    except (ArithmeticError, AttributeError, LookupError, NotImplementedError, TypeError, ValueError) as error:
        what = f"the headers make no sense ({type(error).__name__})"
        raise UnreadableObject(what, where=series.series_instance_uid) from error


def read_instance(path: Path, limits: ReadLimits = DEFAULT_LIMITS, *, released: bool = False) -> Instance:
    """The header of one object that passes the gate, or that a person let past it. Raises InputRefused."""
    if not released:
        admit(path, limits.gate)
    return instance_of(read_object(path, pixels=False, limits=limits))


class FileObjects:
    """Objects by SOP Instance UID, read from files.

    `transcode` gives an object that no decoder here reads in a native syntax, such as `transcoding.dcmdjpeg`.
    """

    def __init__(
        self,
        paths: Mapping[SOPInstanceUID, Path],
        limits: ReadLimits = DEFAULT_LIMITS,
        transcode: Callable[[Path], bytes] | None = None,
    ) -> None:
        self._paths = paths
        self._limits = limits
        self._transcode = transcode

    def open(self, uid: SOPInstanceUID, pixels: bool) -> Dataset:
        """The object, with its pixel data or without. Raises InputRefused."""
        path = self._paths.get(uid)
        if path is None:
            raise UnreadableObject("the object is not here", where=uid)
        dataset = read_object(path, pixels=pixels, limits=self._limits)
        if self._transcode is not None and needs_transcoding(dataset):
            return read_object(self._transcode(path), pixels=pixels, limits=self._limits)
        return dataset


class FilePixelSource:
    """Images of series whose objects lie in files, decoded in this process; shared by the models that read them.

    The appliance itself decodes in children (`children.source`); this one is for tools and comparisons.
    """

    def __init__(
        self,
        paths: Mapping[SOPInstanceUID, Path],
        *,
        limits: ReadLimits = DEFAULT_LIMITS,
        cache: SeriesCache | None = None,
        transcode: Callable[[Path], bytes] | None = None,
    ) -> None:
        self._objects = FileObjects(paths, limits, transcode)
        self._limits = limits
        self._cache = cache if cache is not None else SeriesCache(1024 * MIB)

    def read(self, series: Series, kind: InputKind) -> SeriesImages:
        """Decode `series`; see `read_series`. An instance without a file is refused as UnreadableObject."""
        key = (series.sop_instance_uids, kind)
        return self._cache.get(key, lambda: read_series(series, kind, self._objects.open, self._limits))
