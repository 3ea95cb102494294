"""`appliance replay`: deliver results again, or analyse again."""

from typing import Annotated

import typer

from appliance.cli import context
from appliance.cli.output import out
from appliance.domain.errors import UsageError
from appliance.domain.identifiers import StudyInstanceUID, WorkitemUID


def replay(
    study: Annotated[str, typer.Argument(help="Study Instance UID, or its end.")],
    destination: Annotated[str, typer.Option(help="Deliver the standing results to this destination again.")] = "",
    model: Annotated[str, typer.Option(help="Analyse again with this model.")] = "",
    series: Annotated[str, typer.Option(help="Analyse again this series: its UID, or the end of it.")] = "",
) -> None:
    """Deliver the results of a study again (`--destination`), or analyse it again (`--model`, `--series`).

    A new analysis is a workitem of its own with the next revision; its results replace the earlier ones, and say so.
    """
    uid = StudyInstanceUID(context.complete_study_uid(study))
    if bool(destination) == bool(model or series):
        raise UsageError("give either --destination, or --model and/or --series")
    if destination:
        _deliver(uid, destination)
    else:
        _analyse(uid, model, series)


def _deliver(study: StudyInstanceUID, destination: str) -> None:
    node = context.appliance()
    node.destination_settings(destination)
    count = node.outbox.replay(study, destination)
    if not count:
        raise UsageError("no results of this study were addressed to it; analyse again with --model", where=destination)
    out.print(f"{count} results are due again for {destination}")


def _analyse(study: StudyInstanceUID, model: str, series: str) -> None:
    node = context.appliance()
    newest: dict[tuple[str, str], WorkitemUID] = {}
    for status in node.workitems.of_study(study):
        item = status.workitem
        place = item.series_instance_uid
        if place is not None and model in ("", item.package) and place.endswith(series):
            newest[place, item.package] = item.uid
    if not newest:
        raise UsageError("no workitem of this study is of that model and series", where=model or series)
    for uid in newest.values():
        for new in node.workitems.repeat(uid):
            out.print(f"Scheduled {new}", highlight=False)
