"""The catalogue: what is there, what may run, which version is active."""

import hashlib
from pathlib import Path

import pytest

from appliance.catalogue.packages import Catalogue, verify_files
from appliance.domain.errors import ManifestInvalid, ModelFileChanged, SettingsError, UnknownModel, WeightsMissing
from tests.unit.catalogue.test_manifest import MANIFEST, VOCABULARY

WEIGHTS = b"weights"


def add(root: Path, version: str = "1.2.0", *, weights: bytes | None = WEIGHTS) -> Path:
    folder = root / "spleen" / version
    (folder / "weights").mkdir(parents=True)
    text = MANIFEST.replace("1.2.0", version).replace("ab" * 32, hashlib.sha256(WEIGHTS).hexdigest())
    (folder / "manifest.toml").write_text(text, encoding="utf-8")
    if weights is not None:
        (folder / "weights" / "spleen.onnx").write_bytes(weights)
    return folder


def catalogue(root: Path) -> Catalogue:
    return Catalogue(root, VOCABULARY, root / "choices.json")


def test_adding_a_folder_adds_a_model_without_a_restart(tmp_path: Path) -> None:
    running = catalogue(tmp_path)
    assert running.active() == ()
    add(tmp_path)
    assert [package.identity for package in running.active()] == ["spleen@1.2.0"]


def test_the_highest_version_is_active_until_another_is_chosen(tmp_path: Path) -> None:
    add(tmp_path, "1.9.0")
    add(tmp_path, "1.10.0")
    running = catalogue(tmp_path)
    assert [package.version for package in running.active()] == ["1.10.0"]
    running.choose("spleen", "1.9.0")
    assert [package.version for package in catalogue(tmp_path).active()] == ["1.9.0"]
    running.choose("spleen", None)
    assert running.active() == ()


def test_a_package_without_its_weights_is_listed_but_never_runs(tmp_path: Path) -> None:
    add(tmp_path, weights=None)
    state = catalogue(tmp_path).find("spleen")
    assert isinstance(state.problem, WeightsMissing)
    assert catalogue(tmp_path).active() == ()


def test_one_broken_manifest_does_not_hide_the_others(tmp_path: Path) -> None:
    add(tmp_path, "1.2.0")
    broken = add(tmp_path, "1.3.0")
    (broken / "manifest.toml").write_text("nonsense", encoding="utf-8")
    states = catalogue(tmp_path).states()
    assert [state.name for state in states] == ["spleen@1.2.0", "spleen@1.3.0"]
    assert isinstance(states[1].problem, ManifestInvalid)
    assert [package.version for package in catalogue(tmp_path).active()] == ["1.2.0"]


def test_a_folder_named_otherwise_than_its_package_is_refused(tmp_path: Path) -> None:
    add(tmp_path).rename(tmp_path / "spleen" / "7.7.7")
    problem = catalogue(tmp_path).states()[0].problem
    assert isinstance(problem, ManifestInvalid)
    assert "<name>/<version>" in problem.what


def test_a_changed_file_is_found(tmp_path: Path) -> None:
    folder = add(tmp_path)
    package = catalogue(tmp_path).active()[0]
    verify_files(package)
    (folder / "weights" / "spleen.onnx").write_bytes(b"tampered")
    with pytest.raises(ModelFileChanged, match="another sha256"):
        verify_files(package)


def test_an_unknown_name_is_refused(tmp_path: Path) -> None:
    add(tmp_path)
    with pytest.raises(UnknownModel, match="no such model package"):
        catalogue(tmp_path).find("liver")
    with pytest.raises(UnknownModel, match="did you mean spleen"):
        catalogue(tmp_path).find("splen")


@pytest.mark.parametrize("content", ["{", "[1]", "7"])
def test_choices_that_cannot_be_read_are_named(tmp_path: Path, content: str) -> None:
    add(tmp_path)
    (tmp_path / "choices.json").write_text(content, encoding="utf-8")
    with pytest.raises(SettingsError, match="remove the file"):
        catalogue(tmp_path).states()
