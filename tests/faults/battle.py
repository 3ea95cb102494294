"""One run: send studies while services are killed, wait for the end of each, and judge."""

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from sqlalchemy.exc import DBAPIError

from appliance.bootstrap import Appliance
from appliance.domain.errors import DestinationUnavailable, LedgerUnavailable, UnknownStudy
from appliance.node.sender import send
from appliance.settings import Settings
from tests.faults.fire import Fire
from tests.faults.node import node_under_fire
from tests.faults.studies import SentStudy, make_studies
from tests.faults.verdict import Pacs, Verdict, judge, unsettled
from tests.helpers.postgres import PostgresServer, cluster

_SENDERS = 2
_AGAIN_S = 1.0
_PATIENCE_S = 240.0
"""Without any progress; after that the rest counts as stuck."""

Say = Callable[[str], None]


def fight(
    folder: Path, *, studies: int, seed: int, every_s: float, pause_s: float, postgresql: bool, say: Say
) -> Verdict:
    """Send `studies` studies, one sender waiting `pause_s` between two, with a kill about every `every_s`."""
    made = list(make_studies(folder / "studies", studies, seed))
    with _database(postgresql) as database, node_under_fire(folder / "a home", database) as settings:
        fire = Fire(settings, database, seed=seed, every_s=every_s)
        started = time.monotonic()
        with contextlib.closing(Appliance(settings)) as node, contextlib.closing(Pacs(settings)) as pacs:
            with fire.burning():
                _send_all(settings, made, pause_s)
                say(f"{len(made)} studies sent in {time.monotonic() - started:.0f} s")
                _await_progress(node, made, len(made) // 2)
            say(f"killed: {', '.join(f'{name} {count}x' for name, count in sorted(fire.log.items()))}")
            stuck = _await_end(node, made, say)
            say(_begun_again(node, made))
            say(f"settled {time.monotonic() - started:.0f} s after the first study was sent")
            return judge(node, pacs, made, stuck)


@contextlib.contextmanager
def _database(wanted: bool) -> Iterator[PostgresServer | None]:
    if not wanted:
        yield None
        return
    with cluster() as server:
        yield server


def _send_all(settings: Settings, studies: Sequence[SentStudy], pause_s: float) -> None:
    def send_until_stored(study: SentStudy) -> None:
        """As a modality does: what was not confirmed is sent again, whole."""
        while True:
            try:
                if send(settings, [study.folder]) == len(study.sop_instance_uids):
                    break
            except DestinationUnavailable:
                pass
            time.sleep(_AGAIN_S)
        time.sleep(pause_s)

    with ThreadPoolExecutor(_SENDERS) as pool:
        list(pool.map(send_until_stored, studies))


def _begun_again(node: Appliance, studies: Sequence[SentStudy]) -> str:
    """How much work died with its worker and was taken up by another."""
    again = {True: 0, False: 0}
    for study in studies:
        with contextlib.suppress(UnknownStudy):
            work = node.studies.receipt(study.uid).workitems
            again[study.is_long] += sum(item.attempts > 1 for item in work)
    return f"begun more than once: {again[True]} analyses of long series, {again[False]} of small ones"


def _await_progress(node: Appliance, studies: Sequence[SentStudy], left: int) -> None:
    """Until no more than `left` studies are unsettled, or nothing moves; the ledger may be away meanwhile."""
    fewest, moved = len(studies), time.monotonic()
    while fewest > left and time.monotonic() - moved < _PATIENCE_S:
        time.sleep(1.0)
        with contextlib.suppress(DBAPIError, LedgerUnavailable):
            now = len(unsettled(node, studies))
            if now < fewest:
                fewest, moved = now, time.monotonic()


def _await_end(node: Appliance, studies: Sequence[SentStudy], say: Say) -> list[SentStudy]:
    """Wait while anything moves; what is left then is stuck."""
    left, moved = unsettled(node, studies), time.monotonic()
    while left and time.monotonic() - moved < _PATIENCE_S:
        time.sleep(1.0)
        now = unsettled(node, left)
        if len(now) < len(left):
            moved = time.monotonic()
        left = now
    if left:
        say(f"{len(left)} studies did not settle")
    return left
