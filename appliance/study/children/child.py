"""The child: limits itself, then does what its parent asks until that is gone.

python -m appliance.study.children.child DESCRIPTOR MEMORY_BYTES CPU_SECONDS
"""

import contextlib
import ctypes
import importlib
import os
import resource
import socket
import sys

_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000


def main() -> None:
    """Serve the socket with this descriptor."""
    descriptor, memory, seconds = map(int, sys.argv[1:])
    connection = socket.socket(fileno=descriptor)
    leave_network()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # what parses foreign bytes is imported only now: a network namespace is left while there is but one thread
    serve = importlib.import_module("appliance.study.children.duties").serve
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    serve(connection, lambda: allow_cpu(seconds))


def leave_network() -> bool:
    """Into a network namespace with nothing in it, where the system lets us; whether it did."""
    libc = ctypes.CDLL(None, use_errno=True)
    return any(libc.unshare(flags) == 0 for flags in (_CLONE_NEWUSER | _CLONE_NEWNET, _CLONE_NEWNET))


def allow_cpu(seconds: int) -> None:
    """As much processor time from now on; then SIGXCPU ends the process."""
    used = os.times()
    _, most = resource.getrlimit(resource.RLIMIT_CPU)
    with contextlib.suppress(ValueError):
        resource.setrlimit(resource.RLIMIT_CPU, (int(used.user + used.system) + seconds + 1, most))


if __name__ == "__main__":
    main()
