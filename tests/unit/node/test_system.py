"""What is missing is named with the line that installs it; ports in use are found before anything starts."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.domain.errors import SettingsError
from appliance.node import system
from appliance.node.system import (
    find_orthanc,
    find_plugin,
    find_redis,
    listens,
    missing_packages,
    orthanc_version,
    ports,
    require_free_ports,
    with_free_ports,
)
from appliance.settings import Settings


def script(folder: Path, name: str, says: str = "") -> Path:
    folder.mkdir(exist_ok=True)
    file = folder / name
    file.write_text(f"#!/bin/sh\necho '{says}'\n")
    file.chmod(0o755)
    return file


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with nothing installed but what a test puts into this folder."""
    folder = tmp_path / "installed"
    folder.mkdir()
    monkeypatch.setattr(system, "_PROGRAM_FOLDERS", (str(folder),))
    monkeypatch.setattr(system, "_PLUGIN_FOLDERS", (str(folder),))
    monkeypatch.setenv("PATH", str(folder))
    return folder


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that somebody listens on."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield int(server.getsockname()[1])


def install(machine: Path, version: str = "Orthanc 1.10.1") -> None:
    script(machine, "Orthanc", version)
    script(machine, "redis-server")
    for name in ("libOrthancPython.so", "libOrthancDicomWeb.so"):
        (machine / name).touch()


def test_every_missing_package_is_named_with_the_line_that_installs_it(settings: Settings, machine: Path) -> None:
    assert missing_packages(settings) == ["orthanc", "orthanc-dicomweb", "orthanc-python", "redis-server"]
    with pytest.raises(SettingsError, match=r"apt-get install .* orthanc orthanc-dicomweb orthanc-python redis-server"):
        find_orthanc(settings)
    with pytest.raises(SettingsError, match="redis-server"):
        find_redis()


def test_what_is_installed_is_found_with_its_version(settings: Settings, machine: Path) -> None:
    install(machine)
    assert missing_packages(settings) == []
    found = find_orthanc(settings)
    assert (found.binary, found.version) == (machine / "Orthanc", (1, 10, 1))
    assert found.is_at_least(1, 10)
    assert not found.is_at_least(1, 11)
    assert find_redis() == machine / "redis-server"


def test_programs_and_plugins_of_the_settings_win(settings: Settings, machine: Path, tmp_path: Path) -> None:
    install(machine)
    own = tmp_path / "own"
    binary = script(own, "Orthanc", "Orthanc 1.12.4")
    plugins = (own / "libOrthancDicomWeb.so", own / "libExtra.so")
    for plugin in plugins:
        plugin.touch()
    orthanc = settings.orthanc.model_copy(update={"binary": binary, "plugins": plugins})
    found = find_orthanc(settings.model_copy(update={"orthanc": orthanc}))
    assert (found.binary, found.dicomweb_plugin, found.other_plugins) == (binary, plugins[0], (plugins[1],))
    assert find_plugin("libOrthancPython.so", plugins) == machine / "libOrthancPython.so"


def test_a_development_build_counts_as_newest(tmp_path: Path) -> None:
    assert orthanc_version(script(tmp_path, "Orthanc", "Orthanc mainline (20260101)")) > (1, 99)


def test_a_program_without_a_version_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="does not state"):
        orthanc_version(script(tmp_path, "Orthanc", "something else"))


def test_two_services_on_one_port_are_refused(settings: Settings) -> None:
    web = settings.web.model_copy(update={"port": settings.redis.port})
    with pytest.raises(SettingsError, match=r"also redis\.port"):
        ports(settings.model_copy(update={"web": web}), demo=False)


def test_ports_of_the_demonstration_count_only_with_it(settings: Settings) -> None:
    assert "demo.http_port" not in ports(settings, demo=False)
    assert ports(settings, demo=True)["demo.http_port"] == settings.demo.http_port


def test_a_port_in_use_names_its_setting_and_the_variable_that_changes_it(taken: int) -> None:
    with pytest.raises(SettingsError, match="APPLIANCE_DICOM__PORT") as refused:
        require_free_ports({"dicom.port": taken})
    assert refused.value.where == "dicom.port"


def test_only_ports_in_use_are_replaced_and_all_stay_different(settings: Settings, taken: int) -> None:
    dicom = settings.dicom.model_copy(update={"port": taken})
    moved = with_free_ports(settings.model_copy(update={"dicom": dicom}), demo=True)
    assert moved.dicom.port != taken
    listening = ports(moved, demo=True)
    assert len(set(listening.values())) == len(listening)
    require_free_ports(listening)


def test_who_listens_is_told_from_who_does_not(taken: int) -> None:
    assert listens("127.0.0.1", taken)
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        assert not listens("127.0.0.1", closed.getsockname()[1])
