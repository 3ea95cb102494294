"""What every association that we ask for needs, as handlers of pynetdicom's events."""

import socket
import threading
from typing import Any

from pynetdicom import evt


class Checkpoint:
    """Where the thread of an association stops while a request waits for its answer.

    pynetdicom 3.0.4 clears an event and looks at a flag that the thread sets before it waits there. Between two
    requests in a row the thread may just be on its way out: then it takes the answer to the second request for a
    request of the peer and drops it ("Received unexpected C-FIND service message", pydicom/pynetdicom issue 875), and
    an object that a PACS shows counts as not shown. Here `clear` returns when the thread stands still, and not before.
    """

    def __init__(self, association: threading.Thread) -> None:
        self._association = association
        self._moves = threading.Condition()
        self._open, self._inside = True, False

    def set(self) -> None:
        """Let the thread go on."""
        with self._moves:
            self._open = True
            self._moves.notify_all()

    def clear(self) -> None:
        """Stop the thread at its next `wait`, and return when it is there or has ended."""
        with self._moves:
            self._open = False
            while not self._inside and self._association.is_alive() and not self._is_own_thread():
                self._moves.wait(timeout=0.05)

    def wait(self, timeout: float | None = None) -> bool:
        """Stand still while the checkpoint is closed."""
        with self._moves:
            self._inside = True
            self._moves.notify_all()
            passed = self._moves.wait_for(lambda: self._open, timeout)
            self._inside = False
        return passed

    def _is_own_thread(self) -> bool:
        return threading.current_thread() is self._association


def _prepare(event: Any) -> None:
    association = event.assoc
    # Nagle's algorithm and the peer's delayed acknowledgement together cost about 40 ms per object
    association.dul.socket.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    association._reactor_checkpoint = Checkpoint(association)


def absence(association: Any) -> str:
    """Why an association that was asked for is not there, as a person reads it."""
    if association.is_rejected:
        return "the association was rejected: check AE titles and addresses on both sides"
    # pynetdicom calls it aborted, too, where nobody listened; only a connection that came about was prepared
    if isinstance(association._reactor_checkpoint, Checkpoint):
        return "the association was aborted"
    return "no connection"


EVENT_HANDLERS = [(evt.EVT_CONN_OPEN, _prepare)]
"""For the argument `evt_handlers` of `AE.associate`."""
