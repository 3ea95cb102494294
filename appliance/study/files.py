"""DICOM objects of a folder or an archive, found, guarded and told apart."""

import hashlib
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import IO

from appliance.domain.errors import InputRefused, InputTooLarge, NotDicom, UidContested, UnreadableObject
from appliance.domain.identifiers import SOPInstanceUID
from appliance.domain.study import Instance, Study
from appliance.study.headers import study_of
from appliance.study.objects import DEFAULT_LIMITS, MIB, ReadLimits, read_object, tolerant
from appliance.study.reader import read_instance

CHUNK = 1024 * 1024
DAMAGED_ARCHIVE = (
    *(tarfile.TarError, zipfile.BadZipFile, lzma.LZMAError, zlib.error),
    *(EOFError, OSError, RuntimeError, NotImplementedError),
)
NOT_DICOM = "not a DICOM object"
ReadInstance = Callable[[Path, ReadLimits], Instance]
"""Reads the header of one object that passes the gate; raises InputRefused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """A file that is not analysed, and why; `refusal` is None for files that were never meant to be (not DICOM)."""

    name: str
    reason: str
    refusal: InputRefused | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundObjects:
    """The DICOM objects of one input: each SOP instance once, where its file lies, and what was left out."""

    instances: tuple[Instance, ...]
    paths: dict[SOPInstanceUID, Path] = field(repr=False)
    left_out: tuple[LeftOut, ...]

    def studies(self) -> tuple[Study, ...]:
        """The studies of the instances, sorted by Study Instance UID."""
        groups: dict[str, list[Instance]] = {}
        for instance in self.instances:
            groups.setdefault(str(instance.attributes["StudyInstanceUID"]), []).append(instance)
        return tuple(study_of(groups[uid]) for uid in sorted(groups))


@contextmanager
def open_input(
    source: Path, *, limits: ReadLimits = DEFAULT_LIMITS, read: ReadInstance = read_instance
) -> Iterator[FoundObjects]:
    """The objects of `source`: a folder (searched to its depths), one DICOM file, or a zip or tar archive of them.

    An archive is unpacked to a temporary folder that lives as long as the context. Raises UnreadableObject when there
    is nothing of the kind, InputTooLarge when the archive is above the limits.
    """
    if source.is_dir():
        yield find_objects(_walk(source, limits), limits=limits, read=read)
        return
    if not source.is_file():
        raise UnreadableObject("neither a folder nor a file", where=source.name)
    if not (zipfile.is_zipfile(source) or tarfile.is_tarfile(source)):
        yield find_objects([(source.name, source)], limits=limits, read=read)
        return
    with TemporaryDirectory(prefix="appliance-") as folder:
        yield find_objects(_unpack(source, Path(folder), limits), limits=limits, read=read)


def find_objects(
    files: Iterable[tuple[str, Path]], *, limits: ReadLimits = DEFAULT_LIMITS, read: ReadInstance = read_instance
) -> FoundObjects:
    """Read the headers of `files` (name to show, path).

    A SOP Instance UID that comes twice with the same content counts once; with different content none of its files
    is trusted, and all are left out.
    """
    instances: dict[SOPInstanceUID, Instance] = {}
    paths: dict[SOPInstanceUID, Path] = {}
    names: dict[SOPInstanceUID, str] = {}
    left_out: list[LeftOut] = []
    contested: dict[SOPInstanceUID, UidContested] = {}
    for name, path in files:
        try:
            instance = read(path, limits)
        except InputRefused as refusal:
            left_out.append(_left_out(name, path, refusal))
            continue
        uid = instance.sop_instance_uid
        if uid in paths and _same_object(paths[uid], path):
            left_out.append(LeftOut(name=name, reason="the same object again"))
        elif uid in paths:
            contested[uid] = UidContested(where=uid)
            left_out.append(LeftOut(name=name, reason=contested[uid].what, refusal=contested[uid]))
        else:
            instances[uid], paths[uid], names[uid] = instance, path, name
    for uid, contradiction in contested.items():
        left_out.append(LeftOut(name=names[uid], reason=contradiction.what, refusal=contradiction))
        del instances[uid], paths[uid]
    return FoundObjects(instances=tuple(instances.values()), paths=paths, left_out=tuple(left_out))


def _left_out(name: str, path: Path, refusal: InputRefused) -> LeftOut:
    with path.open("rb") as file:
        is_dicom = file.read(132)[128:] == b"DICM"
    if isinstance(refusal, UnreadableObject | NotDicom) and not is_dicom:
        return LeftOut(name=name, reason=NOT_DICOM)
    if path.name.upper() == "DICOMDIR":
        return LeftOut(name=name, reason="a directory of a medium, no object")
    return LeftOut(name=name, reason=str(refusal), refusal=refusal)


def _walk(folder: Path, limits: ReadLimits) -> Iterator[tuple[str, Path]]:
    """Regular files, sorted; links are not followed, so that nothing outside the folder is read."""
    for count, path in enumerate(
        sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    ):
        if count >= limits.archive_members:
            raise InputTooLarge(f"more than {limits.archive_members} files", where=folder.name)
        yield path.relative_to(folder).as_posix(), path


def _unpack(archive: Path, folder: Path, limits: ReadLimits) -> list[tuple[str, Path]]:
    """Regular members under names of our own: member names are shown, never used as paths."""
    found: list[tuple[str, Path]] = []
    total = 0
    try:
        for name, content in _members(archive):
            if len(found) >= limits.archive_members:
                raise InputTooLarge(f"more than {limits.archive_members} members", where=archive.name)
            path = folder / f"{len(found):06d}"
            total += _copy(content, path, min(limits.file_bytes, limits.series_bytes - total), archive.name)
            found.append((PurePosixPath(name).name, path))
    except DAMAGED_ARCHIVE as error:
        raise UnreadableObject(f"the archive is damaged ({type(error).__name__})", where=archive.name) from error
    return found


def _members(archive: Path) -> Iterator[tuple[str, IO[bytes]]]:
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as opened:
            for entry in opened.infolist():
                if not entry.is_dir():
                    with opened.open(entry) as content:
                        yield entry.filename, content
        return
    with tarfile.open(archive) as opened:
        for member in opened:
            extracted = opened.extractfile(member) if member.isreg() else None
            if extracted is not None:
                yield member.name, extracted
        _refuse_rest(opened)


def _refuse_rest(archive: tarfile.TarFile) -> None:
    """tarfile takes a damaged header for the end of the archive; behind the true end there are only zeros."""
    file = archive.fileobj
    file.seek(archive.offset)
    while chunk := file.read(CHUNK):
        if chunk.strip(b"\0"):
            raise tarfile.ReadError("a damaged member header")


def _copy(content: IO[bytes], path: Path, limit: int, archive: str) -> int:
    size = 0
    with path.open("wb") as file:
        while chunk := content.read(CHUNK):
            size += len(chunk)
            if size > limit:
                raise InputTooLarge(f"the archive unpacks to more than {limit // MIB} MiB", where=archive)
            file.write(chunk)
    return size


def _same_object(first: Path, second: Path) -> bool:
    """Equal files, or equal data sets under different file meta information (written by different senders)."""
    if _digest(first) == _digest(second):
        return True
    with tolerant():
        try:
            return bool(read_object(first) == read_object(second))
        except InputRefused:
            return False


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
