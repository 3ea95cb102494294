"""`appliance results`: the result objects, readable and as files."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from appliance.cli import context
from appliance.cli.output import JsonOption, out, print_json, show
from appliance.cli.receipts import result_row
from appliance.domain.identifiers import StudyInstanceUID
from appliance.store.deliveries import ORTHANC

app = typer.Typer(no_args_is_help=True, help="Results: list those of a study, show one as text, save them as files.")

StudyArgument = Annotated[str, typer.Argument(help="Study Instance UID, or its end.")]
ForOption = Annotated[str, typer.Option("--for", help="The edition of this destination; the node's own without it.")]


@app.command("list")
def list_results(
    study: StudyArgument,
    superseded: Annotated[bool, typer.Option("--superseded", help="Also those that later results replaced.")] = False,
    destination: ForOption = ORTHANC,
    as_json: JsonOption = False,
) -> None:
    """The result objects of a study."""
    uid = StudyInstanceUID(context.complete_study_uid(study))
    rows = [
        result_row(record)
        for record in context.appliance().results.of_study(uid, superseded=superseded, destination=destination)
    ]
    columns = {"id": "Id", "kind": "Kind", "description": "Result", "size": "Bytes", "created": "Created"}
    show(rows, columns, as_json=as_json, empty="No results.")


@app.command("show")
def show_results(study: StudyArgument, destination: ForOption = ORTHANC, as_json: JsonOption = False) -> None:
    """What the results of a study say, as text."""
    uid = StudyInstanceUID(context.complete_study_uid(study))
    records = context.appliance().results.of_study(uid, destination=destination)
    if as_json:
        print_json([{**result_row(record), "text": record.text} for record in records])
        return
    for record in records:
        if record.text:
            out.rule(escape(f"{record.kind} · {record.description}"), align="left")
            out.print(record.text, markup=False, highlight=False)


@app.command("save")
def save(
    study: StudyArgument,
    folder: Annotated[Path, typer.Option("--out", help="Where the DICOM files go.")] = Path(),
    destination: ForOption = ORTHANC,
) -> None:
    """Write the result objects of a study as DICOM files."""
    node = context.appliance()
    folder.mkdir(parents=True, exist_ok=True)
    for record in node.results.of_study(StudyInstanceUID(context.complete_study_uid(study)), destination=destination):
        target = folder / f"{record.kind.lower()}-{record.sha256[:12]}.dcm"
        target.write_bytes(node.result_files.path(record.path).read_bytes())
        out.print(str(target), highlight=False)
