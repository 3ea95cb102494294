"""A worker that has lost the queue and does not notice: seen once after Redis was killed twice within two seconds.

The planning worker gets a message from the scheduler every half second. When it is idle and got none for much longer,
its consumer hangs; the process ends, and the supervisor starts it anew. Without a scheduler or Redis that happens again
and again, and loses nothing: there is nothing to plan by.
"""

import threading
import time
from collections.abc import Callable

SILENCE_S = 45.0
_EVERY_S = 5.0


class Watchdog:
    """Counts what runs; calls `end` when nothing runs and nothing has begun for `silence_s`."""

    def __init__(
        self,
        end: Callable[[], None],
        *,
        silence_s: float = SILENCE_S,
        every_s: float = _EVERY_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._end = end
        self._silence_s = silence_s
        self._every_s = every_s
        self._clock = clock
        self._lock = threading.Lock()
        self._running = 0
        self._last = clock()

    def start(self) -> None:
        """Look from a thread of its own, from now on."""
        self._last = self._clock()
        threading.Thread(target=self._run, name="watchdog", daemon=True).start()

    def began(self) -> None:
        """A message is being worked on."""
        with self._lock:
            self._running += 1
            self._last = self._clock()

    def ended(self) -> None:
        """Its work is over."""
        with self._lock:
            self._running -= 1
            self._last = self._clock()

    def is_lost(self) -> bool:
        """Whether the worker has been idle for longer than it can be."""
        with self._lock:
            return self._running <= 0 and self._clock() - self._last > self._silence_s

    def _run(self) -> None:
        while not self.is_lost():
            time.sleep(self._every_s)
        self._end()
