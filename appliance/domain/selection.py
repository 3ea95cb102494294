"""Which series a package runs on, and why not on the others."""

from dataclasses import dataclass

from appliance.domain.conditions import Condition
from appliance.domain.hours import Hours
from appliance.domain.identifiers import SeriesInstanceUID
from appliance.domain.workitem import Priority


@dataclass(frozen=True, slots=True, kw_only=True)
class Considered:
    """One series held against the criteria of one package.

    reasons: for a series that does not fit, one sentence per criterion that fails; for one that fits, the preferences
    that hold.
    """

    series_instance_uid: SeriesInstanceUID
    modality: str
    fits: bool
    score: float
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """The outcome for one package on one study; `chosen` is empty when the package is NOT APPLICABLE.

    rules: names of the rules that asked for the package; empty when no rules are set and every package is asked for.
    """

    package: str
    chosen: tuple[SeriesInstanceUID, ...]
    considered: tuple[Considered, ...]
    rules: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Routing: studies with a series on which all of `when` hold go to `models`, and their results to `destinations`.

    models: package names; "*" stands for every package that runs without being asked for by name. destinations:
    names; "*" stands for all. run_between: the hours in which work may be started, unless it is HIGH (STAT). A rule
    that is not enabled never holds.
    """

    name: str
    when: tuple[Condition, ...] = ()
    models: tuple[str, ...] = ("*",)
    destinations: tuple[str, ...] = ("*",)
    priority: Priority = Priority.MEDIUM
    language: str | None = None
    run_between: Hours | None = None
    enabled: bool = True
    comment: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesChoice:
    """A person chose the series that a package runs on.

    revision: 0, or the number of the deliberate re-analysis if the package ran on that series before. unmet: the
    criteria of the package that the series does not meet; such a choice is for demonstration, its results say so and
    stay in the node.
    """

    package: str
    series_instance_uid: SeriesInstanceUID
    revision: int = 0
    unmet: tuple[str, ...] = ()


EVERYTHING = Rule(name="everything")
"""What holds when no rules file is there."""
