"""`appliance support-bundle`."""

import zipfile
from pathlib import Path

from appliance.cli.output import ExitCode
from tests.unit.cli.conftest import Run


def test_the_bundle_is_written_and_never_over_another_file(run: Run, home: Path) -> None:
    assert run("support-bundle", "--out", home / "out.zip").code == ExitCode.DONE
    with zipfile.ZipFile(home / "out.zip") as bundle:
        assert "doctor.json" in bundle.namelist()
    again = run("support-bundle", "--out", home / "out.zip")
    assert (again.code, "there already" in again.err) == (ExitCode.USAGE, True)
    assert run("support-bundle", "--out", home / "out.zip", "--force").code == ExitCode.DONE


def test_a_folder_that_is_not_there_is_wrong_usage(run: Run, home: Path) -> None:
    assert run("support-bundle", "--out", home / "missing" / "out.zip").code == ExitCode.USAGE
