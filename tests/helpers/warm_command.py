"""The command `appliance` without the seconds that its imports take: a process that has them forks for each call.

    with warm_command(folder) as command:    # folder/appliance, to be put on the PATH
        subprocess.run([command, "status"])

Where it is called from, with which arguments and environment, and where its output goes is as with the real one.
"""

import contextlib
import json
import os
import shlex
import socket
import subprocess
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path

_CLIENT = """
import array, json, os, socket, sys
server = socket.socket(socket.AF_UNIX)
server.connect("\\0" + sys.argv[1])
request = json.dumps([sys.argv[2:], os.getcwd(), dict(os.environ)]).encode()
streams = array.array("i", [0, 1, 2])
server.sendmsg([len(request).to_bytes(4, "big")], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, streams)])
server.sendall(request)
sys.exit(server.recv(1)[0])
"""


@contextlib.contextmanager
def warm_command(folder: Path) -> Iterator[Path]:
    """The command as a file in `folder`, for as long as the block lasts."""
    folder.mkdir(parents=True)
    client, command = folder / "client.py", folder / "appliance"
    client.write_text(_CLIENT, encoding="utf-8")
    # the path of a socket may have 107 bytes; that of a folder for tests may have more
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("")  # an abstract name that the kernel chooses
        address = listener.getsockname()
        listener.listen()
        python, path = shlex.quote(sys.executable), shlex.quote(str(client))
        name = shlex.quote(address[1:].decode())
        command.write_text(f'#!/bin/sh\nexec {python} -S -E {path} {name} "$@"\n', encoding="utf-8")
        command.chmod(0o755)
        arguments = [sys.executable, "-m", "tests.helpers.warm_command", str(listener.fileno())]
        server = subprocess.Popen(arguments, pass_fds=[listener.fileno()], stdin=subprocess.DEVNULL)
    try:
        yield command
    finally:
        server.terminate()
        server.wait()


def _serve(listener: socket.socket) -> None:
    from appliance.cli.main import main

    while True:
        connection, _ = listener.accept()
        with connection:
            head, streams, _, _ = socket.recv_fds(connection, 4, 3)
            body = b""
            while len(body) < int.from_bytes(head, "big"):
                body += connection.recv(1 << 16)
            arguments, folder, environment = json.loads(body)
            child = os.fork()
            if child == 0:
                listener.close()
                for number, stream in enumerate(streams):
                    os.dup2(stream, number)
                os.chdir(folder)
                os.environ.clear()
                os.environ.update(environment)
                sys.argv = ["appliance", *arguments]
                os._exit(_ended(main))
            for stream in streams:
                os.close(stream)
            _, status = os.waitpid(child, 0)
            connection.sendall(bytes([os.waitstatus_to_exitcode(status) & 0xFF]))


def _ended(main: object) -> int:
    code: int | str | None = 0
    try:
        main()  # type: ignore[operator]
    except SystemExit as left:
        code = left.code
    except BaseException:
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    return code if isinstance(code, int) else int(code is not None)


if __name__ == "__main__":
    _serve(socket.socket(fileno=int(sys.argv[1])))
