"""The pixel source over files, decoded in children (port `domain.ports.PixelSource`)."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from appliance.domain.errors import InputRefused, UnreadableObject
from appliance.domain.identifiers import SOPInstanceUID
from appliance.domain.image import PlanarImage, SeriesImages
from appliance.domain.model_package import InputKind
from appliance.domain.study import Instance, Series
from appliance.gate.inspection import Inspected
from appliance.gate.limits import Limits
from appliance.gate.reasons import Reason, Refused
from appliance.study.children.duties import shared_array
from appliance.study.children.pool import Children
from appliance.study.objects import DEFAULT_LIMITS, MIB, ReadLimits
from appliance.study.reader import refusing
from appliance.study.volume_cache import SeriesCache
from appliance.study.volumes import ParsedHeader, PlannedSlice, Survey, assemble, plan_volume

_PIECES_PER_CHILD = 4
"""Slices are handed out in more pieces than there are children, so that no child is waited for long."""


class ChildPixelSource:
    """Images of series whose objects lie in files; decoded series are shared by the models that read them."""

    def __init__(
        self,
        paths: Mapping[SOPInstanceUID, Path],
        children: Children,
        *,
        limits: ReadLimits = DEFAULT_LIMITS,
        cache: SeriesCache | None = None,
    ) -> None:
        self._paths = paths
        self._children = children
        self._limits = limits
        self._cache = cache if cache is not None else SeriesCache(1024 * MIB)

    def read(self, series: Series, kind: InputKind) -> SeriesImages:
        """Decode `series`, as a volume or as planar images; the arrays are read-only.

        Raises a subclass of InputRefused.
        """
        read = self._volume if kind is InputKind.VOLUME else self._planar
        return self._cache.get((series.sop_instance_uids, kind), lambda: read(series))

    def _planar(self, series: Series) -> SeriesImages:
        images: SeriesImages = self._children.call("planar", series, self._paths_of(series), self._limits)
        return images

    def _volume(self, series: Series) -> SeriesImages:
        survey = self._survey(series)
        shape = survey.shape
        count = int(np.prod(shape))
        with ExitStack() as stack:
            voxels = stack.enter_context(_shared(4 * count))
            mask = stack.enter_context(_shared(count)) if survey.is_padded else None
            descriptors = {"voxels": voxels} | ({"mask": mask} if mask is not None else {})
            self._children.each(
                partial(self._fill, series, piece, shape, descriptors) for piece in self._pieces(survey.ordered)
            )
            padding = None if mask is None else shared_array(mask, shape, np.dtype(np.bool_), writable=False)
            values = shared_array(voxels, shape, np.dtype(np.float32), writable=False)
        return assemble(survey, values, padding)

    def _survey(self, series: Series) -> Survey:
        """The headers come from all children at once, the geometry is ours."""
        bare, paths = _bare(series), self._paths_of(series)
        uids = series.sop_instance_uids
        size = max(1, -(-len(uids) // self._children.count))
        pieces = [uids[start : start + size] for start in range(0, len(uids), size)]

        def parse(piece: Sequence[SOPInstanceUID]) -> list[ParsedHeader]:
            wanted = {uid: paths[uid] for uid in piece}
            found: list[ParsedHeader] = self._children.call("headers", bare, piece, wanted, self._limits)
            return found

        def same_image(first: PlannedSlice, second: PlannedSlice) -> bool:
            wanted = {uid: paths[uid] for uid in (first.uid, second.uid)}
            return bool(self._children.call("same_image", bare, (first, second), wanted, self._limits))

        parsed = self._children.each(partial(parse, piece) for piece in pieces)
        with refusing(series):
            return plan_volume(
                series,
                [each for piece in parsed for each in piece],
                same_image=same_image,
                full_header=lambda uid: header_in(self._children, paths[uid], self._limits),
                limits=self._limits,
            )

    def _fill(
        self,
        series: Series,
        piece: Sequence[tuple[int, PlannedSlice]],
        shape: tuple[int, int, int],
        descriptors: Mapping[str, int],
    ) -> None:
        paths = {item.uid: self._paths[item.uid] for _, item in piece}
        self._children.call("slices", _bare(series), piece, paths, self._limits, shape, descriptors=descriptors)

    def _pieces(self, ordered: Sequence[PlannedSlice]) -> Iterator[list[tuple[int, PlannedSlice]]]:
        """Slices of one object stay together: it is parsed once."""
        numbered = list(enumerate(ordered))
        size = max(1, -(-len(numbered) // (_PIECES_PER_CHILD * self._children.count)))
        start = 0
        while start < len(numbered):
            end = min(start + size, len(numbered))
            while end < len(numbered) and numbered[end][1].uid == numbered[end - 1][1].uid and end - start < 8 * size:
                end += 1
            yield numbered[start:end]
            start = end

    def _paths_of(self, series: Series) -> dict[SOPInstanceUID, Path]:
        for uid in series.sop_instance_uids:
            if uid not in self._paths:
                raise UnreadableObject("the object is not here", where=uid)
        return {uid: self._paths[uid] for uid in series.sop_instance_uids}


def _bare(series: Series) -> Series:
    """The name of a series, for refusals; its instances need not travel."""
    return Series(series_instance_uid=series.series_instance_uid, modality="", instances=(), attributes={})


def read_instance_in(children: Children, path: Path, limits: ReadLimits, *, released: bool = False) -> Instance:
    """The header of one object, past the gate, read in a child; see `reader.read_instance`. Raises InputRefused."""
    found: Instance = children.call("instance", path, limits, released)
    return found


def inspect_in(children: Children, path: Path, limits: Limits) -> Inspected:
    """What the gate says of one object, looked at in a child. Raises Refused."""
    try:
        found: Inspected | Refused = children.call("look", path, limits)
    except InputRefused as ended:
        raise Refused(Reason.DEFECT, f"looking at it ended with {ended.code}") from ended
    if isinstance(found, Refused):
        raise found
    return found


def frame_in(children: Children, path: Path, series: Series, index: int, limits: ReadLimits) -> tuple[PlanarImage, Any]:
    """One frame (`index` from 0) of the only instance of `series`, decoded in a child, and its header.

    Raises InputRefused.
    """
    found: tuple[PlanarImage, Any] = children.call("frame", series, path, index, limits)
    return found


def tracking_in(children: Children, path: Path, limits: ReadLimits) -> tuple[str, ...]:
    """The tracking UIDs that a SEG or SR carries, read in a child. Raises InputRefused."""
    found: tuple[str, ...] = children.call("tracking", path, limits)
    return found


def header_in(children: Children, path: Path, limits: ReadLimits) -> Any:
    """What results need of one header, read in a child. Raises InputRefused."""
    return children.call("header", path, limits)


@contextmanager
def _shared(size: int) -> Iterator[int]:
    """The descriptor of an anonymous file of that size."""
    descriptor = os.memfd_create("appliance-volume")
    try:
        os.ftruncate(descriptor, size)
        yield descriptor
    finally:
        os.close(descriptor)
