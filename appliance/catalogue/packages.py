"""The packages in `models_onnx/`: which are there, which are usable, which version is active.

The folder is read anew when it is asked for and a manifest has changed, so that adding a folder adds a model without
a restart.
"""

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from appliance.catalogue.manifest import Vocabulary, parse_manifest
from appliance.domain.errors import (
    ManifestInvalid,
    ModelFileChanged,
    ModelPackageError,
    SettingsError,
    UnknownModel,
    WeightsMissing,
)
from appliance.domain.model_package import ModelPackage

MANIFEST = "manifest.toml"


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageState:
    """One package folder: the package if its manifest is valid, what is wrong with it, and whether it is the active
    version.
    """

    folder: Path
    package: ModelPackage | None
    problem: ModelPackageError | None
    active: bool

    @property
    def name(self) -> str:
        """`name@version`, from the manifest where it is readable, else from the folders."""
        return self.package.identity if self.package else f"{self.folder.parent.name}@{self.folder.name}"


class Catalogue:
    """All packages below one folder (`<name>/<version>/manifest.toml`).

    `choices` is a JSON file {name: version or null}: the active version of a name, null for none. A name that it does
    not hold has its highest version active.
    """

    def __init__(self, folder: Path, vocabulary: Vocabulary, choices: Path) -> None:
        self._folder = folder
        self._vocabulary = vocabulary
        self._choices = choices
        self._parsed: dict[Path, tuple[tuple[int, int], ModelPackage]] = {}

    def active(self) -> tuple[ModelPackage, ...]:
        """The packages that may run: active version, valid manifest, files there."""
        return tuple(s.package for s in self.states() if s.active and s.package and not s.problem)

    def states(self) -> tuple[PackageState, ...]:
        """Every package folder, sorted by name and version."""
        read = [(manifest.parent, *self._read(manifest)) for manifest in sorted(self._folder.glob(f"*/*/{MANIFEST}"))]
        choices = self._read_choices()
        highest: dict[str, tuple[int, ...]] = {}
        for _, package, _ in read:
            if package:
                highest[package.name] = max(highest.get(package.name, ()), _version(package.version))
        return tuple(
            PackageState(
                folder=folder,
                package=package,
                problem=problem,
                active=package is not None and _is_active(package, choices, highest[package.name]),
            )
            for folder, package, problem in read
        )

    def find(self, name: str) -> PackageState:
        """The state of `name` or `name@version`; the active version wins.

        Raises UnknownModel if there is none.
        """
        states = self.states()
        matching = [s for s in states if s.name == name or s.name.split("@")[0] == name]
        if not matching:
            near = get_close_matches(name, {s.name.split("@")[0] for s in states}, n=1)
            raise UnknownModel(f"did you mean {near[0]}?" if near else "", where=name)
        return next((s for s in matching if s.active), matching[-1])

    def choose(self, name: str, version: str | None) -> None:
        """Make `version` the active one of `name`; None switches the model off."""
        choices = {**self._read_choices(), name: version}
        self._choices.parent.mkdir(parents=True, exist_ok=True)
        draft = self._choices.with_suffix(f".{os.getpid()}.new")
        draft.write_text(json.dumps(choices, indent=2, sort_keys=True) + "\n", encoding="utf-8")
        draft.replace(self._choices)

    def _read_choices(self) -> dict[str, str | None]:
        if not self._choices.is_file():
            return {}
        try:
            return dict(json.loads(self._choices.read_text(encoding="utf-8")))
        except (ValueError, TypeError) as error:
            raise SettingsError(
                "the choice of models cannot be read; remove the file", where=str(self._choices)
            ) from error

    def _read(self, manifest: Path) -> tuple[ModelPackage | None, ModelPackageError | None]:
        try:
            package = self._parse(manifest)
        except ModelPackageError as error:
            return None, error
        missing = next((f.path for f in package.files.values() if not (manifest.parent / f.path).is_file()), None)
        return package, WeightsMissing(f"{missing} is not there", where=package.identity) if missing else None

    def _parse(self, manifest: Path) -> ModelPackage:
        status = manifest.stat()
        stamp = (status.st_mtime_ns, status.st_size)
        known = self._parsed.get(manifest)
        if known and known[0] == stamp:
            return known[1]
        package = parse_manifest(manifest, self._vocabulary)
        expected = (manifest.parent.parent.name, manifest.parent.name)
        if (package.name, package.version) != expected:
            raise ManifestInvalid("the folders must be named <name>/<version>", where=str(manifest))
        self._parsed[manifest] = (stamp, package)
        return package


def verify_files(package: ModelPackage, progress: Callable[[str], None] = lambda _: None) -> None:
    """Compare every file of the package with its sha256.

    Raises WeightsMissing or ModelFileChanged.
    """
    expected = [(f.path, f.sha256) for f in package.files.values()] + [(g.path, g.sha256) for g in package.golden]
    for name, sha256 in expected:
        path = package.folder / name
        progress(name)
        if not path.is_file():
            raise WeightsMissing(f"{name} is not there", where=package.identity)
        with path.open("rb") as stream:
            if hashlib.file_digest(stream, "sha256").hexdigest() != sha256:
                raise ModelFileChanged(f"{name} has another sha256", where=package.identity)


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split("."))


def _is_active(package: ModelPackage, choices: dict[str, str | None], highest: tuple[int, ...]) -> bool:
    if package.name in choices:
        return choices[package.name] == package.version
    return _version(package.version) == highest
