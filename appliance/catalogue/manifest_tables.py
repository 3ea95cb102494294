"""The tables of a `manifest.toml`: which keys there are, and what each may hold."""

import difflib
import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from appliance.domain.errors import ManifestInvalid
from appliance.domain.model_package import Criterion, InputKind, Role, Status

Text = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
RelativePath = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-][A-Za-z0-9_./-]*$")]
Code = tuple[Text, Text, Text]
Colour = tuple[
    Annotated[int, Field(ge=0, le=255)], Annotated[int, Field(ge=0, le=255)], Annotated[int, Field(ge=0, le=255)]
]


class Table(BaseModel):
    """Strict and frozen: an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class _Package(Table):
    name: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]
    version: Annotated[str, StringConstraints(pattern=r"^\d+\.\d+\.\d+$")]
    title: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    manufacturer: Text
    licence: Text
    intended_use: Text
    status: Status
    role: Role = Role.ANALYSIS
    udi: str = ""


class CriterionTable(Table):
    """One condition on a series; see Criterion."""

    keyword: Text
    one_of: tuple[str, ...] = ()
    none_of: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    matches: str | None = None
    absent_ok: bool = False

    def to_domain(self) -> Criterion:
        """The condition; ManifestInvalid if its expression does not compile."""
        if self.matches is not None:
            try:
                re.compile(self.matches)
            except re.error as error:
                raise ManifestInvalid(f"matches is no regular expression: {error}", where=self.keyword) from error
        return Criterion(**self.model_dump(exclude={"weight"}))


class _Preference(CriterionTable):
    weight: float = 1.0


class _Selection(Table):
    required: tuple[CriterionTable, ...] = Field(min_length=1)
    preferred: tuple[_Preference, ...] = ()
    every_series: bool = False
    on_request_only: bool = False


class _Input(Table):
    kind: InputKind


class FileTable(Table):
    """`[files]`: a file and the sha256 it must have."""

    path: RelativePath
    sha256: Sha256


class StageTable(Table):
    """`[[stages]]`: prepare, run, focus."""

    name: Text
    networks: dict[str, str] = Field(min_length=1)
    strategy: Text
    steps: tuple[dict[str, Any], ...] = ()
    options: dict[str, Any] = {}
    focus: dict[str, Any] = {}


class LabelTable(Table):
    """`[[findings.labels]]`: a value of the output and its codes."""

    value: int
    name: Text
    category: Code
    property_type: Code
    modifier: Code | None = None
    colour: Colour = (255, 0, 0)


class _OperatingPoint(Table):
    name: Text
    threshold: float
    sensitivity: float | None = None
    specificity: float | None = None


class _Findings(Table):
    family: Text
    options: dict[str, Any] = {}
    labels: tuple[LabelTable, ...] = ()
    operating_points: tuple[_OperatingPoint, ...] = ()


class _Results(Table):
    kinds: tuple[Literal["SEG", "SR", "REPORT", "PDF"], ...]


class _Runtime(Table):
    providers: tuple[Text, ...] = ("CPUExecutionProvider",)
    precision: Literal["fp32", "fp16", "int8"] = "fp32"
    memory_mib: int = Field(default=1024, ge=1)


class _Golden(Table):
    path: RelativePath
    sha256: Sha256
    tolerance: float = Field(gt=0)


class Manifest(Table):
    """The whole file."""

    schema_: Literal[1] = Field(alias="schema")
    package: _Package
    input: _Input
    selection: _Selection
    files: dict[str, FileTable] = Field(min_length=1)
    stages: tuple[StageTable, ...] = Field(min_length=1)
    findings: _Findings
    results: _Results
    runtime: _Runtime = _Runtime()
    golden: tuple[_Golden, ...] = ()


def explain(error: ValidationError, root: type[Table]) -> str:
    """What is wrong first, in words; an unknown key comes with the nearest one that is known."""
    # a misspelt key shows twice, as unknown and as missing; the unknown one says more
    first = min(error.errors(), key=lambda item: item["type"] != "extra_forbidden")
    place = ".".join(str(part) for part in first["loc"])
    if first["type"] != "extra_forbidden":
        return f"{place}: {first['msg']}"
    known = _known_keys(root, first["loc"][:-1])
    near = difflib.get_close_matches(str(first["loc"][-1]), known, n=1, cutoff=0.5)
    return f"{place}: unknown key" + (f"; did you mean {near[0]!r}?" if near else f"; known: {', '.join(known)}")


def _known_keys(root: type[Table], place: tuple[int | str, ...]) -> list[str]:
    """The keys of the table at `place`, found by walking the models along it."""
    model: Any = root
    for part in place:
        if isinstance(part, int):
            continue
        field = next((f for n, f in model.model_fields.items() if part in (n, f.alias)), None)
        candidates = [item for item in _types_in(field.annotation if field else None) if issubclass(item, Table)]
        if not candidates:
            continue
        model = candidates[0]
    return sorted(field.alias or name for name, field in model.model_fields.items())


def _types_in(annotation: Any) -> list[type]:
    if isinstance(annotation, type) and not hasattr(annotation, "__args__"):
        return [annotation]
    return [found for item in getattr(annotation, "__args__", ()) for found in _types_in(item)]
