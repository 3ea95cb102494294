"""`catalogue.toml`: where each sample study comes from, with licence and attribution."""

import tomllib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from appliance.catalogue.manifest_tables import Sha256, Text
from appliance.catalogue.recipe import Source

CATALOGUE = Path(__file__).with_name("catalogue.toml")


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SeriesTable(_Table):
    """Header texts of a converted series; see nifti_to_mr.SeriesText."""

    series_description: Text
    study_description: Text
    patient_name: Text
    patient_id: Text
    derivation: Text
    repetition_time: float | None = None
    echo_time: float | None = None
    flip_angle: float | None = None


class DicomOrigin(_Table):
    """DICOM files in a wheel, taken as they are; `members` is a pattern that must match `count` of them."""

    kind: Literal["dicom"]
    source: Source
    members: Text
    count: Annotated[int, Field(gt=0)]


class NiftiOrigin(_Table):
    """A NIfTI volume in a wheel."""

    kind: Literal["nifti"]
    source: Source
    member: Text
    series: SeriesTable


class InstalledNiftiOrigin(_Table):
    """A NIfTI volume that a system package has put on this machine; `sha256` is that of the uncompressed file."""

    kind: Literal["installed-nifti"]
    path: Path
    sha256: Sha256
    licence: Text
    attribution: Text
    series: SeriesTable


class PhantomOrigin(_Table):
    """A phantom rendered here; its findings follow from the seed."""

    kind: Literal["phantom"]
    seed: int
    licence: Text
    attribution: Text


Origin = Annotated[DicomOrigin | NiftiOrigin | InstalledNiftiOrigin | PhantomOrigin, Field(discriminator="kind")]


class Sample(_Table):
    """One study, and where it can come from, in order of preference."""

    name: Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]+$")]
    origins: tuple[Origin, ...] = Field(min_length=1)


class _Catalogue(_Table):
    schema_: Literal[1] = Field(alias="schema")
    samples: tuple[Sample, ...]


def read_catalogue(path: Path = CATALOGUE) -> tuple[Sample, ...]:
    """All samples. Raises pydantic.ValidationError for a file that is not valid, which only a defect can cause."""
    return _Catalogue.model_validate(tomllib.loads(path.read_text(encoding="utf-8"))).samples
