"""What is wrong with a text of rules."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleProblem:
    """One thing that is wrong; `line` counts from 1 and is None where it cannot be told."""

    what: str
    place: str = ""
    line: int | None = None

    def __str__(self) -> str:
        parts = [f"line {self.line}" if self.line else "", self.place, self.what]
        return ": ".join(part for part in parts if part)
