"""Decoded series kept for the next model that reads the same one: bounded in bytes, each decoded once."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable

from appliance.domain.image import SeriesImages, source_values


class SeriesCache:
    """Least recently used series images; threads that ask for what is being decoded wait for that one result."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit = limit_bytes
        self._lock = threading.Lock()
        self._kept: OrderedDict[Hashable, tuple[SeriesImages, int]] = OrderedDict()
        self._decoding: dict[Hashable, threading.Lock] = {}

    def get(self, key: Hashable, decode: Callable[[], SeriesImages]) -> SeriesImages:
        """The images of `key`, decoded now if nobody did; what `decode` raises goes to the caller and is not kept."""
        with self._lock:
            own = self._decoding.setdefault(key, threading.Lock())
        with own:
            images = self._find(key)
            if images is None:
                try:
                    images = decode()
                    self._keep(key, images)
                finally:
                    with self._lock:
                        self._decoding.pop(key, None)
            return images

    def _find(self, key: Hashable) -> SeriesImages | None:
        with self._lock:
            if key not in self._kept:
                return None
            self._kept.move_to_end(key)
            self._decoding.pop(key, None)
            return self._kept[key][0]

    def _keep(self, key: Hashable, images: SeriesImages) -> None:
        size = _size(images)
        if size > self._limit:
            return
        with self._lock:
            self._kept[key] = (images, size)
            while sum(kept for _, kept in self._kept.values()) > self._limit:
                self._kept.popitem(last=False)


def _size(images: SeriesImages) -> int:
    pixels = sum(source_values(source).nbytes for source in images.sources)
    masks = sum(source.padding.nbytes for source in images.sources if source.padding is not None)
    return pixels + masks
