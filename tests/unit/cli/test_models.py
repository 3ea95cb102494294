"""`appliance models`: what is there, whether it may run, and switching it."""

from pathlib import Path

import pytest
import typer

from appliance.cli.output import ExitCode
from tests.helpers.tiny_models import write_threshold_package
from tests.unit.cli.conftest import Run


def states(run: Run) -> dict[str, str]:
    return {row["name"]: row["state"] for row in run("models", "list", "--json").data}


def test_a_package_is_listed_with_its_state(run: Run, home: Path) -> None:
    (row,) = run("models", "list", "--json").data
    assert (row["name"], row["state"], row["problem"]) == ("blob@1.0.0", "ready", "")
    assert "Voxels above 200" in run("models", "list").out


def test_the_highest_version_is_active_until_another_is_enabled(run: Run, home: Path) -> None:
    write_threshold_package(home / "models", version="1.10.0")
    assert states(run) == {"blob@1.0.0": "off", "blob@1.10.0": "ready"}
    assert run("models", "enable", "blob@1.0.0").out == "blob@1.0.0 is active\n"
    assert states(run) == {"blob@1.0.0": "ready", "blob@1.10.0": "off"}


def test_a_disabled_model_stays_off_until_it_is_enabled(run: Run, home: Path) -> None:
    assert run("models", "disable", "blob").out == "blob is off\n"
    assert states(run) == {"blob@1.0.0": "off"}
    run("models", "enable", "blob")
    assert states(run) == {"blob@1.0.0": "ready"}


def test_an_invalid_manifest_is_listed_as_such_and_stops_no_other(run: Run, home: Path) -> None:
    broken = write_threshold_package(home / "models", "broken")
    (broken / "manifest.toml").write_text("schema = 1", encoding="utf-8")
    assert states(run) == {"blob@1.0.0": "ready", "broken@1.0.0": "invalid"}
    assert run("models", "show", "broken").code == ExitCode.MODEL


def test_missing_weights_say_so(run: Run, home: Path) -> None:
    (home / "models" / "blob" / "1.0.0" / "model.onnx").unlink()
    assert states(run) == {"blob@1.0.0": "needs pull"}
    ended = run("models", "check")
    assert ended.code == ExitCode.MODEL
    assert "model-weights-missing" in ended.out


def test_show_says_what_a_package_takes_and_prints_its_card(run: Run, home: Path) -> None:
    (home / "models" / "blob" / "1.0.0" / "MODEL_CARD.md").write_text("# What it cannot do\n", encoding="utf-8")
    facts = run("models", "show", "blob", "--json").data
    assert facts["takes"] == ["Modality is CT", "NumberOfSlices at least 3"]
    assert facts["model_card"] == "# What it cannot do\n"
    assert "What it cannot do" in run("models", "show", "blob@1.0.0").out


def test_check_verifies_the_hash_of_every_file(run: Run, home: Path) -> None:
    assert run("models", "check").code == ExitCode.DONE
    (home / "models" / "blob" / "1.0.0" / "model.onnx").write_bytes(b"another")
    ended = run("models", "check", "--json")
    assert ended.code == ExitCode.MODEL
    assert "model-file-changed" in ended.data[0]["detail"]


def test_check_takes_a_folder_that_is_not_installed(run: Run, home: Path) -> None:
    folder = write_threshold_package(home / "elsewhere", "other")
    (row,) = run("models", "check", folder, "--json").data
    assert (row["name"], row["state"]) == ("other@1.0.0", "ok")


def test_add_copies_a_checked_package_once(run: Run, home: Path) -> None:
    folder = write_threshold_package(home / "elsewhere", "other")
    assert run("models", "add", folder).code == ExitCode.DONE
    assert states(run)["other@1.0.0"] == "ready"
    again = run("models", "add", folder)
    assert again.code == ExitCode.USAGE
    assert "a changed model needs a new version" in again.err


def test_add_refuses_a_package_whose_files_changed(run: Run, home: Path) -> None:
    folder = write_threshold_package(home / "elsewhere", "other")
    (folder / "model.onnx").write_bytes(b"another")
    assert run("models", "add", folder).code == ExitCode.MODEL
    assert not (home / "models" / "other").exists()


def test_remove_asks_first(run: Run, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no(*_: object, **__: object) -> None:
        raise typer.Abort

    monkeypatch.setattr(typer, "confirm", no)
    assert run("models", "remove", "blob@1.0.0").code != ExitCode.DONE
    assert states(run) == {"blob@1.0.0": "ready"}


def test_remove_deletes_the_version(run: Run, home: Path) -> None:
    assert run("models", "remove", "blob@1.0.0", "--yes").code == ExitCode.DONE
    assert states(run) == {}


def test_pull_has_nothing_to_do_without_recipes(run: Run, home: Path) -> None:
    ended = run("models", "pull")
    assert (ended.code, ended.out) == (ExitCode.DONE, "No recipes here.\n")


def test_a_model_whose_recipe_is_wrong_is_named(run: Run, home: Path) -> None:
    (home / "models" / "blob" / "1.0.0" / "recipe.toml").write_text("nonsense", encoding="utf-8")
    ended = run("models", "pull", "--json")
    assert ended.code == ExitCode.MODEL
    assert ended.data[0]["state"] == "failed"
