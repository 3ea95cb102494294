"""How the command line speaks: tables for people, JSON for scripts, errors that say what to do."""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from enum import IntEnum, StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from appliance.domain.errors import (
    ApplianceError,
    InputRefused,
    ModelPackageError,
    SettingsError,
    TransientError,
    UsageError,
)


class ExitCode(IntEnum):
    """What a finished command says to a script."""

    DONE = 0
    REFUSED = 1
    USAGE = 2
    SETTINGS = 3
    UNAVAILABLE = 4
    MODEL = 5
    FAILED = 6


_EXIT_CODES: tuple[tuple[type[ApplianceError], ExitCode], ...] = (
    (UsageError, ExitCode.USAGE),
    (SettingsError, ExitCode.SETTINGS),
    (InputRefused, ExitCode.REFUSED),
    (ModelPackageError, ExitCode.MODEL),
    (TransientError, ExitCode.UNAVAILABLE),
)

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]

_WIDTH_WITHOUT_TERMINAL = 150
out = Console() if sys.stdout.isatty() else Console(width=_WIDTH_WITHOUT_TERMINAL)
err = Console(stderr=True)


def exit_code(error: ApplianceError) -> ExitCode:
    """The exit code for an error of the tree."""
    return next((code for kind, code in _EXIT_CODES if isinstance(error, kind)), ExitCode.FAILED)


def complain(error: ApplianceError) -> None:
    """Say what is wrong, where, and what to do."""
    err.print(f"[bold red]{escape(error.code)}[/]  {escape(error.what)}", highlight=False)
    if error.where:
        err.print(f"  where  {escape(error.where)}", highlight=False, soft_wrap=True)
    err.print(f"  do     {escape(error.remedy)}", highlight=False)


def print_json(data: Any) -> None:
    """Stable, readable JSON on standard output."""
    sys.stdout.write(json.dumps(data, indent=2, ensure_ascii=False, default=_plain) + "\n")


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, StrEnum | Path):
        return str(value)
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} is not meant for JSON")


_TO_BE_COPIED = frozenset({"study"})
"""Columns whose values people paste into the next command; the others give way where a line is too narrow."""


def show(
    rows: Sequence[Mapping[str, Any]], columns: Mapping[str, str], *, as_json: bool, title: str = "", empty: str = ""
) -> None:
    """Print `rows`: all their keys as JSON, or `columns` (key -> heading) as a table; `empty` when there are none."""
    if as_json:
        print_json(list(rows))
        return
    if not rows:
        out.print(empty or "Nothing yet.")
        return
    table = Table(title=title or None, title_justify="left", header_style="bold", pad_edge=False, box=None)
    for key, heading in columns.items():
        table.add_column(heading, overflow="fold", no_wrap=key in _TO_BE_COPIED)
    for row in rows:
        table.add_row(*(cell(row.get(key)) for key in columns))
    out.print(table)


def cell(value: Any) -> str:
    """A value as a table shows it; markup in it has no effect."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.2f}"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, str):
        return coloured(value)
    if isinstance(value, Iterable):
        return escape(", ".join(str(item) for item in value))
    return escape(str(value))


_COLOURS = {
    "COMPLETED": "green",
    "IN PROGRESS": "cyan",
    "SCHEDULED": "cyan",
    "CANCELED": "red",
    "delivered": "green",
    "dead": "red",
    "ok": "green",
    "failed": "red",
    "warning": "yellow",
    "refused": "red",
    "NOT APPLICABLE": "dim",
}


def coloured(word: str) -> str:
    """A state word in its colour; every other text as it is."""
    colour = _COLOURS.get(word)
    return f"[{colour}]{escape(word)}[/]" if colour else escape(word)


def short(uid: str) -> str:
    """The end of a UID, enough to tell rows apart; commands accept it as well as the whole."""
    return uid[-8:]
