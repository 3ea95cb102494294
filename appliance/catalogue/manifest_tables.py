"""The tables of a `manifest.toml`: which keys there are, and what each may hold."""

import difflib
import ipaddress
from collections.abc import Callable, Collection, Iterator
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationError

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


def _as_text(value: Any) -> Any:
    """A number among accepted values as text; comparison is by value."""
    return f"{value:.15g}" if isinstance(value, int | float) and not isinstance(value, bool) else value


Value = Annotated[str, BeforeValidator(_as_text)]


class CriterionTable(Table):
    """One condition on a series; see Criterion. `equals` is short for one accepted value."""

    keyword: Text
    equals: Value | None = None
    one_of: tuple[Value, ...] = ()
    none_of: tuple[Value, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    matches: str | None = None
    excludes: str | None = None
    within: tuple[str, ...] = ()
    exists: bool | None = None
    absent_ok: bool = False

    def problems(self, pattern_problem: Callable[[str], str | None]) -> tuple[str, ...]:
        """What is wrong beyond the types of the values: contradictions, and what does not compile."""
        return tuple(self._problems(pattern_problem))

    def _problems(self, pattern_problem: Callable[[str], str | None]) -> Iterator[str]:
        for name in ("matches", "excludes"):
            pattern = getattr(self, name)
            if pattern is not None and (problem := pattern_problem(pattern)):
                yield f"{name} is no regular expression: {problem}"
        for network in self.within:
            if not _is_network(network):
                yield f"within: {network!r} is no network, such as 10.1.0.0/16"
        if self.equals is not None and self.one_of:
            yield "equals and one_of say the same thing; use one of them"
        if self.minimum is not None and self.maximum is not None and self.minimum > self.maximum:
            yield "minimum is above maximum"
        tests = self.model_fields_set - {"keyword", "exists", "weight"}
        if self.exists is not None and tests:
            yield f"exists stands alone; take away {', '.join(sorted(tests))}"

    def to_domain(self) -> Criterion:
        """The condition."""
        values = self.model_dump(exclude={"weight", "equals"})
        return Criterion(**values | ({"one_of": (self.equals,)} if self.equals is not None else {}))


def _is_network(text: str) -> bool:
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        return False
    return True


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
    expected_seconds: float = Field(default=0.0, ge=0)


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
    place, text = complaints(error, root)[0]
    return f"{'.'.join(str(part) for part in place)}: {text}"


def complaints(error: ValidationError, root: type[Table]) -> list[tuple[tuple[int | str, ...], str]]:
    """Everything that is wrong, each with its place; unknown keys first, since they say more than missing ones."""
    found = sorted(error.errors(), key=lambda item: item["type"] != "extra_forbidden")
    return [(item["loc"], _in_words(item["loc"], item["type"], item["msg"], root)) for item in found]


def _in_words(place: tuple[int | str, ...], kind: str, message: str, root: type[Table]) -> str:
    if kind != "extra_forbidden":
        return message
    return unknown_key(str(place[-1]), _known_keys(root, place[:-1]))


def unknown_key(key: str, known: Collection[str]) -> str:
    """The complaint about a key that nobody knows."""
    near = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
    return "unknown key" + (f"; did you mean {near[0]!r}?" if near else f"; known: {', '.join(known)}")


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
