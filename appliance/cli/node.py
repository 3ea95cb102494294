"""`appliance up`, `down`, `status`: the node on this machine."""

from collections.abc import Iterator
from typing import Annotated

import typer

from appliance.cli import context, demo
from appliance.cli.output import JsonOption, err, out, show
from appliance.domain.errors import UsageError
from appliance.node import supervision
from appliance.node.demo_pacs import with_demo_pacs
from appliance.node.health.quarantine import crashes_of_the_last_hour
from appliance.node.services import ORTHANC, pages_url
from appliance.node.system import with_free_ports
from appliance.settings import Settings


def register(app: typer.Typer) -> None:
    """Add the commands of the node to the top level."""
    app.command("up")(up)
    app.command("down")(down)
    app.command("status")(status)


def up(
    with_demo: Annotated[
        bool, typer.Option("--demo", help="Also a demonstration PACS; send the sample studies and show what comes out.")
    ] = False,
    once: Annotated[bool, typer.Option("--once", help="With --demo: stop everything afterwards.")] = False,
    free_ports: Annotated[
        bool, typer.Option("--free-ports", help="Take free ports instead of those in the settings.")
    ] = False,
    foreground: Annotated[
        bool, typer.Option("--foreground", help="Stay, and end with the node: for systemd. `appliance down` ends it.")
    ] = False,
) -> None:
    """Start the node: Orthanc, Redis, workers, scheduler and web service, each restarted if it dies.

    The node keeps running in the background; `appliance down` stops it. Starting it again with other settings
    restarts it.
    """
    if once and not with_demo:
        raise UsageError("--once belongs to --demo", where="up")
    if foreground and (with_demo or free_ports):
        raise UsageError("--foreground goes with no other option", where="up")
    if foreground:
        supervision.stay(context.settings())
    settings = with_demo_pacs(context.settings()) if with_demo else context.settings()
    if free_ports:
        settings = with_free_ports(settings, demo=with_demo)
    context.use_settings(settings)
    try:
        with err.status("Starting the node …"):
            supervision.start(settings, demo=with_demo)
            supervision.wait_ready(settings)
        show([_row(service) for service in supervision.status(settings)], _COLUMNS, as_json=False, title="Services")
        if with_demo:
            demo.run(settings)
    finally:
        if once:
            with err.status("Stopping the node …"):
                supervision.stop(settings)
    if not once:
        _say_where(settings, with_demo)


_COLUMNS = {"name": "Service", "state": "State", "pid": "Process"}


def _row(service: supervision.ServiceStatus) -> dict[str, object]:
    return {"name": service.name, "state": "ok" if service.is_running else service.state, "pid": service.pid}


def _say_where(settings: Settings, with_demo: bool) -> None:
    out.print()
    show(list(_places(settings)), {"what": "Where", "at": ""}, as_json=False)
    out.print()
    if with_demo:
        demo.say_where(settings)
    out.print("Look on: appliance studies list · appliance status · appliance doctor. Stop: appliance down.")


def _places(settings: Settings) -> Iterator[dict[str, str]]:
    """What a person goes to; while there is no account, also the code to make the first one with."""
    yield {"what": "Pages", "at": pages_url(settings)}
    first = context.appliance().first_account
    if not first.is_made:
        yield {"what": "One-time code for the first account", "at": first.code}
    yield {"what": "DICOM", "at": f"{settings.dicom.aet} on port {settings.dicom.port}"}


def down() -> None:
    """Stop every service in order; work that was begun is finished or handed back."""
    with err.status("Stopping the node …"):
        supervision.stop(context.settings())
    out.print("The node is down.")


def status(as_json: JsonOption = False) -> None:
    """The services, and whether they run."""
    settings = context.settings()
    crashed = crashes_of_the_last_hour(settings)
    rows = [
        _row(service)
        | ({"note": f"crashed {crashed} times within an hour"} if crashed and service.name == ORTHANC else {})
        for service in supervision.status(settings)
    ]
    show(
        rows,
        _COLUMNS | ({"note": "Note"} if crashed else {}),
        as_json=as_json,
        empty="The node does not run. Start it with `appliance up`.",
    )
