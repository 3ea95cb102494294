"""`appliance support-bundle`: one file for whoever helps, without patient data and without secrets."""

from pathlib import Path
from typing import Annotated

import typer

from appliance.cli import context
from appliance.cli.output import err, out
from appliance.domain.errors import UsageError
from appliance.node.support_bundle import write_bundle


def support_bundle(
    to: Annotated[Path, typer.Option("--out", help="The ZIP file to write.")],
    force: Annotated[bool, typer.Option("--force", help="Replace the file if it is there.")] = False,
) -> None:
    """Write versions, settings, the doctor's findings, service states, logs and counts into one file.

    Images, results, header values and secrets are never in it; UIDs are replaced by hashes.
    """
    if to.exists() and not force:
        raise UsageError("this file is there already; name another one, or give --force", where=str(to))
    if not to.absolute().parent.is_dir():
        raise UsageError("this folder does not exist", where=str(to.absolute().parent))
    with err.status("Collecting …"):
        names = write_bundle(to, context.settings(), context.appliance())
    out.print(f"{to}: {len(names)} parts. Look it through before you send it; README.txt says what is in it.")
