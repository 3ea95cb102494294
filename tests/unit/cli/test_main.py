"""Whatever is typed: an exit code that means something, a word on what to do, and never a traceback."""

from pathlib import Path

import pytest

from appliance import __version__
from appliance.cli.output import ExitCode
from tests.unit.cli.conftest import Run

COMMANDS = {
    "studies": ("list", "show", "run"),
    "workitems": ("list", "show", "retry", "cancel"),
    "results": ("list", "show", "save"),
    "models": ("list", "show", "check", "pull", "add", "remove", "enable", "disable"),
    "rules": ("show", "check", "try", "activate", "rollback", "history", "diff"),
    "destinations": ("list", "show", "echo", "retry"),
    "samples": ("pull",),
}
SINGLE = ("process", "doctor", "up", "down", "status")


@pytest.mark.parametrize("command", [*COMMANDS, *SINGLE])
def test_the_help_names_every_command(run: Run, home: Path, command: str) -> None:
    said = run("--help")
    assert said.code == ExitCode.DONE
    assert f" {command} " in said.out


def test_the_help_says_how_to_begin_and_what_exit_codes_mean(run: Run, home: Path) -> None:
    text = " ".join(run("-h").out.split())
    assert "appliance process FOLDER --out OUT" in text
    assert "2 wrong usage" in text


@pytest.mark.parametrize(("group", "command"), [(group, name) for group, names in COMMANDS.items() for name in names])
def test_every_command_explains_itself_in_a_sentence(run: Run, home: Path, group: str, command: str) -> None:
    said = run(group, command, "--help")
    assert said.code == ExitCode.DONE
    assert any(line.strip().endswith(".") for line in said.out.splitlines())
    assert not (home / "state").exists()


@pytest.mark.parametrize("group", COMMANDS)
def test_a_group_without_a_command_shows_its_commands(run: Run, home: Path, group: str) -> None:
    said = run(group)
    assert said.code == ExitCode.USAGE
    assert all(name in said.out for name in COMMANDS[group])


def test_the_version_is_the_packages(run: Run, home: Path) -> None:
    assert run("--version").out == f"appliance {__version__}\n"


WRONG = [
    (("nonsense",), ExitCode.USAGE, "No such command"),
    (("studies", "show"), ExitCode.USAGE, "Missing argument"),
    (("studies", "show", "nope"), ExitCode.USAGE, "no study has a UID that ends so"),
    (("studies", "show", ""), ExitCode.USAGE, "name the study"),
    (("studies", "list", "--limit", "0"), ExitCode.USAGE, "--limit"),
    (("workitems", "show", "nope"), ExitCode.USAGE, "no workitem"),
    (("workitems", "retry", "nope"), ExitCode.USAGE, "no workitem"),
    (("workitems", "cancel", "nope"), ExitCode.USAGE, "no workitem"),
    (("workitems", "list", "--state", "DONE"), ExitCode.USAGE, "--state"),
    (("results", "list", "nope"), ExitCode.USAGE, "no study"),
    (("results", "show", "nope"), ExitCode.USAGE, "no study"),
    (("results", "save", "nope"), ExitCode.USAGE, "no study"),
    (("models", "show", "nope"), ExitCode.MODEL, "no such model package"),
    (("models", "check", "nope"), ExitCode.MODEL, "no such model package"),
    (("models", "enable", "nope"), ExitCode.MODEL, "no such model package"),
    (("models", "enable", "blob@9.9.9"), ExitCode.MODEL, "no such model package"),
    (("models", "disable", "nope"), ExitCode.MODEL, "no such model package"),
    (("models", "pull", "nope"), ExitCode.MODEL, "no such model package"),
    (("models", "add", "nope"), ExitCode.MODEL, "the manifest cannot be read"),
    (("models", "remove", "blob"), ExitCode.USAGE, "in full, such as blob@1.0.0"),
    (("models", "show", "../../etc"), ExitCode.MODEL, "no such model package"),
    (("destinations", "show", "nope"), ExitCode.SETTINGS, "no such destination"),
    (("destinations", "echo", "nope"), ExitCode.SETTINGS, "no such destination"),
    (("process", "nope", "--out", "x"), ExitCode.USAGE, "no such file or folder"),
    (("up", "--once"), ExitCode.USAGE, "--once belongs to --demo"),
    (("--config", "nope.toml", "studies", "list"), ExitCode.SETTINGS, "does not exist"),
]


@pytest.mark.parametrize(("arguments", "code", "said"), WRONG)
def test_wrong_use_ends_with_its_code_and_a_reason(
    run: Run, home: Path, arguments: tuple[str, ...], code: ExitCode, said: str
) -> None:
    ended = run(*arguments)
    assert ended.code == code
    assert said in " ".join(ended.err.replace("│", " ").split())


@pytest.mark.parametrize(
    ("content", "code", "said"),
    [
        (b"\xff\xfe", ExitCode.SETTINGS, "not valid TOML"),
        (b"dicom = ", ExitCode.SETTINGS, "not valid TOML"),
        (b"x = " + b"[" * 10_000, ExitCode.SETTINGS, "not valid TOML"),
        (b"x = " + b"1" * 5_000, ExitCode.SETTINGS, "not valid TOML"),
        (b"nonsense = 1", ExitCode.SETTINGS, "nonsense"),
        (b"[dicom]\nport = 0", ExitCode.SETTINGS, "dicom.port"),
        (b'database_url = "nonsense://x"', ExitCode.SETTINGS, "names no database"),
        (b'database_url = "sqlite:////proc/nowhere/ledger"', ExitCode.UNAVAILABLE, "does not answer"),
        (b'state_dir = "bad.toml"', ExitCode.SETTINGS, "the state folder cannot be made"),
    ],
)
def test_wrong_settings_end_with_a_reason(run: Run, home: Path, content: bytes, code: ExitCode, said: str) -> None:
    (home / "bad.toml").write_bytes(content)
    ended = run("--config", "bad.toml", "studies", "list")
    assert ended.code == code
    assert said in ended.err
    assert "do     " in ended.err


def test_a_password_in_the_database_address_is_not_printed(run: Run, home: Path) -> None:
    (home / "bad.toml").write_text('database_url = "nonsense://user:hunter2@host/x"', encoding="utf-8")
    ended = run("--config", "bad.toml", "studies", "list")
    assert "hunter2" not in ended.err + ended.out
