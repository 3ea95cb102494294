"""Recipes are read strictly."""

from pathlib import Path

import pytest

from appliance.catalogue.recipe import RECIPE, FilledFile, has_recipe, read_recipe
from appliance.domain.errors import RecipeRefused
from tests.unit.catalogue.foreign import MEMBER, make_wheel, recipe_text


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / RECIPE).write_text(recipe_text(make_wheel(tmp_path, {}), "0" * 64), encoding="utf-8")
    return tmp_path


def change(folder: Path, old: str, new: str) -> None:
    text = (folder / RECIPE).read_text(encoding="utf-8")
    assert old in text
    (folder / RECIPE).write_text(text.replace(old, new), encoding="utf-8")


def test_a_recipe_says_where_from_and_how(folder: Path) -> None:
    recipe = read_recipe(folder)
    (file,) = recipe.files
    assert (recipe.source.package, recipe.source.version) == ("tiny", "1.0")
    assert isinstance(file, FilledFile)
    assert (file.path, file.members) == ("weights/net.onnx", {"net": MEMBER})


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("licence =", "license =", "source.license: unknown key; did you mean 'licence'"),
        ("key_map =", "keymap =", "did you mean 'key_map'"),
        ("schema = 1", "schema = 1\nfrobnicate = 2", "unknown key; known: files, schema, source"),
        ("schema = 1", "schema = 2", "schema"),
        ('reader = "torch-zip"', 'reader = "pickle"', "files.0.fill.reader"),
        ('make = "fill"', 'make = "build"', "files.0"),
        ('path = "weights/net.onnx"', 'path = "../net.onnx"', "path"),
        ('path = "weights/net.onnx"', 'path = "weights/../../net.onnx"', "path"),
        ('path = "weights/net.onnx"', 'path = "/etc/net.onnx"', "path"),
        ('skeleton = "net', 'skeleton = "../net', "skeleton"),
        (".whl", ".tar.gz", "source.file"),
        ('package = "tiny"', 'package = "--index-url=x"', "source.package"),
        ('version = "1.0"', 'version = "1.0 --pre"', "source.version"),
        ("schema = 1", "schema", "not TOML"),
    ],
)
def test_what_is_not_known_is_refused_with_what_is(folder: Path, old: str, new: str, said: str) -> None:
    change(folder, old, new)
    with pytest.raises(RecipeRefused) as refused:
        read_recipe(folder)
    assert said in refused.value.what


def test_a_folder_without_a_recipe_is_told_apart(tmp_path: Path) -> None:
    assert not has_recipe(tmp_path)
    with pytest.raises(RecipeRefused, match="no recipe"):
        read_recipe(tmp_path)


def test_every_recipe_of_this_repository_is_valid(project: Path) -> None:
    recipes = sorted((project / "models_onnx").glob(f"*/*/{RECIPE}"))
    assert len(recipes) >= 6
    for path in recipes:
        recipe = read_recipe(path.parent)
        parts = [
            part for file in recipe.files if isinstance(file, FilledFile) for part in (file.skeleton, file.key_map)
        ]
        assert [part for part in (*parts, "LICENSE", "ATTRIBUTION.md") if not (path.parent / part).is_file()] == []
