"""Progress of downloads on a terminal."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

from appliance.cli.output import err

Report = Callable[[str, int, int], None]


@contextmanager
def download_progress(name: str) -> Iterator[Report]:
    """A bar on standard error for calls of (what, done, total), total 0 where it is not known."""
    columns = (TextColumn("{task.description}"), BarColumn(bar_width=24), DownloadColumn())
    with Progress(*columns, console=err, transient=True) as progress:
        task = progress.add_task(name, total=None)

        def report(what: str, done: int, total: int) -> None:
            progress.update(task, description=f"{name}: {what}", completed=done, total=total or None)

        yield report
