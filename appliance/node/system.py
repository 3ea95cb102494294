"""What the node needs of the operating system: Orthanc, its plugins, Redis, and ports to listen on."""

import contextlib
import re
import shutil
import socket
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from appliance.domain.errors import SettingsError
from appliance.settings import LOOPBACK, Settings

_PROGRAM_FOLDERS = ("/usr/sbin", "/usr/local/sbin")
_PLUGIN_FOLDERS = ("/usr/share/orthanc/plugins", "/usr/lib/orthanc/plugins", "/usr/local/share/orthanc/plugins")
_PACKAGES = {
    "Orthanc": "orthanc",
    "redis-server": "redis-server",
    "libOrthancPython.so": "orthanc-python",
    "libOrthancDicomWeb.so": "orthanc-dicomweb",
}
_NEEDED_PROGRAMS = ("Orthanc", "redis-server")
_NEEDED_PLUGINS = ("libOrthancPython.so", "libOrthancDicomWeb.so")


@dataclass(frozen=True, slots=True, kw_only=True)
class OrthancInstallation:
    """An Orthanc program, its version as numbers, and the plugins to load."""

    binary: Path
    version: tuple[int, ...]
    python_plugin: Path
    dicomweb_plugin: Path
    other_plugins: tuple[Path, ...] = ()

    def is_at_least(self, *version: int) -> bool:
        """Whether this Orthanc is of that version or later."""
        return self.version >= version


def find_program(name: str) -> Path | None:
    """A program on the PATH or where Debian and Ubuntu put servers."""
    found = shutil.which(name) or shutil.which(name, path=":".join(_PROGRAM_FOLDERS))
    return Path(found) if found else None


def find_plugin(name: str, preferred: tuple[Path, ...] = ()) -> Path | None:
    """A plugin of Orthanc: one that the settings name, else one of the distribution."""
    candidates = [path for path in preferred if path.name == name]
    candidates += [Path(folder) / name for folder in _PLUGIN_FOLDERS]
    return next((path for path in candidates if path.exists()), None)


def missing_packages(settings: Settings) -> list[str]:
    """Debian packages without which the node cannot run."""
    absent = [name for name in _NEEDED_PROGRAMS if not _program(name, settings)]
    absent += [name for name in _NEEDED_PLUGINS if not find_plugin(name, settings.orthanc.plugins)]
    return sorted(_PACKAGES[name] for name in absent)


def require_packages(settings: Settings) -> None:
    """Raise SettingsError that names the missing packages and the line that installs them."""
    if missing := missing_packages(settings):
        line = f"apt-get install --no-install-recommends {' '.join(missing)}"
        raise SettingsError(f"system packages are missing: {', '.join(missing)}. As root: {line}, or run: make setup")


def find_orthanc(settings: Settings) -> OrthancInstallation:
    """The Orthanc to run, or the one that runs elsewhere. Raises SettingsError where it or a plugin is missing."""
    if settings.orthanc.version:
        return _elsewhere(settings)
    require_packages(settings)
    binary = _program("Orthanc", settings)
    python = find_plugin("libOrthancPython.so", settings.orthanc.plugins)
    dicomweb = find_plugin("libOrthancDicomWeb.so", settings.orthanc.plugins)
    assert binary
    assert python
    assert dicomweb
    others = tuple(path for path in settings.orthanc.plugins if path.name not in _NEEDED_PLUGINS)
    return OrthancInstallation(
        binary=binary,
        version=orthanc_version(binary),
        python_plugin=python,
        dicomweb_plugin=dicomweb,
        other_plugins=others,
    )


