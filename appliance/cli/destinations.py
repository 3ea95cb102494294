"""`appliance destinations`: where results go, and whether those places answer."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich.markup import escape

from appliance.cli import context
from appliance.cli.output import ExitCode, JsonOption, coloured, out, print_json, show
from appliance.delivery.dimse import sop_class_name
from appliance.delivery.probe import readable
from appliance.services.destination_test import Went
from appliance.store.destinations import DestinationState

app = typer.Typer(no_args_is_help=True, help="Destinations: list, show, echo, probe, test, retry.")

NameArgument = Annotated[str, typer.Argument(help="Name of a destination in the settings.")]


@app.command("list")
def list_destinations(as_json: JsonOption = False) -> None:
    """The destinations of the settings, what each accepts, and whether deliveries go through."""
    node = context.appliance()
    states = node.destination_states.all()
    rows = [
        {
            "name": place.name,
            "kind": place.kind,
            "address": place.url or f"{place.aet}@{place.host}:{place.port}",
            "accepts": list(place.accepts),
            "seg_type": place.seg_type,
            "language": place.language,
            **_standing(states.get(place.name) or DestinationState(name=place.name)),
        }
        for place in context.settings().destinations
    ]
    columns = {
        "name": "Name",
        "kind": "Kind",
        "address": "Address",
        "accepts": "Accepts",
        "seg_type": "SEG",
        "breaker": "Breaker",
        "failures": "Failures",
    }
    show(rows, columns, as_json=as_json, empty="No destinations are set; results stay in Orthanc.")


@app.command("show")
def show_destination(name: NameArgument, as_json: JsonOption = False) -> None:
    """One destination: its settings, how it stands, what a probe found, and what is stuck on the way to it."""
    node = context.appliance()
    place = node.destination_settings(name)
    state = node.destination_states.get(name)
    stuck = [delivery for delivery in node.outbox.stuck() if delivery.destination == name]
    facts = {
        **place.model_dump(mode="json", exclude={"password_file"}),
        **_standing(state),
        "accepted_classes": _accepted(state.accepted),
        "stuck": len(stuck),
    }
    rows = [facts] if as_json else [{"fact": key, "value": value} for key, value in facts.items()]
    show(rows, {"fact": "", "value": ""}, as_json=as_json)


def _standing(state: DestinationState) -> dict[str, Any]:
    return {
        "breaker": state.breaker,
        "failures": state.failures,
        "closed_until": state.closed_until,
        "last_answer": state.answered_at,
        "last_failure": state.failed_at,
        "said": state.detail,
        "probed": state.probed_at,
    }


def _accepted(accepted: Mapping[str, tuple[str, ...]] | None) -> list[str]:
    return [name for name, count in readable(accepted or {}).items() if count]


@app.command("probe")
def probe(name: NameArgument, as_json: JsonOption = False) -> None:
    """Ask which SOP classes and transfer syntaxes the destination accepts; the answer is kept.

    A destination that is to get label maps and does not accept them gets BINARY segmentations from then on.
    """
    accepted = context.appliance().probe(name)
    rows = [
        {"class": sop_class_name(uid), "uid": uid, "accepted": bool(syntaxes), "syntaxes": list(syntaxes)}
        for uid, syntaxes in accepted.items()
    ]
    columns = {"class": "SOP class", "accepted": "Accepted", "syntaxes": "Transfer syntaxes"}
    show(rows, columns, as_json=as_json)


@app.command("test")
def try_out(name: NameArgument, as_json: JsonOption = False) -> None:
    """Send a synthetic study, find it back, and withdraw it by a rejection note (IHE IOCM).

    Exit code 4 if it was not stored, or not shown.
    """
    steps = []
    for step in context.appliance().try_destination(name):
        steps.append(step)
        if not as_json:
            out.print(f"{coloured(step.went)}  {step.name}: {escape(step.detail)}", highlight=False, soft_wrap=True)
    if as_json:
        print_json([asdict(step) for step in steps])
    if any(step.went is Went.FAILED for step in steps):
        raise typer.Exit(ExitCode.UNAVAILABLE)


@app.command("echo")
def echo(name: NameArgument) -> None:
    """Ask the destination whether it is there: C-ECHO, or a QIDO-RS query."""
    context.appliance().echo(name)
    out.print(f"{name} answers")


@app.command("retry")
def retry(name: NameArgument) -> None:
    """Send again what this destination refused or did not take in time, and close its breaker."""
    node = context.appliance()
    node.destination_states.reset(node.destination_settings(name).name)
    count = node.outbox.retry(destination=name)
    out.print(f"{count} deliveries are due again")
