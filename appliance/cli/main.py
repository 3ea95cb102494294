"""`appliance`: the one command."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from appliance import __version__
from appliance.cli import (
    context,
    deployment,
    destinations,
    doctor,
    feedback,
    models,
    node,
    process,
    quarantine,
    replay,
    results,
    rules,
    samples,
    secrets,
    studies,
    support_bundle,
    users,
    workitems,
)
from appliance.cli.output import ExitCode, complain, err, exit_code
from appliance.domain.errors import ApplianceError, UsageError
from appliance.logs import configure_logs

app = typer.Typer(
    name="appliance",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="""
Clinical inference appliance: DICOM studies in, SR, SEG and reports out.

Begin with `appliance process FOLDER --out OUT` (no service needed), or bring the node up with `appliance up`.

Exit codes: 0 done · 1 some input was refused · 2 wrong usage · 3 wrong settings · 4 a service does not answer ·
5 a model must not be used · 6 failed.
""",
)
app.add_typer(studies.app, name="studies")
app.add_typer(workitems.app, name="workitems")
app.add_typer(results.app, name="results")
app.add_typer(feedback.app, name="feedback")
app.add_typer(models.app, name="models")
app.add_typer(rules.app, name="rules")
app.add_typer(destinations.app, name="destinations")
app.add_typer(quarantine.app, name="quarantine")
app.add_typer(samples.app, name="samples")
app.add_typer(secrets.app, name="secrets")
app.add_typer(users.app, name="users")
app.command("process")(process.process)
app.command("replay")(replay.replay)
app.command("doctor")(doctor.doctor)
app.command("support-bundle")(support_bundle.support_bundle)
node.register(app)
deployment.register(app)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"appliance {__version__}")
        raise typer.Exit


@app.callback()
def _main(
    config: Annotated[
        Path | None,
        typer.Option("--config", "-c", help="Settings file; else $APPLIANCE_CONFIG, else ./appliance.toml."),
    ] = None,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    context.use_settings_file(config)
    configure_logs(level="ERROR", readable=True)


def main() -> None:
    """Run the command line; errors of the tree become a message and an exit code, never a traceback."""
    try:
        app()
    except ApplianceError as error:
        complain(error)
        sys.exit(exit_code(error))
    except OSError as error:
        if error.filename is None:
            raise
        complain(UsageError(str(error.strerror), where=str(error.filename)))
        sys.exit(ExitCode.USAGE)
    except KeyboardInterrupt:
        err.print("interrupted")
        sys.exit(ExitCode.FAILED)
