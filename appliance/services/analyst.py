"""One attempt at a workitem: claim, work, and end it one way or another."""

import contextlib
import threading
import traceback
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from appliance.delivery.backoff import Backoff
from appliance.domain.errors import ApplianceError, LeaseLost, LedgerUnavailable, MemoryShort, TransientError
from appliance.domain.identifiers import WorkitemUID
from appliance.domain.workitem import Workitem
from appliance.logs import get_logger
from appliance.services.dispatcher import Dispatcher
from appliance.services.heartbeat import Heartbeat
from appliance.services.insisting import insist
from appliance.services.laboratory import Produced
from appliance.store.claims import Claim, Claims, Completion
from appliance.store.results import OutgoingResult, ResultFiles

INTERNAL_ERROR = "internal-error"
ORDERLY_STOP = "worker-stopped"

RETRY = Backoff(first=timedelta(seconds=2), longest=timedelta(minutes=5))
"""The waits after attempts that failed for the moment."""

_log = get_logger(__name__)


class Analyst:
    """Runs workitems. Safe to be asked twice, at the same time too: only one attempt holds a workitem."""

    def __init__(
        self,
        *,
        claims: Claims,
        produce: Callable[[Workitem], Produced],
        files: ResultFiles,
        dispatcher: Dispatcher,
        time_limit_s: float = 1800.0,
        retry: Backoff = RETRY,
        stuck: Callable[[], None] = lambda: None,
    ) -> None:
        """`stuck` is called when work does not end although its time is over; it may end the process."""
        self._claims = claims
        self._produce = produce
        self._files = files
        self._dispatcher = dispatcher
        self._time_limit_s = time_limit_s
        self._retry = retry
        self._stuck = stuck
        self._held: dict[WorkitemUID, Claim] = {}
        self._lock = threading.Lock()
        self._stopping = False

    def run(self, uid: WorkitemUID, worker: str) -> bool:
        """Attempt a workitem; False if there was nothing to do (closed, held by another, waiting, or worn out).

        No error of the work leaves this method: it ends up in the ledger, with its reason.
        """
        claim = None if self._stopping else self._claims.claim(uid, worker)
        if claim is None:
            return False
        with self._lock:
            self._held[uid] = claim
        try:
            self._attempt(claim)
        except LeaseLost:
            _log.warning("lease lost", workitem=uid, attempt=claim.attempt)
        except LedgerUnavailable as error:
            _log.error("the end of an attempt could not be written down", workitem=uid, code=error.code)
        finally:
            with self._lock:
                self._held.pop(uid, None)
        with contextlib.suppress(LedgerUnavailable):
            self._dispatcher.workitems(claim.workitem.study_instance_uid)
        return True

    def hand_back(self) -> int:
        """Take no more work and release what is held, for another worker to begin anew; how many workitems.

        What their threads still do is refused by the ledger.
        """
        self._stopping = True
        with self._lock:
            held = tuple(self._held.values())
        for claim in held:
            try:
                self._claims.release(claim, ORDERLY_STOP, counted=False)
            except (LeaseLost, LedgerUnavailable):
                continue
        return len(held)

    def _attempt(self, claim: Claim) -> None:
        try:
            with Heartbeat(self._claims, claim, limit_s=self._time_limit_s, stuck=self._stuck) as heartbeat:
                produced = self._produce(claim.workitem)
                heartbeat.check()
                self._complete(claim, produced, heartbeat)
        except LeaseLost:
            raise
        except TransientError as error:
            self._release(claim, error)
        except MemoryError:
            self._release(claim, MemoryShort())
        except ApplianceError as error:
            code, what = error.code, error.what
            _log.info("refused", workitem=claim.workitem.uid, code=code)
            insist(lambda: self._claims.cancel(claim, code, what))
        except Exception as error:  # noqa: BLE001 - whatever it is, the workitem must not stay open without a reason
            kind, place = type(error).__name__, _place(error)
            # the message is left out: a library may have put a value of the header into it
            _log.error("internal error", workitem=claim.workitem.uid, error=kind, place=place)
            insist(lambda: self._claims.cancel(claim, INTERNAL_ERROR, f"{kind} in {place}"))

    def _complete(self, claim: Claim, produced: Produced, heartbeat: Heartbeat) -> None:
        outgoing = tuple(
            OutgoingResult(
                result=item.result,
                file=self._files.write(item.result.content),
                destinations=item.destinations,
                for_node=item.for_node,
            )
            for item in produced.results
        )
        completion = Completion(
            findings=produced.analysis.findings,
            results=outgoing,
            stopped=produced.analysis.stopped,
            seconds=produced.analysis.seconds,
        )
        insist(lambda: self._claims.complete(claim, completion), while_true=heartbeat.check)
        _log.info("completed", workitem=claim.workitem.uid, package=claim.workitem.package, results=len(outgoing))
        if outgoing:
            self._dispatcher.deliveries()

    def _release(self, claim: Claim, error: TransientError) -> None:
        again_in = self._retry.wait(claim.attempt, claim.workitem.uid)
        _log.warning("released", workitem=claim.workitem.uid, code=error.code, again_in_s=again_in.total_seconds())
        insist(lambda: self._claims.release(claim, error.code, error.what, again_in=again_in))


def _place(error: BaseException) -> str:
    """Where an error came from: the innermost two places, without any value."""
    frames = traceback.extract_tb(error.__traceback__)[-2:]
    return " < ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in reversed(frames))
