"""`python -m benchmarks [NAME …]`: the benchmarks of these names, or every one, one after another."""

import sys
from collections.abc import Callable

from benchmarks import arrival, dicomweb, whole_way

BENCHMARKS: dict[str, Callable[[], None]] = {
    "arrival": arrival.main,
    "dicomweb": dicomweb.main,
    "whole_way": whole_way.main,
}


def main(names: list[str]) -> int:
    """Run them; status 2 for a name that is none."""
    if unknown := sorted(set(names) - BENCHMARKS.keys()):
        print(f"no such benchmark: {', '.join(unknown)}; there are {', '.join(BENCHMARKS)}", file=sys.stderr)
        return 2
    for name in names or BENCHMARKS:
        BENCHMARKS[name]()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
