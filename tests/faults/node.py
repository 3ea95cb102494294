"""The node under fire: real services, a tiny model, a demonstration PACS, and leases short enough to wait for."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from appliance.node.demo_pacs import with_demo_pacs
from appliance.node.system import with_free_ports
from appliance.settings import Settings, WorkerSettings
from tests.faults.studies import THRESHOLD
from tests.helpers.node import running
from tests.helpers.postgres import PostgresServer
from tests.helpers.services import orthanc_settings
from tests.helpers.tiny_models import write_threshold_package

TOIL = 100
"""Makes the analysis of a long study take longer than a lease, and that of a small one hardly longer."""
WORKER = WorkerSettings(lease_s=6.0, sweep_s=1.0, poll_s=2.0, time_limit_s=120.0, planning_threads=3, network_threads=1)


@contextlib.contextmanager
def node_under_fire(home: Path, database: PostgresServer | None) -> Iterator[Settings]:
    """A node in `home`, started and ready; its ledger is SQLite unless a PostgreSQL is handed in."""
    write_threshold_package(home / "models_onnx", threshold=THRESHOLD, toil=TOIL)
    settings = Settings(
        home=home,
        database_url=database.create_database() if database else "",
        worker=WORKER,
        orthanc=orthanc_settings(),
    )
    settings = with_free_ports(with_demo_pacs(settings), demo=True)
    with running(settings, demo=True, patience_s=180) as started:
        yield started
