"""What containers and systemd call: one service in the foreground, the ledger's migration, Orthanc's configuration."""

import os
from pathlib import Path
from typing import Annotated

import typer

from appliance.cli import context
from appliance.cli.output import out
from appliance.domain.errors import UsageError
from appliance.node.environment import MARK, service_environment
from appliance.node.orthanc_config import node_configuration, write_configuration
from appliance.node.services import our_services
from appliance.node.system import find_orthanc
from appliance.store.engine import open_ledger
from appliance.store.schema_version import schema_version


def register(app: typer.Typer) -> None:
    """Add the commands to the top level."""
    app.command("serve")(serve)
    app.command("migrate")(migrate)
    app.command("orthanc-config")(orthanc_config)


def serve(name: Annotated[str, typer.Argument(help="web, worker-planning, scheduler, …")]) -> None:
    """Run one service in the foreground, in place of this command; who calls it restarts it.

    `appliance up` runs all of them, with Orthanc and Redis, under a supervisor.
    """
    settings = context.settings()
    services = our_services(settings)
    if name not in services:
        raise UsageError(f"there is no such service; there are {', '.join(sorted(services))}", where=name)
    command = services[name].command
    environment = service_environment(settings)
    # `appliance down` ends what carries the mark of its node; what systemd or Docker started is theirs to end
    environment.pop(MARK)
    os.execve(command[0], command, environment)  # noqa: S606 - our own command, without a shell


def migrate() -> None:
    """Bring the ledger to the newest schema. Back it up first: an older version cannot read it afterwards."""
    settings = context.settings()
    settings.state.mkdir(parents=True, exist_ok=True)
    before = schema_version(settings.ledger_url)
    open_ledger(settings.ledger_url).close()
    if before.is_current:
        out.print(f"The ledger has schema {before.newest} already.")
    else:
        out.print(f"The ledger went from schema {before.found or 'none'} to {before.newest}.")


def orthanc_config(
    to: Annotated[Path, typer.Option("--out", help="The JSON file to write, for its owner only.")],
) -> None:
    """Write the configuration for an Orthanc that something else starts.

    Set `orthanc.version` and `orthanc.plugins` to those of that Orthanc, `orthanc.host` and `web.host` to the names
    under which the two reach each other.
    """
    settings = context.settings()
    write_configuration(to, node_configuration(settings, find_orthanc(settings)))
    out.print(f"Written: {to}")
