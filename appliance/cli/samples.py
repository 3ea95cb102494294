"""`appliance samples`: the studies of the demonstration."""

from pathlib import Path
from typing import Annotated

import typer

from appliance.cli import context
from appliance.cli.output import JsonOption, show
from appliance.cli.progress import download_progress
from appliance.node.samples import pull_samples

app = typer.Typer(no_args_is_help=True, help="Sample studies for a first try, with their sources and licences.")


@app.command("pull")
def pull(
    wheelhouse: Annotated[
        Path | None, typer.Option(help="Folder of downloaded packages, for a machine without network.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Fetch, verify and unpack the sample studies; what is there is kept."""
    state = context.settings().state
    with download_progress("samples") as progress:
        samples = pull_samples(state / "downloads", state / "samples", wheelhouse=wheelhouse, progress=progress)
    rows = [{"name": s.name, "folder": s.folder, "licence": s.licence, "attribution": s.attribution} for s in samples]
    columns = {"name": "Study", "folder": "Folder", "licence": "Licence", "attribution": "Attribution"}
    show(rows, columns, as_json=as_json)
