"""`appliance workitems`: the work, what became of it, and doing it again."""

from typing import Annotated

import typer

from appliance.cli import context
from appliance.cli.output import JsonOption, out, show
from appliance.cli.receipts import workitem_row
from appliance.domain.identifiers import WorkitemUID
from appliance.domain.workitem import ProcedureStepState

app = typer.Typer(no_args_is_help=True, help="Workitems: list, show, retry, cancel.")

UidArgument = Annotated[str, typer.Argument(help="Workitem UID, or its end as `list` shows it.")]
COLUMNS = {
    "id": "Id",
    "model": "Model",
    "priority": "Priority",
    "state": "State",
    "attempts": "Attempts",
    "finished": "Finished",
    "reason": "Reason",
}


@app.command("list")
def list_workitems(
    state: Annotated[list[ProcedureStepState] | None, typer.Option(help="Only these states; may be repeated.")] = None,
    limit: Annotated[int, typer.Option(min=1)] = 100,
    as_json: JsonOption = False,
) -> None:
    """Workitems, the most urgent first."""
    found = context.appliance().workitems.in_state(*(state or tuple(ProcedureStepState)), limit=limit)
    show([workitem_row(status) for status in found], COLUMNS, as_json=as_json, empty="No workitems.")


@app.command("show")
def show_workitem(uid: UidArgument, as_json: JsonOption = False) -> None:
    """One workitem in full."""
    row = workitem_row(context.appliance().workitems.get(WorkitemUID(context.complete_workitem_uid(uid))))
    rows = [row] if as_json else [{"fact": key, "value": value} for key, value in row.items()]
    show(rows, {"fact": "", "value": ""}, as_json=as_json)


@app.command("retry")
def retry(uid: UidArgument) -> None:
    """Analyse anew: a new workitem with its own number, whose results supersede the earlier ones."""
    node = context.appliance()
    for new in node.workitems.repeat(WorkitemUID(context.complete_workitem_uid(uid))):
        out.print(f"Scheduled {new}", highlight=False)


@app.command("cancel")
def cancel(uid: UidArgument, reason: Annotated[str, typer.Option(help="Why; it stands in the timeline.")] = "") -> None:
    """Close a workitem that has not ended; an attempt that runs can no longer deliver."""
    context.appliance().workitems.cancel(WorkitemUID(context.complete_workitem_uid(uid)), "canceled-by-user", reason)
    out.print("Canceled")
