"""The manifest of a model package: strict, and helpful about what is wrong.

`manifest.toml` becomes a `ModelPackage`; unknown keys are refused with the nearest key that is known. The vocabulary of
steps, strategies and families belongs to other stages, so it is handed in.
"""

import difflib
import hashlib
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pydantic import ValidationError

from appliance.catalogue.manifest_tables import CriterionTable, FileTable, LabelTable, Manifest, StageTable, explain
from appliance.domain.coding import CodedConcept
from appliance.domain.errors import ManifestInvalid
from appliance.domain.finding import OperatingPoint
from appliance.domain.model_package import (
    Criterion,
    GoldenCase,
    Label,
    ModelFile,
    ModelPackage,
    Option,
    RuntimeNeeds,
    SeriesCriteria,
    Stage,
    Step,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Vocabulary:
    """What a manifest may name, and the options each name takes; `pattern_problem` says what is wrong with a regular
    expression, if anything.
    """

    steps: Mapping[str, frozenset[str]]
    strategies: Mapping[str, frozenset[str]]
    families: Mapping[str, frozenset[str]]
    focus: frozenset[str]
    pattern_problem: Callable[[str], str | None]


def parse_manifest(file: Path, vocabulary: Vocabulary) -> ModelPackage:
    """Read one `manifest.toml`.

    Raises ManifestInvalid that names the key and, for an unknown one, the nearest key that is known.
    """
    try:
        content = file.read_bytes()
        manifest = Manifest.model_validate(tomllib.loads(content.decode("utf-8")))
        package = _to_domain(manifest, vocabulary)
    except OSError as error:
        raise ManifestInvalid(f"the manifest cannot be read: {error.strerror}", where=str(file)) from error
    except ValidationError as error:
        raise ManifestInvalid(explain(error, Manifest), where=str(file)) from error
    except (ValueError, RecursionError) as error:
        raise ManifestInvalid(f"not valid TOML: {error}", where=str(file)) from error
    except ManifestInvalid as error:
        raise ManifestInvalid(f"{error.what} [{error.where}]", where=str(file)) from error
    return _located(package, file.parent, hashlib.sha256(content).hexdigest())


def _located(package: ModelPackage, folder: Path, digest: str) -> ModelPackage:
    values = {name: getattr(package, name) for name in ModelPackage.__dataclass_fields__}
    return ModelPackage(**{**values, "folder": folder, "manifest_sha256": digest})


def _to_domain(manifest: Manifest, vocabulary: Vocabulary) -> ModelPackage:
    check_known(manifest.findings.family, vocabulary.families, "findings.family")
    check_known_all(manifest.findings.options, vocabulary.families[manifest.findings.family], "findings.options")
    selection = manifest.selection
    return ModelPackage(
        **manifest.package.model_dump(),
        input_kind=manifest.input.kind,
        selection=SeriesCriteria(
            required=tuple(_criterion(item, vocabulary, "required") for item in selection.required),
            preferred=tuple((_criterion(item, vocabulary, "preferred"), item.weight) for item in selection.preferred),
            every_series=selection.every_series,
            on_request_only=selection.on_request_only,
        ),
        stages=tuple(_stage(stage, manifest.files, vocabulary) for stage in manifest.stages),
        family=manifest.findings.family,
        options=_freeze(manifest.findings.options),
        results=manifest.results.kinds,
        files=MappingProxyType({key: ModelFile(**item.model_dump()) for key, item in manifest.files.items()}),
        labels=tuple(_label(label) for label in manifest.findings.labels),
        operating_points=tuple(OperatingPoint(**item.model_dump()) for item in manifest.findings.operating_points),
        runtime=RuntimeNeeds(**manifest.runtime.model_dump()),
        golden=tuple(GoldenCase(**item.model_dump()) for item in manifest.golden),
    )


def _criterion(item: CriterionTable, vocabulary: Vocabulary, where: str) -> Criterion:
    problems = item.problems(vocabulary.pattern_problem)
    if problems:
        raise ManifestInvalid(problems[0], where=f"selection.{where}.{item.keyword}")
    return item.to_domain()


def _stage(stage: StageTable, files: Mapping[str, FileTable], vocabulary: Vocabulary) -> Stage:
    where = f"stages.{stage.name}"
    check_known(stage.strategy, vocabulary.strategies, f"{where}.strategy")
    check_known_all(stage.options, vocabulary.strategies[stage.strategy], f"{where}.options")
    check_known_all(stage.focus, vocabulary.focus, f"{where}.focus")
    for key in stage.networks.values():
        check_known(key, files, f"{where}.networks")
    return Stage(
        name=stage.name,
        networks=MappingProxyType(dict(stage.networks)),
        steps=tuple(_step(step, vocabulary, where) for step in stage.steps),
        strategy=stage.strategy,
        options=_freeze(stage.options),
        focus=_freeze(stage.focus),
    )


def _step(step: Mapping[str, Any], vocabulary: Vocabulary, where: str) -> Step:
    name = step.get("step")
    if not isinstance(name, str):
        raise ManifestInvalid("every step names itself with `step`", where=f"{where}.steps")
    check_known(name, vocabulary.steps, f"{where}.steps")
    options = {key: value for key, value in step.items() if key != "step"}
    check_known_all(options, vocabulary.steps[name], f"{where}.steps.{name}")
    return Step(name=name, options=_freeze(options))


def _label(label: LabelTable) -> Label:
    return Label(
        value=label.value,
        name=label.name,
        category=CodedConcept(*label.category),
        property_type=CodedConcept(*label.property_type),
        modifier=CodedConcept(*label.modifier) if label.modifier else None,
        colour=label.colour,
    )


def _freeze(value: Mapping[str, Any]) -> Mapping[str, Option]:
    return MappingProxyType({key: _frozen(item) for key, item in value.items()})


def _frozen(value: Any) -> Option:
    if isinstance(value, list):
        return tuple(_frozen(item) for item in value)
    if isinstance(value, dict):
        return _freeze(value)
    if isinstance(value, str | float | int | bool):
        return value
    raise ManifestInvalid(f"a value of type {type(value).__name__} has no meaning here", where="options")


def check_known_all(given: Iterable[str], known: Iterable[str], where: str) -> None:
    """Raise ManifestInvalid for the first key of `given` that is not in `known`, with the nearest that is."""
    for key in given:
        check_known(key, known, where)


def check_known(key: str, known: Iterable[str], where: str) -> None:
    """Raise ManifestInvalid with the nearest known key if `key` is not in `known`."""
    choices = sorted(known)
    if key not in choices:
        near = difflib.get_close_matches(key, choices, n=1, cutoff=0.5)
        hint = f"; did you mean {near[0]!r}?" if near else f"; known: {', '.join(choices) or 'none'}"
        raise ManifestInvalid(f"unknown {key!r}{hint}", where=where)
