"""Small modules, one idea each: whoever grows one beyond the bound gives the reason here."""

from pathlib import Path

BOUND = 250
REASONS = {
    "appliance/domain/errors.py": "one tree, to be read in one piece; most lines are titles and remedies",
    "appliance/store/schema.py": "every table of the ledger on one page",
    "appliance/settings.py": "every setting on one page",
}


def lines_of(project: Path) -> dict[str, int]:
    files = [*project.glob("appliance/**/*.py"), *project.glob("orthanc/**/*.py")]
    return {str(file.relative_to(project)): len(file.read_text(encoding="utf-8").splitlines()) for file in files}


def test_no_module_is_long_without_a_reason(project: Path) -> None:
    long = {file: count for file, count in lines_of(project).items() if count > BOUND}
    assert {file: count for file, count in long.items() if file not in REASONS} == {}


def test_every_reason_is_needed(project: Path) -> None:
    sizes = lines_of(project)
    assert [file for file in REASONS if sizes.get(file, 0) <= BOUND] == []
