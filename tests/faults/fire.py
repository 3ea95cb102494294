"""Kills services with SIGKILL at random moments of a fixed seed; the supervisor starts each again."""

import contextlib
import random
import shutil
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator

import psutil

from appliance.node import supervision
from appliance.node.environment import MARK
from appliance.settings import Settings
from tests.helpers.postgres import PostgresServer

SERVICES = ("worker-inference-cpu", "worker-planning", "scheduler", "web", "redis", "orthanc", "demo-pacs")
REDIS_WITH_ITS_DATA = "redis and its data"
DATABASE = "postgresql"


class Fire:
    """A thread that kills; `log` says what was killed how often."""

    def __init__(self, settings: Settings, database: PostgresServer | None, *, seed: int, every_s: float) -> None:
        self._settings = settings
        self._database = database
        self._random = random.Random(seed)
        self._every_s = every_s
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._burn, name="fire")
        self.log: Counter[str] = Counter()

    @contextlib.contextmanager
    def burning(self) -> Iterator[None]:
        """Kill while the block runs, and until all have been killed once; then see that everything runs again."""
        self._thread.start()
        try:
            yield
        finally:
            self._over.set()
            self._thread.join()
            supervision.wait_ready(self._settings, 180)

    def _burn(self) -> None:
        """Every victim has its turn before one has a second; the order and the pauses are the seed's."""
        everybody = [*SERVICES, REDIS_WITH_ITS_DATA, *([DATABASE] if self._database else [])]
        victims: list[str] = []
        while not self._over.is_set() or len(self.log) < len(everybody):
            time.sleep(self._random.uniform(0.3, 1.7) * self._every_s)
            if not victims:
                victims = self._random.sample(everybody, len(everybody))
            self._kill(victims.pop())

    def _kill(self, victim: str) -> None:
        how: dict[str, Callable[[], bool]] = {
            REDIS_WITH_ITS_DATA: self._kill_redis_with_its_data,
            DATABASE: self._kill_database,
        }
        if how.get(victim, lambda: self._kill_service(victim))():
            self.log[victim] += 1

    def _kill_service(self, name: str) -> bool:
        pid = next((service.pid for service in supervision.status(self._settings) if service.name == name), None)
        if not pid:
            return False
        with contextlib.suppress(psutil.NoSuchProcess):
            psutil.Process(pid).kill()
            return True
        return False

    def _kill_redis_with_its_data(self) -> bool:
        """The supervisor is stopped meanwhile, so that Redis cannot start again before its files are gone."""
        supervisor = self._supervisor()
        supervisor.send_signal(signal.SIGSTOP)
        try:
            for child in supervisor.children():
                if "redis-server" in child.name():
                    child.kill()
                    _await_end(child)
            for path in (self._settings.state / "redis").iterdir():
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        finally:
            supervisor.send_signal(signal.SIGCONT)
        return True

    def _supervisor(self) -> psutil.Process:
        pid = int((self._settings.state / "run" / "supervisor.pid").read_text())
        process = psutil.Process(pid)
        assert process.environ()[MARK] == str(self._settings.state)
        return process

    def _kill_database(self) -> bool:
        assert self._database
        self._database.kill()
        time.sleep(self._random.uniform(0.2, 2.0))
        self._database.start()
        return True


def _await_end(process: psutil.Process) -> None:
    """Until it is dead; its parent is stopped and cannot reap it, so a zombie is dead enough."""
    with contextlib.suppress(psutil.NoSuchProcess):
        while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
            time.sleep(0.01)