def _elsewhere(settings: Settings) -> OrthancInstallation:
    """An Orthanc in another container: its version and the paths of its plugins are what the settings say."""
    plugins = {path.name: path for path in settings.orthanc.plugins}
    if missing := [name for name in _NEEDED_PLUGINS if name not in plugins]:
        raise SettingsError(f"an Orthanc that runs elsewhere needs the path of {missing[0]}", where="orthanc.plugins")
    return OrthancInstallation(
        binary=settings.orthanc.binary or Path("Orthanc"),
        version=tuple(int(part) for part in settings.orthanc.version.split(".")),
        python_plugin=plugins[_NEEDED_PLUGINS[0]],
        dicomweb_plugin=plugins[_NEEDED_PLUGINS[1]],
        other_plugins=tuple(path for path in settings.orthanc.plugins if path.name not in _NEEDED_PLUGINS),
    )


@cache
def orthanc_version(binary: Path) -> tuple[int, ...]:
    """The version that the program states; `mainline` builds count as newer than every release."""
    answer = subprocess.run([binary, "--version"], capture_output=True, text=True, timeout=30, check=False).stdout
    if found := re.search(r"Orthanc (\d+(?:\.\d+)+)", answer):
        return tuple(int(part) for part in found[1].split("."))
    if "mainline" in answer:
        return (999,)
    raise SettingsError("this program does not state an Orthanc version", where=str(binary))


def find_redis() -> Path:
    """The Redis server program. Raises SettingsError where it is missing."""
    if found := find_program("redis-server"):
        return found
    raise SettingsError("system packages are missing: redis-server. As root: apt-get install redis-server")


def ports(settings: Settings, *, demo: bool) -> dict[str, int]:
    """Setting -> port, of everything that listens on this machine."""
    listening = {
        "dicom.port": settings.dicom.port,
        "orthanc.http_port": settings.orthanc.http_port,
        "redis.port": settings.redis.port,
        "web.port": settings.web.port,
    }
    if settings.web.tls_certificate is not None:
        listening["web.tls_port"] = settings.web.tls_port
    if demo:
        listening |= {"demo.dicom_port": settings.demo.dicom_port, "demo.http_port": settings.demo.http_port}
    _require_different(listening)
    return listening


def _require_different(listening: dict[str, int]) -> None:
    taken: dict[int, str] = {}
    for setting, port in listening.items():
        if port in taken:
            raise SettingsError(f"port {port} is also {taken[port]}", where=setting)
        taken[port] = setting


def with_free_ports(settings: Settings, *, demo: bool) -> Settings:
    """The same settings with another port in place of each that is in use, so that two nodes run side by side."""
    changes: dict[str, dict[str, int]] = {}
    taken = set(ports(settings, demo=demo).values())
    for setting, port in ports(settings, demo=demo).items():
        if not is_free(port):
            section, name = setting.split(".")
            changes.setdefault(section, {})[name] = _free_port(taken)
    sections = {name: getattr(settings, name).model_copy(update=update) for name, update in changes.items()}
    return settings.model_copy(update=sections)


def require_free_ports(ports: dict[str, int]) -> None:
    """Raise SettingsError that names the first setting (`dicom.port` …) whose port somebody else listens on."""
    for setting, port in ports.items():
        if not is_free(port):
            variable = f"APPLIANCE_{setting.upper().replace('.', '__')}"
            raise SettingsError(
                f"port {port} is used by another program; set another one, e.g. {variable}", where=setting
            )


def listens(host: str, port: int) -> bool:
    """Whether somebody accepts connections there."""
    with contextlib.suppress(OSError), socket.create_connection((host, port), timeout=2):
        return True
    return False


def _free_port(taken: set[int]) -> int:
    """A port that the system offers and that is not yet given to another service."""
    while True:
        with socket.socket() as probe:
            probe.bind((LOOPBACK, 0))
            port = int(probe.getsockname()[1])
        if port not in taken:
            taken.add(port)
            return port


def is_free(port: int) -> bool:
    """Whether a service of ours could listen there."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("", port))
        except OSError:
            return False
    return True


def _program(name: str, settings: Settings) -> Path | None:
    if name == "Orthanc" and settings.orthanc.binary:
        return settings.orthanc.binary if settings.orthanc.binary.is_file() else None
    return find_program(name)
