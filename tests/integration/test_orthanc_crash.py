"""An object that Orthanc dies of while it is read ends in quarantine, and Orthanc lives."""

import contextlib
import json
import os
import subprocess
import sys
from http.client import HTTPException
from pathlib import Path

import httpx
import pytest
from pydicom import Dataset, dcmwrite

from appliance.gate.crashes import crashes
from appliance.gate.quarantine import QuarantineFolder
from appliance.node.orthanc_config import node_configuration
from appliance.node.system import find_orthanc
from appliance.settings import ORTHANC_USER, Modality, SecretName, Settings
from tests.helpers.dicom_builder import blob_phantom, ct_series
from tests.helpers.services import free_ports, orthanc, program, stop, wait_for

pytestmark = pytest.mark.integration


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    program("Orthanc")
    dicom, http, web = free_ports(3)
    made = Settings(
        home=tmp_path,
        dicom={"port": dicom, "modalities": (Modality(aet="SAMPLES", host="127.0.0.1"),)},
        orthanc={"http_port": http},
        web={"port": web},
    )
    for secret in SecretName:
        made.secrets.get(secret)
    return made


def _killer(path: Path) -> Path:
    dataset, inner = ct_series(blob_phantom())[0], Dataset()
    for _ in range(150):
        outer = Dataset()
        outer.ContentSequence = [inner]
        inner = outer
    dataset.ContentSequence = inner.ContentSequence
    dcmwrite(path, dataset, enforce_file_format=True)
    return path


def test_the_killer_of_an_earlier_time_is_isolated_once(settings: Settings, tmp_path: Path) -> None:
    configuration = node_configuration(settings, find_orthanc(settings))
    with orthanc(settings.state, **(configuration | {"Plugins": [], "PythonScript": ""})) as unguarded:
        storescu = [program("storescu"), "-aet", "SAMPLES", "-aec", "APPLIANCE", "127.0.0.1", str(settings.dicom.port)]
        subprocess.run([*storescu, str(_killer(tmp_path / "killer.dcm"))], check=True, env=os.environ)
        (identifier,) = unguarded.get("/instances")
    file = tmp_path / "orthanc.json"
    file.write_text(json.dumps(configuration))
    watch = [sys.executable, "-m", "appliance.node.watched_orthanc", str(settings.crashes)]
    command = [*watch, str(find_orthanc(settings).binary), str(file)]
    auth = (ORTHANC_USER, settings.secrets.get(SecretName.ORTHANC))
    with httpx.Client(base_url=settings.orthanc_url, auth=auth, trust_env=False) as client:

        def instances() -> list[str] | None:
            with contextlib.suppress(httpx.TransportError):
                return list(client.get("/instances").json())
            return None

        first = subprocess.Popen(command, env=os.environ, stderr=subprocess.DEVNULL)
        wait_for(lambda: instances() == [identifier], "Orthanc")
        with contextlib.suppress(httpx.TransportError, HTTPException):
            client.get(f"/instances/{identifier}/tags")
        assert first.wait(60) == 128 + 11
        second = subprocess.Popen(command, env=os.environ, stderr=subprocess.DEVNULL)
        try:
            wait_for(lambda: instances() == [], "the killer to be gone")
        finally:
            stop(second)
    (record,) = QuarantineFolder(settings.quarantine).records()
    assert (record["code"], record["way"]) == ("orthanc-crash", "crash")
    ((_, crash),) = crashes(settings.crashes)
    assert (crash["signal"], crash["handled"]) == ("SIGSEGV", True)
