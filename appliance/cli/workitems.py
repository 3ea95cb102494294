"""`appliance workitems`: the work, what became of it, and doing it again."""

from enum import StrEnum
from typing import Annotated

import typer

from appliance.cli import context
from appliance.cli.output import JsonOption, out, show
from appliance.cli.receipts import workitem_row
from appliance.domain.identifiers import WorkitemUID
from appliance.domain.workitem import ProcedureStepState
from appliance.store.transitions import CANCELED_BY_USER

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


class Listed(StrEnum):
    """What `list --state` takes: the states, and the dead letters among the canceled."""

    SCHEDULED = ProcedureStepState.SCHEDULED.value
    IN_PROGRESS = ProcedureStepState.IN_PROGRESS.value
    COMPLETED = ProcedureStepState.COMPLETED.value
    CANCELED = ProcedureStepState.CANCELED.value
    DEAD = "dead"


@app.command("list")
def list_workitems(
    state: Annotated[
        list[Listed] | None,
        typer.Option(help="Only these; may be repeated. dead: ended without results by no wish of anybody."),
    ] = None,
    limit: Annotated[int, typer.Option(min=1)] = 100,
    as_json: JsonOption = False,
) -> None:
    """Workitems, the most urgent first."""
    workitems = context.appliance().workitems
    states = [ProcedureStepState(one) for one in state or () if one is not Listed.DEAD]
    found = workitems.dead(limit) if state and Listed.DEAD in state else ()
    if states or not state:
        listed = {status.workitem.uid for status in found}
        others = workitems.in_state(*(states or ProcedureStepState), limit=limit)
        found = (*found, *(status for status in others if status.workitem.uid not in listed))
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
    context.appliance().workitems.cancel(WorkitemUID(context.complete_workitem_uid(uid)), CANCELED_BY_USER, reason)
    out.print("Canceled")
