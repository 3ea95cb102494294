"""A PostgreSQL of its own for tests: a private cluster in a temporary folder, reached by a Unix socket.

    with cluster(folder) as server:
        url = server.create_database()          # a new, empty database
        server.kill(); server.start()           # as after a power cut

PostgreSQL refuses to run as root; started by root, the cluster runs as `postgres` or `nobody`.
"""

import contextlib
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.helpers.services import wait_for

_FOLDERS = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
_SETTINGS = {
    "listen_addresses": "",
    "max_connections": "60",
    "shared_buffers": "32MB",
    "fsync": "off",  # these tests kill processes, not the machine: what was written to the system stays
    "full_page_writes": "off",
}


def postgres_program(name: str) -> str:
    """Path of a program of PostgreSQL; the test is skipped where it is missing, unless CI says that nothing may be."""
    places = [*map(str, _FOLDERS), os.environ.get("PATH", "")]
    if found := shutil.which(name, path=":".join(places)):
        return found
    if os.environ.get("CI"):
        pytest.fail("PostgreSQL is not installed")
    pytest.skip("PostgreSQL is not installed")


@dataclass(kw_only=True)
class PostgresServer:
    """A cluster that can be started, stopped and killed; its one user is `ledger`."""

    folder: Path
    owner: dict[str, Any]
    _process: "subprocess.Popen[bytes] | None" = field(default=None, repr=False)
    _numbers: Iterator[int] = field(default_factory=lambda: count(1), repr=False)

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def url(self, database: str) -> str:
        """SQLAlchemy's address of a database."""
        return f"postgresql+psycopg://ledger@/{database}?host={self.folder}"

    def create_database(self) -> str:
        """The address of a new, empty database."""
        name = f"test_{os.getpid()}_{next(self._numbers)}"
        with psycopg.connect(self._address, autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}" TEMPLATE template0')
        return self.url(name)

    def end_connections(self, url: str) -> int:
        """End every connection with a database from the server's side; how many."""
        name = url.split("?")[0].rsplit("/", 1)[1]
        with psycopg.connect(self._address, autocommit=True) as connection:
            ended = connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,)
            ).fetchall()
        return len(ended)

    def start(self) -> None:
        """Run the server, and wait until it answers."""
        options = [word for name, value in _SETTINGS.items() for word in ("-c", f"{name}={value}")]
        arguments = ["-D", str(self.folder / "data"), "-k", str(self.folder), *options]
        with (self.folder / "postgres.log").open("ab") as log:
            self._process = subprocess.Popen(
                [postgres_program("postgres"), *arguments], stdout=log, stderr=log, cwd=self.folder, **self.owner
            )
        wait_for(self._answers, "PostgreSQL")

    def kill(self) -> None:
        """End the server at once, as a power cut would end it."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def stop(self) -> None:
        """End the server in order."""
        if self._process is not None and self.is_running:
            self._process.send_signal(2)  # SIGINT is PostgreSQL's "fast": it waits for nobody
            self._process.wait(timeout=30)

    @property
    def _address(self) -> str:
        return f"host={self.folder} user=ledger dbname=postgres"

    def _answers(self) -> bool:
        if not self.is_running:
            raise AssertionError((self.folder / "postgres.log").read_text(errors="replace")[-2000:])
        with contextlib.suppress(psycopg.OperationalError), psycopg.connect(self._address):
            return True
        return False


@contextlib.contextmanager
def cluster() -> Iterator[PostgresServer]:
    """A running PostgreSQL with nothing in it, in a folder of its own that is removed at the end."""
    initdb = postgres_program("initdb")
    # not the folder of the test: a socket's path is short, and the server's user must reach it
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))
    owner = _owner()
    if owner:
        shutil.chown(folder, owner["user"], owner["group"])
    server = PostgresServer(folder=folder, owner=owner)
    try:
        command = [initdb, "-D", str(folder / "data"), "-U", "ledger", "--auth=trust", "--no-sync", "-E", "UTF8"]
        subprocess.run([*command, "--no-locale"], check=True, capture_output=True, cwd=folder, **owner)
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _owner() -> dict[str, Any]:
    """Whom the server runs as: us, or an unprivileged user where we are root."""
    if os.getuid() != 0:
        return {}
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    user = known["postgres"] if "postgres" in known else known["nobody"]
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
