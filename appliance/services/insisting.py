"""Writing down what took long to find out, although the ledger is away for a while."""

import time
from collections.abc import Callable

from appliance.domain.errors import LedgerUnavailable

_PAUSE_S = 1.0
_LONGEST_S = 300.0


def insist(write: Callable[[], None], *, while_true: Callable[[], None] = lambda: None) -> None:
    """Try `write` again while the ledger does not answer: minutes of work are not thrown away for seconds of absence.

    `while_true` raises when it makes no sense any more. Raises LedgerUnavailable after five minutes.
    """
    until = time.monotonic() + _LONGEST_S
    while True:
        try:
            write()
        except LedgerUnavailable:
            while_true()
            if time.monotonic() > until:
                raise
            time.sleep(_PAUSE_S)
        else:
            return
