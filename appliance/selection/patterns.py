"""Regular expressions of rules and manifests, in RE2: the time of a search is linear in the text, whatever the pattern.

RE2 has neither lookaround nor back references, which is what makes that promise possible.
"""

import functools
from typing import Any

import re2

_LONGEST = 1000
_OPTIONS = re2.Options()
_OPTIONS.log_errors = False
_OPTIONS.max_mem = 8 << 20
_HINTS = {
    "invalid perl operator": "lookahead and lookbehind are not supported; use `excludes`, or `not` in a rule",
    "invalid escape sequence": "this escape is not supported",
    "invalid repetition size": "at most 1000 repetitions",
}


def search(pattern: str, text: str) -> bool:
    """Whether `pattern` is found in `text`. The pattern must have no `problem`."""
    # text that a header declares wrongly may hold lone surrogates, which have no place in UTF-8
    readable = text.encode("utf-8", "replace").decode("utf-8")
    return _compiled(pattern).search(readable) is not None


def problem(pattern: str) -> str | None:
    """What is wrong with `pattern`, and at which character (from 1); None if it compiles."""
    if len(pattern) > _LONGEST:
        return f"longer than {_LONGEST} characters"
    try:
        _compiled(pattern)
    except re2.error as error:
        said = error.args[0].decode("utf-8", "replace") if isinstance(error.args[0], bytes) else str(error.args[0])
        kind, _, fragment = said.partition(": ")
        hint = _HINTS.get(kind)
        place = _position(pattern, kind, fragment)
        return f"{said} at character {place + 1}" + (f" ({hint})" if hint else "")
    except UnicodeEncodeError as error:
        return f"not a character at character {error.start + 1}"
    return None


@functools.lru_cache(maxsize=1024)
def _compiled(pattern: str) -> Any:
    return re2.compile(pattern, _OPTIONS)


def _position(pattern: str, said: str, fragment: str) -> int:
    """Where the fault is: RE2 names the fragment that begins with it, but for an open group the whole pattern."""
    return _open_group(pattern) if said == "missing )" else max(pattern.find(fragment), 0)


def _open_group(pattern: str) -> int:
    """The index of the innermost bracket that nothing closes."""
    opened: list[int] = []
    in_class = escaped = False
    for index, character in enumerate(pattern):
        if escaped:
            escaped = False
        elif character == "\\":
            escaped = True
        elif in_class:
            in_class = character != "]"
        elif character == "[":
            in_class = True
        elif character == "(":
            opened.append(index)
        elif character == ")" and opened:
            opened.pop()
    return opened[-1] if opened else 0
