"""`appliance feedback`: what readers answered, counted and exported."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from appliance.cli import context
from appliance.cli.login import login
from appliance.cli.output import JsonOption, out, show
from appliance.domain.audit import Actor, AuditEntry, AuditKind
from appliance.services.evaluation_set import export

app = typer.Typer(no_args_is_help=True, help="Feedback of readers: figures, and an evaluation set.")
SinceOption = Annotated[
    datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Only answers from this day on (UTC).")
]


def _moment(since: datetime | None) -> datetime | None:
    return None if since is None else since.replace(tzinfo=UTC)


@app.command("figures")
def figures(since: SinceOption = None, as_json: JsonOption = False) -> None:
    """How often readers agreed, per model, version, scanner and month."""
    found = context.appliance().feedback_book.figures(_moment(since))
    columns = {
        "model": "Model",
        "scanner": "Scanner",
        "month": "Month",
        "verdict": "Verdict",
        "count": "Count",
    }
    rows = [
        {
            "model": f"{item.package}@{item.version}",
            "scanner": f"{item.manufacturer} {item.scanner}".strip(),
            "month": item.month,
            "verdict": item.verdict,
            "count": item.count,
        }
        for item in found
    ]
    show(rows, columns, as_json=as_json, empty="Nobody has answered yet.")


@app.command("export")
def export_set(
    folder: Annotated[Path, typer.Argument(help="Where the table and the objects go; patient data.")],
    since: SinceOption = None,
) -> None:
    """Write the answers as a table, with the SEG and SR that they speak of. Nothing is pseudonymised."""
    node = context.appliance()
    actor = Actor(name=f"cli:{login()}")
    node.audit.record(AuditEntry(kind=AuditKind.OBJECTS_EXPORTED, actor=actor, about="feedback"))
    written = export(folder, node.feedback_book.since(_moment(since)), node.results, node.result_files)
    out.print(f"{written.answers} answers, {written.objects} objects: {folder}", highlight=False)
