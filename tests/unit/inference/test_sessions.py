"""Networks stay resident, are shared by threads, and together keep within the budget."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from appliance.domain.errors import MemoryShort, RuntimeMismatch
from appliance.inference.sessions import Sessions
from tests.unit.inference.fakes import FakeNetwork


def network() -> FakeNetwork:
    return FakeNetwork(lambda x: {"y": x}, (None, 1))


class Loader:
    """Counts how often it loads what."""

    def __init__(self) -> None:
        self.loaded: list[str] = []

    def __call__(self, name: str):
        def load() -> FakeNetwork:
            self.loaded.append(name)
            return network()

        return load


def use(sessions: Sessions, name: str, mib: int, loader: Loader) -> FakeNetwork:
    with sessions.lease(name, mib, loader(name)) as leased:
        return leased  # type: ignore[return-value]


def test_a_network_is_loaded_once_and_stays() -> None:
    sessions, loader = Sessions(100), Loader()
    first, second = use(sessions, "a", 40, loader), use(sessions, "a", 40, loader)
    assert first is second
    assert loader.loaded == ["a"]
    assert sessions.resident_mib == 40


def test_what_was_used_longest_ago_makes_room() -> None:
    sessions, loader = Sessions(100), Loader()
    for name in ("a", "b", "a", "c"):  # b is the oldest when c comes
        use(sessions, name, 40, loader)
    assert loader.loaded == ["a", "b", "c"]
    assert sessions.resident_mib == 80
    use(sessions, "a", 40, loader)
    assert loader.loaded == ["a", "b", "c"]
    use(sessions, "b", 40, loader)
    assert loader.loaded == ["a", "b", "c", "b"]


def test_no_more_is_unloaded_than_needed() -> None:
    sessions, loader = Sessions(100), Loader()
    for name in ("a", "b", "c"):
        use(sessions, name, 30, loader)
    use(sessions, "d", 40, loader)
    assert sessions.resident_mib == 100
    use(sessions, "c", 30, loader)
    assert loader.loaded == ["a", "b", "c", "d"]


def test_a_network_in_use_is_never_unloaded() -> None:
    sessions, loader = Sessions(100), Loader()
    with sessions.lease("a", 60, loader("a")):
        with pytest.raises(MemoryShort), sessions.lease("b", 60, loader("b")):
            pass
        assert loader.loaded == ["a"]
        assert sessions.resident_mib == 60
    use(sessions, "b", 60, loader)
    assert sessions.resident_mib == 60


def test_a_network_larger_than_the_budget_unloads_nothing_in_vain() -> None:
    sessions, loader = Sessions(100), Loader()
    use(sessions, "a", 60, loader)
    with pytest.raises(MemoryShort), sessions.lease("huge", 101, loader("huge")):
        pass
    assert sessions.resident_mib == 60


def test_a_load_that_fails_holds_nothing_and_may_be_tried_again() -> None:
    sessions, loader = Sessions(100), Loader()

    def fail() -> FakeNetwork:
        raise RuntimeMismatch("no")

    with pytest.raises(RuntimeMismatch), sessions.lease("a", 60, fail):
        pass
    assert sessions.resident_mib == 0
    use(sessions, "a", 60, loader)
    assert sessions.resident_mib == 60


def test_an_error_in_the_block_gives_the_lease_back() -> None:
    sessions, loader = Sessions(100), Loader()
    with pytest.raises(ValueError, match="inside"), sessions.lease("a", 60, loader("a")):
        raise ValueError("inside")
    use(sessions, "b", 60, loader)
    assert sessions.resident_mib == 60


def test_threads_wait_for_one_load_and_share_it() -> None:
    sessions = Sessions(100)
    everybody, loads = threading.Barrier(8, timeout=20), []

    def load() -> FakeNetwork:
        loads.append(threading.get_ident())
        threading.Event().wait(0.05)
        return network()

    def work() -> int:
        everybody.wait()
        with sessions.lease("a", 60, load) as leased:
            leased.run({"x": np.zeros((1, 1), dtype=np.float32)})
            return id(leased)

    with ThreadPoolExecutor(8) as pool:
        futures = [pool.submit(work) for _ in range(8)]
        assert len({future.result(timeout=30) for future in futures}) == 1
    assert len(loads) == 1
    assert sessions.resident_mib == 60


def test_another_key_does_not_wait_for_a_load() -> None:
    sessions, loader = Sessions(100), Loader()
    loading, go_on = threading.Event(), threading.Event()

    def slow() -> FakeNetwork:
        loading.set()
        assert go_on.wait(20)
        return network()

    def lease_slow() -> None:
        with sessions.lease("slow", 60, slow):
            pass

    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(lease_slow)
        assert loading.wait(20)
        use(sessions, "quick", 30, loader)  # returns although the other one is still loading
        with pytest.raises(MemoryShort), sessions.lease("more", 50, loader("more")):
            pass  # what is loading is counted
        go_on.set()
        waiting.result(timeout=20)
    assert sessions.resident_mib == 90
