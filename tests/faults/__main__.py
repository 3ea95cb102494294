"""`python -m tests.faults`: the long form, with every option."""

import argparse
import sys
import tempfile
from pathlib import Path

from tests.faults.battle import fight


def main() -> int:
    """Status 0 when nothing was lost, duplicated, wrong or stuck."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--studies", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--every", type=float, default=4.0, metavar="S", help="mean time between two kills")
    parser.add_argument("--pause", type=float, default=1.0, metavar="S", help="between two studies of a sender")
    parser.add_argument("--postgresql", action="store_true", help="keep the ledger in PostgreSQL, and kill that too")
    parser.add_argument("--folder", type=Path, help="keep everything here; a temporary folder otherwise")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="faults-") as temporary:
        verdict = fight(
            given.folder or Path(temporary),
            studies=given.studies,
            seed=given.seed,
            every_s=given.every,
            pause_s=given.pause,
            postgresql=given.postgresql,
            say=lambda line: print(line, flush=True),
        )
    for note in verdict.notes:
        print(f"  {note}")
    print(verdict)
    return 0 if verdict.is_clean else 1


if __name__ == "__main__":
    sys.exit(main())
