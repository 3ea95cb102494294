"""A model package: a folder that explains itself (DESIGN: decision 8)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from appliance.domain.coding import CodedConcept
from appliance.domain.finding import OperatingPoint

Option = str | float | int | bool | tuple["Option", ...] | Mapping[str, "Option"]


class Status(StrEnum):
    """Regulatory state of a version."""

    INVESTIGATIONAL = "investigational"
    CLEARED = "cleared"
    DEMONSTRATION = "demonstration"


class Role(StrEnum):
    """What a package does to the rest of its study."""

    ANALYSIS = "analysis"
    GATE_STOP = "gate-stop"  # a positive verdict stops the analyses of the same series
    GATE_FLAG = "gate-flag"  # a positive verdict is noted on the study


class InputKind(StrEnum):
    """What the package reads of a series."""

    VOLUME = "volume"
    IMAGE = "image"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFile:
    """A file of the package: path relative to the folder, and the sha256 it must have."""

    path: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A named preprocessing step with its parameters."""

    name: str
    options: Mapping[str, Option] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One network call of the package: prepare, run by a strategy.

    networks: role -> key into ModelPackage.files ("model", or "encoder" and "decoder").
    focus: how the next stage of a cascade crops the source to what this stage found; empty for the last stage.
    """

    name: str
    networks: Mapping[str, str]
    steps: tuple[Step, ...]
    strategy: str
    options: Mapping[str, Option] = field(default_factory=dict)
    focus: Mapping[str, Option] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Criterion:
    """One condition on a series, by DICOM keyword or derived name (`NumberOfSlices`, `Orientation`, `SliceSpacing`).

    one_of / none_of: accepted and excluded values (case-insensitive for text, numbers by value); minimum / maximum:
    inclusive numeric range; matches / excludes: regular expression (RE2) that must, or must not, be found in the text;
    within: networks that an address lies in; exists: False for an attribute that must be absent; absent_ok: a missing
    attribute meets the condition.
    """

    keyword: str
    one_of: tuple[str, ...] = ()
    none_of: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    matches: str | None = None
    excludes: str | None = None
    within: tuple[str, ...] = ()
    exists: bool | None = None
    absent_ok: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesCriteria:
    """All `required` must hold; among those, series are ranked by the sum of `preferred` weights that hold.

    every_series: the package runs on each series that fits, not only on the best one.
    on_request_only: only a rule that names the package makes it run.
    """

    required: tuple[Criterion, ...]
    preferred: tuple[tuple[Criterion, float], ...] = ()
    every_series: bool = False
    on_request_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """A class of the network's output and the codes it stands for."""

    value: int
    name: str
    category: CodedConcept
    property_type: CodedConcept
    modifier: CodedConcept | None = None
    colour: tuple[int, int, int] = (255, 0, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class RuntimeNeeds:
    """What the package asks of the runtime; providers in order of preference, and nothing else is used.

    expected_seconds: how long an analysis usually takes on the least device it may run on; long work leaves room for
    short work.
    """

    providers: tuple[str, ...] = ("CPUExecutionProvider",)
    precision: str = "fp32"
    memory_mib: int = 1024
    expected_seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class GoldenCase:
    """Stored inputs and outputs of the networks; `tolerance` is the largest absolute difference allowed."""

    path: str
    sha256: str
    tolerance: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelPackage:
    """One version of one model, as its manifest declares it."""

    name: str
    version: str
    title: str
    manufacturer: str
    licence: str
    intended_use: str
    status: Status
    role: Role
    input_kind: InputKind
    selection: SeriesCriteria
    stages: tuple[Stage, ...]
    family: str
    results: tuple[str, ...]
    files: Mapping[str, ModelFile]
    labels: tuple[Label, ...] = ()
    options: Mapping[str, Option] = field(default_factory=dict)
    operating_points: tuple[OperatingPoint, ...] = ()
    runtime: RuntimeNeeds = RuntimeNeeds()
    golden: tuple[GoldenCase, ...] = ()
    udi: str = ""
    folder: Path = field(default=Path(), compare=False, repr=False)
    manifest_sha256: str = ""

    @property
    def identity(self) -> str:
        """Name and version, as results and workitems carry it."""
        return f"{self.name}@{self.version}"
