"""Line numbers for a text of rules. The TOML reader keeps none, so they are looked for, and given only where it is
certain which line is meant.
"""

import re
from itertools import pairwise

_HEADER = re.compile(r"^\s*\[\[\s*rules\s*\]\]")


class TomlLines:
    """The lines of a text with `count` tables `[[rules]]`; none is known where they are written in another way."""

    def __init__(self, text: str, count: int) -> None:
        self._lines = text.splitlines()
        headers = [number for number, line in enumerate(self._lines) if _HEADER.match(line)]
        bounds = [*headers, len(self._lines)]
        self._blocks = list(pairwise(bounds)) if len(headers) == count else []

    def of(self, rule: int, key: str = "") -> int | None:
        """The line (from 1) of the only place of `key` in the rule, else the line on which the rule begins."""
        if rule >= len(self._blocks):
            return None
        first, last = self._blocks[rule]
        place = re.compile(rf'(?<![\w-])["\']?{re.escape(key)}["\']?\s*=') if key else None
        found = [number for number in range(first, last) if place and place.search(self._lines[number])]
        return (found[0] if len(found) == 1 else first) + 1
