"""`appliance quarantine`: what was kept out, why, and what to do about it."""

import getpass
from dataclasses import asdict
from typing import Annotated, Any

import typer

from appliance.cli import context
from appliance.cli.output import JsonOption, out, show
from appliance.domain.errors import UsageError
from appliance.gate.reasons import Reason
from appliance.services.quarantine import OVERRIDABLE
from appliance.store.quarantine import Held, HoldState, Way

app = typer.Typer(no_args_is_help=True, help="Objects that were kept out: list, show, release, discard.")

IdArgument = Annotated[str, typer.Argument(help="Identifier, or its beginning as `list` shows it.")]
ReasonOption = Annotated[str, typer.Option("--reason", help="Why; it stands in the ledger.")]
ByOption = Annotated[str, typer.Option("--by", help="Who decides; the name of the login unless another is given.")]
COLUMNS = {
    "short": "Id",
    "state": "State",
    "code": "Reason",
    "calling_aet": "Sender",
    "way": "Way",
    "size": "Bytes",
    "times": "Times",
    "at": "At",
}
_SHORT = 10
_BOUNDED_WHEN_READ = (Reason.TOO_LARGE, Reason.IMAGE_SIZE)
"""What a release lets into the archive, and our own reading refuses for as long as the limit stands."""


@app.command("list")
def list_held(
    state: Annotated[list[HoldState] | None, typer.Option(help="Only these states; held unless named.")] = None,
    limit: Annotated[int, typer.Option(min=1)] = 100,
    as_json: JsonOption = False,
) -> None:
    """Objects that were kept out, the newest first."""
    node = context.appliance()
    node.quarantine_desk.sync()
    found = node.quarantine.latest(*(state or (HoldState.HELD,)), limit=limit)
    show([_row(held) for held in found], COLUMNS, as_json=as_json, empty="Nothing is held.")


@app.command("show")
def show_held(identifier: IdArgument, as_json: JsonOption = False) -> None:
    """One object: why it was kept out, who sent it, and whether it may be released."""
    node = context.appliance()
    node.quarantine_desk.sync()
    row = _row(node.quarantine.get(identifier))
    rows = [row] if as_json else [{"fact": key, "value": value} for key, value in row.items()]
    show(rows, {"fact": "", "value": ""}, as_json=as_json)


@app.command("release")
def release(identifier: IdArgument, reason: ReasonOption = "", by: ByOption = "") -> None:
    """Let an object in after all; only where it is too large or unusual, never where it can harm a parser."""
    node = context.appliance()
    node.quarantine_desk.sync()
    held = node.quarantine_desk.release(identifier, by=by or getpass.getuser(), why=reason)
    out.print(f"Released {held.id}", highlight=False)
    if held.code in _BOUNDED_WHEN_READ:
        out.print(
            f"It is in the archive. It is analysed only if the limit is raised, too: {held.code} in error-codes.md"
        )


@app.command("discard")
def discard(identifier: IdArgument, reason: ReasonOption = "", by: ByOption = "") -> None:
    """Remove the bytes of an object for good. The reason is required."""
    if not reason.strip():
        raise UsageError("discarding needs --reason", where="quarantine discard")
    node = context.appliance()
    node.quarantine_desk.sync()
    held = node.quarantine_desk.discard(identifier, by=by or getpass.getuser(), why=reason)
    out.print(f"Discarded {held.id}", highlight=False)


def _row(held: Held) -> dict[str, Any]:
    releasable = held.state is HoldState.HELD and (held.way is Way.READER or (held.kept and held.code in OVERRIDABLE))
    return {"short": held.id[:_SHORT], **asdict(held), "may_be_released": releasable}
