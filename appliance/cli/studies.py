"""`appliance studies`: what arrived and how it stands."""

from collections.abc import Iterator
from typing import Annotated, Any

import typer
from rich.tree import Tree

from appliance.cli import context
from appliance.cli.login import login
from appliance.cli.output import JsonOption, coloured, out, print_json, short, show
from appliance.cli.receipts import delivery_row, receipt_as_data, result_row, workitem_row
from appliance.domain.identifiers import StudyInstanceUID
from appliance.services.series_chooser import RunOn
from appliance.store.studies import Receipt, StudySummary

app = typer.Typer(no_args_is_help=True, help="Studies: list, show what happened to one, run a model on a series.")


@app.command("list")
def list_studies(
    limit: Annotated[int, typer.Option(min=1, help="How many, newest first.")] = 50, as_json: JsonOption = False
) -> None:
    """The studies that arrived last, and how far each is."""
    columns = {
        "study": "Study",
        "state": "State",
        "modalities": "Modality",
        "instances": "Instances",
        "arrived": "Arrived",
        "work": "Workitems",
        "results": "Results",
        "deliveries": "Deliveries",
        "failures": "Failures",
    }
    rows = [_row(summary) for summary in context.appliance().studies.latest(limit)]
    show(
        rows,
        columns,
        as_json=as_json,
        empty="No study has arrived yet. Send one by C-STORE, or try `appliance process`.",
    )


def _row(summary: StudySummary) -> dict[str, Any]:
    return {
        "study": summary.study_instance_uid,
        "state": summary.state,
        "failures": list(summary.failures),
        "modalities": list(summary.modalities),
        "series": summary.series,
        "instances": summary.instances,
        "arrived": summary.last_arrival_at,
        "work": counted(summary.workitems),
        "results": summary.results,
        "deliveries": counted(summary.deliveries),
    }


def counted(numbers: dict[Any, int]) -> str:
    """Counts by state in words."""
    return ", ".join(f"{count} {state}" for state, count in sorted(numbers.items()))


@app.command("show")
def show_study(
    study: Annotated[str, typer.Argument(help="Study Instance UID, or its end.")], as_json: JsonOption = False
) -> None:
    """Everything that happened to one study: what was chosen and why, what ran, what came out, what was sent."""
    node = context.appliance()
    receipt = node.studies.receipt(StudyInstanceUID(context.complete_study_uid(study)))
    if as_json:
        print_json(receipt_as_data(receipt))
        return
    out.print(f"[bold]{receipt.summary.study_instance_uid}[/]", highlight=False)
    out.print(_row(receipt.summary)["work"] or "not planned yet")
    out.print(" ".join([receipt.summary.state, *receipt.summary.failures]), highlight=False)
    out.print(_selection_tree(receipt))
    for title, rows, columns in _tables(receipt):
        show(rows, columns, as_json=False, title=title, empty=f"{title}: none")


@app.command("run")
def run_on_series(
    study: Annotated[str, typer.Argument(help="Study Instance UID, or its end.")],
    model: Annotated[str, typer.Option(help="Name of an active model.")],
    series: Annotated[str, typer.Option(help="Series Instance UID, or its end.")],
    reason: Annotated[str, typer.Option(help="Why; it stands in the timeline.")],
    author: Annotated[str, typer.Option(help="Who; the name of the login if none.")] = "",
    even_if_not_applicable: Annotated[
        bool,
        typer.Option(
            "--even-if-not-applicable",
            help="For demonstrations: also on a series that the model is not made for. The results say so and are not "
            "delivered to any destination.",
        ),
    ] = False,
) -> None:
    """Run a model on another series than the one that was chosen; its results supersede those of the other series.

    The study is planned anew by the rules and models of now, and the choice stays when more of the study arrives.
    """
    request = RunOn(
        study=StudyInstanceUID(context.complete_study_uid(study)),
        model=model,
        series=series,
        author=author or login(),
        reason=reason,
        even_if_not_applicable=even_if_not_applicable,
    )
    for uid in context.appliance().run_on(request):
        out.print(f"Scheduled {uid}", highlight=False)


def _tables(receipt: Receipt) -> Iterator[tuple[str, list[dict[str, Any]], dict[str, str]]]:
    workitems = [workitem_row(status) for status in receipt.workitems]
    yield "Workitems", workitems, {"id": "Id", "model": "Model", "state": "State", "reason": "Reason"}
    results = [result_row(record) for record in receipt.results]
    yield "Results", results, {"id": "Id", "kind": "Kind", "description": "Result", "size": "Bytes"}
    deliveries = [delivery_row(delivery) for delivery in receipt.deliveries]
    columns = {
        "kind": "Kind",
        "destination": "Destination",
        "stands": "State",
        "attempts": "Attempts",
        "detail": "Said",
    }
    yield "Deliveries", deliveries, columns


def _selection_tree(receipt: Receipt) -> Tree:
    tree = Tree("Selection")
    for selection in receipt.selections:
        word = coloured("ok" if selection.chosen else "NOT APPLICABLE")
        branch = tree.add(f"{selection.package}  {word}", highlight=False)
        for item in selection.considered:
            mark = "chosen" if item.series_instance_uid in selection.chosen else ("fits" if item.fits else "no")
            why = "; ".join(item.reasons)
            branch.add(f"{mark:7} {item.modality} …{short(item.series_instance_uid)}  {why}", highlight=False)
    return tree
