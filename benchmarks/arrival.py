"""How long a study waits after its last slice, and how often it is started too early: ours against fixed waits.

    python -m benchmarks arrival

Replays recorded and synthesised arrivals through the pure decision on a virtual clock, one study after another, so that
the rhythms of senders are learned on the way. A node adds what fetching takes and half a second of its scheduler. A
start that was too early is repaired: what comes later makes new workitems, whose results supersede the earlier ones.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta

import numpy as np
from rich.table import Table

from appliance.cli.output import out
from appliance.study.arrival import Rhythms
from benchmarks.arrival_traces import (
    SEED,
    Policy,
    Trace,
    adaptive,
    fixed,
    learned,
    premature,
    recorded,
    replay,
    synthesised,
    wait_after_last,
)

SYNTHESISED = 196
FIXED_S = (5.0, 60.0)
STABLE_AGE = timedelta(seconds=10)  # as the node sets it up
NEVER = timedelta(days=1)


@dataclass(slots=True)
class Outcome:
    """What one policy made of traces: seconds after the last slice, and starts that were replaced."""

    waits: list[float] = field(default_factory=list)
    premature: list[int] = field(default_factory=list)

    def add(self, trace: Trace, policy: Policy, stable_age: timedelta = NEVER) -> None:
        """Replay a trace."""
        starts = replay(trace, policy, stable_age)
        self.waits.append(wait_after_last(trace, starts).total_seconds())
        self.premature.append(premature(starts))


def main() -> None:
    """Replay and print."""
    sources = recorded()
    traces = [*sources, *synthesised(sources, SYNTHESISED)]
    outcomes = measured(traces)
    for policy, by_kind in outcomes.items():
        _print(policy, by_kind)
    out.print(
        f"{len(sources)} recorded traces, {SYNTHESISED} made from them (seed {SEED}); "
        f"Orthanc's stable age is {STABLE_AGE.total_seconds():g} s.",
        highlight=False,
    )


def measured(traces: Iterable[Trace]) -> dict[str, dict[str, Outcome]]:
    """Policy -> kind of trace -> outcome; ours learns from each trace for the next."""
    outcomes: dict[str, dict[str, Outcome]] = defaultdict(lambda: defaultdict(Outcome))
    rhythms: Rhythms = {}
    for trace in traces:
        outcomes["adaptive"][trace.kind].add(trace, adaptive(rhythms), STABLE_AGE)
        for seconds in FIXED_S:
            outcomes[f"fixed {seconds:g} s"][trace.kind].add(trace, fixed(seconds))
        rhythms = learned(rhythms, trace)
    return outcomes


def _print(policy: str, by_kind: dict[str, Outcome]) -> None:
    title = f"{policy}: seconds from the last slice to the start that stands"
    table = Table(title=title, box=None, title_justify="left")
    table.add_column("arrivals")
    for heading in ("studies", "median", "p95", "max", "started too early"):
        table.add_column(heading, justify="right")
    for kind, outcome in sorted(by_kind.items()):
        _row(table, kind, [outcome])
    _row(table, "all", list(by_kind.values()))
    out.print(table)
    out.print()


def _row(table: Table, name: str, outcomes: list[Outcome]) -> None:
    waits = np.array([wait for outcome in outcomes for wait in outcome.waits])
    early = [count for outcome in outcomes for count in outcome.premature]
    figures = (np.median(waits), np.percentile(waits, 95), waits.max())
    table.add_row(name, str(len(waits)), *(f"{figure:.2f}" for figure in figures), f"{sum(map(bool, early))}")


if __name__ == "__main__":
    main()
