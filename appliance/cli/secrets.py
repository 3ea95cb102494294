"""`appliance secrets`: which passwords and tokens there are, and new ones in their place."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from appliance.cli import context
from appliance.cli.output import JsonOption, err, out, show
from appliance.domain.errors import UsageError
from appliance.node import supervision
from appliance.node.demo_pacs import with_demo_pacs
from appliance.node.services import DEMO_PACS
from appliance.settings import SecretName, Settings

app = typer.Typer(no_args_is_help=True, help="Passwords and tokens of this installation: list, rotate.")

_COLUMNS = {"name": "Secret", "made": "Made", "file": "File"}
ALL = "all"


@app.command("list")
def list_secrets(as_json: JsonOption = False) -> None:
    """The secrets by name, when they were made, and where they are; never what they are."""
    secrets = context.settings().secrets
    rows = [{"name": str(name), "made": _made(secrets.path(name)), "file": secrets.path(name)} for name in SecretName]
    show(rows, _COLUMNS, as_json=as_json)


def _made(file: Path) -> datetime | None:
    return datetime.fromtimestamp(file.stat().st_mtime, UTC) if file.is_file() else None


@app.command("rotate")
def rotate(name: Annotated[str, typer.Argument(help="A name from `appliance secrets list`, or all.")]) -> None:
    """Put a new secret in place of the old one, and restart the node if it runs, so that every service has it.

    Work that was begun is handed back and done again; senders repeat what they could not send meanwhile. A node
    under systemd is restarted there, by the line that is printed.
    """
    settings = context.settings()
    if settings.secrets_dir is not None:
        raise UsageError(
            "these secrets are mounted: replace the file there, then restart", where=str(settings.secrets_dir)
        )
    names = tuple(SecretName) if name == ALL else (name,)
    if unknown := set(names) - set(SecretName):
        raise UsageError(f"there is no such secret; there are {', '.join(SecretName)}", where=unknown.pop())
    kept = supervision.is_kept(settings)
    running = [] if kept else supervision.status(settings)
    if running:
        with err.status("Stopping the node …"):
            supervision.stop(settings)
    for each in names:
        settings.secrets.get(each)
        settings.secrets.renew(each)
    if running:
        with err.status("Starting the node …"):
            _start(settings, demo=any(service.name == DEMO_PACS for service in running))
    out.print(f"New: {', '.join(names)}." + (" The node runs with it." if running else ""))
    if kept:
        out.print("The services still have the old one. Now: systemctl restart appliance")


def _start(settings: Settings, *, demo: bool) -> None:
    again = with_demo_pacs(settings) if demo else settings
    supervision.start(again, demo=demo)
    supervision.wait_ready(again)
