"""`appliance destinations`: where results go, and whether those places answer."""

from typing import Annotated

import typer

from appliance.cli import context
from appliance.cli.output import JsonOption, out, show

app = typer.Typer(no_args_is_help=True, help="Destinations: list, show, echo.")

NameArgument = Annotated[str, typer.Argument(help="Name of a destination in the settings.")]


@app.command("list")
def list_destinations(as_json: JsonOption = False) -> None:
    """The destinations of the settings, and what each accepts."""
    rows = [
        {
            "name": place.name,
            "kind": place.kind,
            "address": place.url or f"{place.aet}@{place.host}:{place.port}",
            "accepts": list(place.accepts),
            "seg_type": place.seg_type,
            "language": place.language,
        }
        for place in context.settings().destinations
    ]
    columns = {"name": "Name", "kind": "Kind", "address": "Address", "accepts": "Accepts", "seg_type": "SEG"}
    show(rows, columns, as_json=as_json, empty="No destinations are set; results stay in Orthanc.")


@app.command("show")
def show_destination(name: NameArgument, as_json: JsonOption = False) -> None:
    """One destination: its settings, and what is under way to it."""
    node = context.appliance()
    place = node.destination_settings(name)
    stuck = [delivery for delivery in node.outbox.stuck() if delivery.destination == name]
    facts = {**place.model_dump(mode="json", exclude={"password_file"}), "stuck": len(stuck)}
    rows = [facts] if as_json else [{"fact": key, "value": value} for key, value in facts.items()]
    show(rows, {"fact": "", "value": ""}, as_json=as_json)


@app.command("echo")
def echo(name: NameArgument) -> None:
    """Ask the destination whether it is there: C-ECHO, or a QIDO-RS query."""
    context.appliance().echo(name)
    out.print(f"{name} answers")


@app.command("retry")
def retry(name: NameArgument) -> None:
    """Send again what this destination refused or did not take in time."""
    count = context.appliance().outbox.retry(destination=name)
    out.print(f"{count} deliveries are due again")
