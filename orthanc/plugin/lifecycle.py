"""Begins when Orthanc answers, ends with the interpreter.

Orthanc would say that it has started and that it stops, but only to who also wants to hear of every change: five calls
for each stored instance, which all compete for the interpreter with the senders.
"""

import atexit
import threading
import time

_PAUSE_S = 0.25  # before the first question too: one that comes too early is an error in the log


def when_started(orthanc, act):
    """Call `act` from a thread of its own once the REST API answers from within; returns the thread."""

    def run():
        time.sleep(_PAUSE_S)
        while not _answers(orthanc):
            time.sleep(_PAUSE_S)
        act()

    thread = threading.Thread(target=run, name="start", daemon=True)
    thread.start()
    return thread


def when_stopped(act):
    """Call `act` when Orthanc ends the interpreter."""
    atexit.register(act)


def _answers(orthanc):
    try:
        orthanc.RestApiGet("/system")
    except Exception:  # noqa: BLE001 - whatever it is called in this version: not yet
        return False
    return True
