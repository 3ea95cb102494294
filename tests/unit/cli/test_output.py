"""Exit codes mean something, and every error says what to do."""

import pytest

from appliance.cli.output import ExitCode, cell, exit_code
from appliance.domain import errors


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.UsageError, ExitCode.USAGE),
        (errors.GantryTilt, ExitCode.REFUSED),
        (errors.SettingsError, ExitCode.SETTINGS),
        (errors.OrthancUnavailable, ExitCode.UNAVAILABLE),
        (errors.GoldenCaseFailed, ExitCode.MODEL),
        (errors.ResultRefused, ExitCode.FAILED),
    ],
)
def test_each_kind_of_error_has_its_exit_code(error: type[errors.ApplianceError], code: ExitCode) -> None:
    assert exit_code(error()) is code


def test_markup_in_a_value_has_no_effect() -> None:
    assert cell("[red]name[/]") == r"\[red]name\[/]"
    assert cell(("a", "b")) == "a, b"
    assert cell(None) == ""
