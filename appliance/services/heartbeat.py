"""Keeps a claim alive while its work goes on, in a thread of its own."""

import contextlib
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from appliance.domain.errors import LeaseLost, LedgerUnavailable, TimeLimitExceeded
from appliance.logs import get_logger
from appliance.store.claims import Claim, Claims

_BEATS_PER_LEASE = 3

_log = get_logger(__name__)


class Heartbeat:
    """Renews the lease until the block ends, the lease is lost, or the work has taken longer than `limit_s`.

    Work cannot be stopped from outside within a thread. Work that exceeds its limit is handed back instead, another
    attempt takes over, and whatever the first one still says is refused. If its thread has not come to an end one
    lease later, `stuck` is called: it holds a place that nobody else can use.
    """

    def __init__(
        self, claims: Claims, claim: Claim, *, limit_s: float, stuck: Callable[[], None] = lambda: None
    ) -> None:
        self._claims = claims
        self._claim = claim
        self._interval_s = claims.lease.total_seconds() / _BEATS_PER_LEASE
        self._limit_s = limit_s
        self._until = time.monotonic() + limit_s
        self._stuck = stuck
        self._done = threading.Event()
        self._lost = threading.Event()
        self._thread = threading.Thread(target=self._beat, name=f"heartbeat-{claim.token}", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._done.set()
        self._thread.join()

    def check(self) -> None:
        """Raise LeaseLost if the claim is known to be lost, so that no more work is wasted on it."""
        if self._lost.is_set():
            raise LeaseLost(where=self._claim.workitem.uid)

    def _beat(self) -> None:
        while not self._done.wait(self._interval_s):
            if time.monotonic() > self._until:
                self._give_up()
                return
            try:
                self._claims.heartbeat(self._claim)
            except LeaseLost:
                self._lost.set()
                return
            except Exception as error:  # noqa: BLE001 - a ledger that is busy now may answer before the lease ends
                _log.warning("heartbeat failed", workitem=self._claim.workitem.uid, error=type(error).__name__)

    def _give_up(self) -> None:
        _log.error("time limit exceeded", workitem=self._claim.workitem.uid)
        self._lost.set()
        with contextlib.suppress(LeaseLost, LedgerUnavailable):
            self._claims.release(self._claim, TimeLimitExceeded.code, f"longer than {self._limit_s:g} s")
        if not self._done.wait(self._claims.lease.total_seconds()):
            self._stuck()
