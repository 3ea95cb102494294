"""`appliance doctor`: every part that a study needs, checked, with what to do about what is wrong."""

from collections import Counter
from dataclasses import asdict
from typing import Annotated

import typer
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table

from appliance.cli import context
from appliance.cli.output import ExitCode, JsonOption, err, out, print_json
from appliance.node.health.check import Check, State
from appliance.node.health.examination import Extent, examination

_SIGNS = {
    State.OK: "[green]✓[/]",
    State.ASK: "[cyan]?[/]",
    State.WARNING: "[yellow]![/]",
    State.FAILED: "[bold red]✗[/]",
}
_STYLES = {State.OK: "", State.ASK: "cyan", State.WARNING: "yellow", State.FAILED: "red"}
_LONGEST_NAME = 30


def doctor(
    deep: Annotated[
        bool, typer.Option("--deep", help="Also compare every model file with its hash and run the golden cases.")
    ] = False,
    whole_way: Annotated[
        bool,
        typer.Option("--whole-way", help="Also send a synthetic study through the running node, and remove it."),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Check machine, software, models, rules, ledger, queue, services, Orthanc, destinations and senders.

    Exit code 0: nothing fails (there may be warnings) · 6: something fails.
    """
    settings, node = context.settings(), context.appliance()
    checks: list[Check] = []
    with err.status("Looking …") as status:
        for check in examination(settings, node, Extent(deep=deep, whole_way=whole_way)):
            checks.append(check)
            status.update(f"{check.group}: {check.part}")
    if as_json:
        print_json([asdict(check) for check in checks])
    else:
        _show(checks)
    if any(check.state is State.FAILED for check in checks):
        raise typer.Exit(ExitCode.FAILED)


def _show(checks: list[Check]) -> None:
    """A block for each group; under a line that is not well, what to do."""
    for group in dict.fromkeys(check.group for check in checks):
        out.print(f"\n[bold]{group}[/]")
        table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 1))
        table.add_column(width=1)
        table.add_column(overflow="fold", min_width=_LONGEST_NAME, max_width=_LONGEST_NAME)
        table.add_column(overflow="fold")
        for check in checks:
            if check.group == group:
                detail = escape(check.detail) + (f"\n[bold]→[/] {escape(check.do)}" if check.do else "")
                table.add_row(_SIGNS[check.state], escape(check.part), detail, style=_STYLES[check.state])
        out.print(Padding(table, (0, 0, 0, 2), expand=False), highlight=False)
    out.print(f"\n{_summary(checks)}", highlight=False)


def _summary(checks: list[Check]) -> str:
    count = Counter(check.state for check in checks)
    parts = [f"{count[State.OK]} well"]
    if count[State.ASK]:
        parts.append(f"[cyan]{count[State.ASK]} to be tried from elsewhere[/]")
    if count[State.WARNING]:
        parts.append(f"[yellow]{_counted(count[State.WARNING], 'warning')}[/]")
    parts.append(f"[bold red]{_counted(count[State.FAILED], 'failure')}[/]" if count[State.FAILED] else "no failure")
    return " · ".join(parts)


def _counted(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
