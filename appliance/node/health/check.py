"""One check: what was looked at, how it is, and what an administrator does about it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from appliance.domain.errors import ApplianceError


class State(StrEnum):
    """How a part is. ASK: only a person elsewhere can try it."""

    OK = "ok"
    ASK = "ask"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One line of the examination. No patient data."""

    group: str
    part: str
    state: State
    detail: str
    do: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A check before it knows its group."""

    part: str
    state: State
    detail: str
    do: str = ""


Look = Callable[[], Iterator[Line]]
"""A function that looks at one part; an ApplianceError or OSError that it raises is that part's failure."""


def ok(part: str, detail: str) -> Line:
    """This part is as it should be."""
    return Line(part=part, state=State.OK, detail=detail)


def ask(part: str, detail: str, do: str) -> Line:
    """Somebody elsewhere has to try this."""
    return Line(part=part, state=State.ASK, detail=detail, do=do)


def warning(part: str, detail: str, do: str) -> Line:
    """This works, but should be seen to."""
    return Line(part=part, state=State.WARNING, detail=detail, do=do)


def failed(part: str, detail: str, do: str) -> Line:
    """This does not work."""
    return Line(part=part, state=State.FAILED, detail=detail, do=do)


def examine(group: str, part: str, look: Look) -> Iterator[Check]:
    """The checks of one look; what it raises becomes a failure of `part`, so that the others are still looked at."""
    try:
        for line in look():
            yield Check(group=group, part=line.part, state=line.state, detail=line.detail, do=line.do)
    except ApplianceError as error:
        yield Check(group=group, part=part, state=State.FAILED, detail=str(error), do=error.remedy)
    except OSError as error:
        detail = f"{error.strerror or type(error).__name__} ({error.filename or 'no file'})"
        yield Check(group=group, part=part, state=State.FAILED, detail=detail, do="Mend or free this file.")
