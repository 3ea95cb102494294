"""Warm children: started when they are needed, asked in turn, replaced when they die."""

import contextlib
import os
import pickle
import queue
import signal
import socket
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from appliance.domain.errors import (
    DecodingCrashed,
    DecodingOutOfMemory,
    DecodingTooSlow,
    InputRefused,
    UnreadableObject,
)
from appliance.logs import get_logger
from appliance.study.children.messages import Closed, receive_shared, send

_MOST = 8
_START_S = 120.0
_log = get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildLimits:
    """What one child may use: address space, and processor and real time per request."""

    memory_bytes: int = 6 * 1024**3
    cpu_s: int = 300
    wall_s: float = 600.0


class Children:
    """At most `count` children (0: one per core, eight at most). Safe for threads."""

    def __init__(self, count: int = 0, limits: ChildLimits | None = None) -> None:
        self.count = count or max(1, min(_MOST, os.cpu_count() or 1))
        self._limits = limits or ChildLimits()
        self._free: queue.LifoQueue[_Child | None] = queue.LifoQueue()
        self._threads = ThreadPoolExecutor(self.count, thread_name_prefix="children")
        self._lock = threading.Lock()
        self._alive: set[_Child] = set()
        self._end_all = weakref.finalize(self, _end_all, self._alive, self._lock)
        for _ in range(self.count):
            self._free.put(None)

    def call(self, duty: str, *arguments: Any, descriptors: Mapping[str, int] | None = None) -> Any:
        """Have one child do `duty` (see `duties`); waits while all are busy.

        A child may die of somebody else's memory or of what it did before, so a request that ends with its child is
        tried once more in a new one. Raises InputRefused; DecodingCrashed, DecodingOutOfMemory or DecodingTooSlow where
        the second child dies too.
        """
        try:
            return self._call(duty, arguments, descriptors or {}, fresh=False)
        except (DecodingCrashed, DecodingOutOfMemory) as first:
            _log.warning("a child died", duty=duty, code=first.code)
            return self._call(duty, arguments, descriptors or {}, fresh=True)

    def each(self, calls: Iterable[Callable[[], Any]]) -> list[Any]:
        """Make these calls at the same time; their results in order. Raises what the first that failed raised."""
        return list(self._threads.map(lambda call: call(), calls))

    def close(self) -> None:
        """End every child."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._end_all()

    def _call(self, duty: str, arguments: Sequence[Any], descriptors: Mapping[str, int], *, fresh: bool) -> Any:
        child = self._free.get()
        if fresh and child is not None:
            self._end(child)
            child = None
        try:
            child = child or self._start()
            return child.ask(duty, arguments, descriptors)
        except _Ended as ended:
            if child is not None:
                self._end(child)
            child = None
            raise ended.error from None
        finally:
            self._free.put(child)

    def _start(self) -> "_Child":
        """Raises _Ended."""
        child = _Child(self._limits)
        with self._lock:
            self._alive.add(child)
        try:
            child.wait_ready()
        except _Ended:
            self._end(child)
            raise
        return child

    def _end(self, child: "_Child") -> None:
        child.end()
        with self._lock:
            self._alive.discard(child)


def _end_all(alive: "set[_Child]", lock: threading.Lock) -> None:
    """End the children of a pool that is closed, forgotten, or left behind at the end of the program."""
    with lock:
        children = tuple(alive)
        alive.clear()
    for child in children:
        child.end()


class _Ended(Exception):
    """The child is of no further use; `error` is what its request ends with."""

    def __init__(self, error: InputRefused) -> None:
        super().__init__(error.code)
        self.error = error


class _Child:
    def __init__(self, limits: ChildLimits) -> None:
        self._connection, theirs = socket.socketpair()
        arguments = [str(theirs.fileno()), str(limits.memory_bytes), str(limits.cpu_s)]
        # one thread each: the children are the parallelism, and every thread's arena counts against the memory limit
        environment = os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "2"}
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "appliance.study.children.child", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
            env=environment,
        )
        theirs.close()
        self._wall_s = limits.wall_s

    def wait_ready(self) -> None:
        """Raises _Ended."""
        self._connection.settimeout(_START_S)
        self._answer()
        self._connection.settimeout(self._wall_s)

    def ask(self, duty: str, arguments: Sequence[Any], descriptors: Mapping[str, int]) -> Any:
        """Raises InputRefused, _Ended."""
        try:
            send(self._connection, (duty, arguments, tuple(descriptors)), tuple(descriptors.values()))
        except Closed:
            raise _Ended(self._cause_of_death()) from None
        return self._answer()

    def _answer(self) -> Any:
        try:
            outcome, content = receive_shared(self._connection)
        except TimeoutError:
            raise _Ended(DecodingTooSlow("no end within the time limit")) from None
        except (Closed, pickle.UnpicklingError):
            raise _Ended(self._cause_of_death()) from None
        if outcome == "memory":
            raise _Ended(DecodingOutOfMemory())
        if outcome == "refused":
            kind, what, where = content
            raise (kind if issubclass(kind, InputRefused) else UnreadableObject)(what, where=where)
        return content

    def end(self) -> None:
        self._connection.close()
        self._process.kill()
        self._process.wait()

    def _cause_of_death(self) -> InputRefused:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=5)
        status = self._process.returncode
        if status == -signal.SIGXCPU:
            return DecodingTooSlow("more processor time than allowed")
        name = signal.Signals(-status).name if status is not None and status < 0 else f"status {status}"
        return DecodingCrashed(f"the decoding process ended with {name}")
