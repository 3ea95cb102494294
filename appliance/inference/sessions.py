"""Loaded networks that stay resident, are shared by threads, and together keep within a memory budget."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from appliance.domain.errors import MemoryShort
from appliance.inference.strategy import Network


@dataclass(slots=True, eq=False)
class _Resident:
    """A network, or the place that is kept for it while it loads."""

    mib: int
    users: int = 0
    network: Network | None = None
    loading: threading.Lock = field(default_factory=threading.Lock)


class Sessions:
    """A cache of networks with a budget in MiB; what was used longest ago and is idle goes first."""

    def __init__(self, budget_mib: int) -> None:
        self._budget_mib = budget_mib
        self._residents: OrderedDict[Hashable, _Resident] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def resident_mib(self) -> int:
        """Memory that loaded and loading networks are counted with."""
        with self._lock:
            return sum(resident.mib for resident in self._residents.values())

    @contextmanager
    def lease(self, key: Hashable, mib: int, load: Callable[[], Network]) -> Iterator[Network]:
        """The network of `key`, loaded with `load` if it is not there; it stays at least until the block ends.

        Threads that ask for the same key while it loads wait for that one load; other keys do not wait.
        Raises MemoryShort when `mib` do not fit beside the networks in use, and whatever `load` raises.
        """
        resident = self._enter(key, mib)
        try:
            with resident.loading:
                if resident.network is None:
                    resident.network = load()
            yield resident.network
        finally:
            self._leave(key, resident)

    def _enter(self, key: Hashable, mib: int) -> _Resident:
        with self._lock:
            resident = self._residents.get(key)
            if resident is None:
                self._make_room(mib)
                resident = self._residents[key] = _Resident(mib)
            resident.users += 1
            self._residents.move_to_end(key)
            return resident

    def _leave(self, key: Hashable, resident: _Resident) -> None:
        with self._lock:
            resident.users -= 1
            if resident.network is None and resident.users == 0:
                del self._residents[key]

    def _make_room(self, mib: int) -> None:
        used = sum(resident.mib for resident in self._residents.values())
        idle = [(key, resident) for key, resident in self._residents.items() if resident.users == 0]
        if mib + used - sum(resident.mib for _, resident in idle) > self._budget_mib:
            raise MemoryShort(f"{mib} MiB do not fit into {self._budget_mib} MiB beside the models in use")
        for key, resident in idle:
            if used + mib <= self._budget_mib:
                return
            used -= resident.mib
            del self._residents[key]
