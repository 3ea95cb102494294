"""The programs and libraries that the appliance consists of, with their versions."""

import importlib.metadata
import platform
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import onnxruntime

from appliance import __version__
from appliance.node.health.check import Line, failed, ok, warning
from appliance.node.system import find_orthanc, find_program, find_redis, missing_packages
from appliance.services.presence import code_fingerprint
from appliance.settings import Settings

LIBRARIES = ("celery", "highdicom", "numpy", "onnxruntime", "pydicom", "pynetdicom", "sqlalchemy", "supervisor")
_PROGRAMS = {"dcmsend": "dcmtk", "dcmdjpeg": "dcmtk"}


def programs(settings: Settings) -> Iterator[Line]:
    """Orthanc with its plugins, Redis and DCMTK; what runs in another container is asked by other checks."""
    if settings.orthanc.version:
        yield ok("Orthanc", f"{settings.orthanc.version} by the settings, elsewhere")
        yield from _dcmtk()
        return
    if missing := missing_packages(settings):
        names = " ".join(missing)
        yield failed(
            "system packages", f"missing: {names}", f"As root: apt-get install --no-install-recommends {names}"
        )
        return
    orthanc = find_orthanc(settings)
    version = ".".join(str(part) for part in orthanc.version)
    yield ok("Orthanc", f"{version}, plugins {orthanc.python_plugin.name} and {orthanc.dicomweb_plugin.name}")
    yield ok("Redis", _first_version(find_redis()))
    yield from _dcmtk()


def _dcmtk() -> Iterator[Line]:
    for program, package in _PROGRAMS.items():
        found = find_program(program)
        if found is None:
            yield warning(program, "not here", f"As root: apt-get install --no-install-recommends {package}")
        else:
            yield ok(program, _first_version(found))


def python(settings: Settings) -> Iterator[Line]:
    """This program, its interpreter, the libraries that decide about results, and what networks can run on."""
    yield ok("appliance", f"{__version__}, code {code_fingerprint()}")
    yield ok("Python", f"{platform.python_version()} on {platform.platform(terse=True)}")
    yield ok("libraries", ", ".join(f"{name} {version}" for name, version in library_versions().items()))
    providers = onnxruntime.get_available_providers()
    if settings.worker.gpu and "CUDAExecutionProvider" not in providers:
        do = "Install onnxruntime-gpu in place of onnxruntime, or set worker.gpu = false."
        yield failed("ONNX Runtime", f"worker.gpu is set, but it offers {', '.join(providers)}", do)
    else:
        yield ok("ONNX Runtime", ", ".join(providers))


def library_versions() -> Mapping[str, str]:
    """Name -> version of the libraries that decide about results."""
    installed = {}
    for name in LIBRARIES:
        try:
            installed[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            installed[name] = "missing"
    return installed


def all_packages() -> Mapping[str, str]:
    """Name -> version of everything that is installed for this interpreter."""
    found = {dist.metadata["Name"]: dist.version for dist in importlib.metadata.distributions()}
    return {name: found[name] for name in sorted(found, key=str.lower)} | {"python": sys.version}


def _first_version(program: Path) -> str:
    """What the program says first that looks like a version."""
    answer = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=30, check=False)
    found = re.search(r"v?=?(\d+(?:\.\d+)+)", answer.stdout + answer.stderr)
    return found[1] if found else "there"
