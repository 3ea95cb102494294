"""Decoded series are kept within a bound, and decoded once."""

import threading

import numpy as np
import pytest

from appliance.domain.errors import PixelsDamaged
from appliance.domain.identifiers import SOPInstanceUID
from appliance.domain.image import FrameReference, PlanarImage, SeriesImages
from appliance.study.volume_cache import SeriesCache


def images(size: int = 25) -> SeriesImages:
    reference = FrameReference(SOPInstanceUID("1.2"), "1.3")
    pixels = np.zeros((size, 1), np.float32)
    image = PlanarImage(pixels=pixels, frame=reference, photometric_interpretation="MONOCHROME2", modality="DX")
    return SeriesImages(sources=(image,), headers=())


def test_least_recently_used_goes_first() -> None:
    cache, decoded = SeriesCache(250), []

    def get(key: str, size: int = 25) -> SeriesImages:
        return cache.get(key, lambda: decoded.append(key) or images(size))

    first = get("a")
    get("b")
    assert get("a") is first
    get("c")
    assert get("a") is first
    get("b")
    assert decoded == ["a", "b", "c", "b"]


def test_what_is_larger_than_the_cache_is_not_kept() -> None:
    cache, decoded = SeriesCache(50), []
    for _ in range(2):
        cache.get("a", lambda: decoded.append("a") or images())
    assert decoded == ["a", "a"]


def test_threads_share_one_decoding() -> None:
    cache, decoded, barrier = SeriesCache(1000), [], threading.Barrier(6)

    def decode() -> SeriesImages:
        decoded.append(1)
        barrier_passed.wait(10)
        return images()

    barrier_passed, found = threading.Event(), []

    def read() -> None:
        barrier.wait(10)
        found.append(cache.get("a", decode))

    threads = [threading.Thread(target=read) for _ in range(5)]
    for thread in threads:
        thread.start()
    barrier.wait(10)
    barrier_passed.set()
    for thread in threads:
        thread.join()
    assert len(decoded) == 1
    assert len({id(item) for item in found}) == 1


def test_a_refusal_is_not_kept() -> None:
    cache = SeriesCache(1000)

    def refuse() -> SeriesImages:
        raise PixelsDamaged

    with pytest.raises(PixelsDamaged):
        cache.get("a", refuse)
    assert cache.get("a", images).sources
