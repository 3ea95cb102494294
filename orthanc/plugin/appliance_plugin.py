"""The appliance's plugin for Orthanc: entered by Orthanc through its `PythonScript` setting.

Its settings are the section "Appliance" of Orthanc's configuration; an environment variable of the same meaning wins:

    AnnounceUrl      APPLIANCE_ANNOUNCE_URL          where announcements are posted; none: nothing is announced
    TokenFile        APPLIANCE_ANNOUNCE_TOKEN_FILE   file with the bearer token
    UploadTokenFile  APPLIANCE_UPLOAD_TOKEN_FILE     file with what uploads over HTTP have to show
    GateFolder       APPLIANCE_GATE_FOLDER           the package appliance/gate; else `gate` beside this file
    Quarantine       APPLIANCE_QUARANTINE            folder for what is kept out
    QuarantineMiB    APPLIANCE_QUARANTINE_MIB        how large that may grow
    Crashes          APPLIANCE_CRASHES               folder of crash records and of the notes about work in progress
    Limits           -                               bounds of the gate, by name (see appliance/gate/limits.py)

Without the gate Orthanc does not start: nothing may come in unseen.
"""

import importlib.util
import json
import os
import pathlib
import sys

from announce import Announcer
from lifecycle import when_started, when_stopped

import orthanc

_METADATA = {"aet": "RemoteAET", "ip": "RemoteIP", "called": "CalledAET"}
_HERE = pathlib.Path(__file__).resolve().parent


def setting(section, key, variable):
    """One setting: the environment, else Orthanc's configuration, else nothing."""
    return os.environ.get(variable) or section.get(key, "")


def token_reader(file):
    """A function that reads the token each time; an empty token is refused by the web service, not here."""
    return lambda: pathlib.Path(file).read_text(encoding="ascii").strip() if file else ""


def describe(dicom, instance_id):
    """The announcement of one stored instance: Orthanc's identifier and who sent it, where Orthanc knows."""
    announcement = {"id": instance_id}
    for key, metadata in _METADATA.items():
        if value := dicom.GetInstanceMetadata(metadata):
            announcement[key] = value
    return announcement


def load_gate(folder):
    """Make the package appliance/gate known as `appliance_gate`, wherever it lies."""
    places = [pathlib.Path(folder)] if folder else [_HERE / "gate", _HERE.parents[1] / "appliance" / "gate"]
    found = next((place for place in places if (place / "__init__.py").is_file()), None)
    if found is None:
        raise RuntimeError("Appliance: the gate is not in %s" % " or ".join(map(str, places)))
    spec = importlib.util.spec_from_file_location(
        "appliance_gate", found / "__init__.py", submodule_search_locations=[str(found)]
    )
    package = importlib.util.module_from_spec(spec)
    sys.modules["appliance_gate"] = package
    spec.loader.exec_module(package)


def log(message):
    """One line in Orthanc's log."""
    orthanc.LogWarning("Appliance: " + message)


def install_gate(section, storage):
    """Register the gate before the folder `storage`; returns the gate."""
    load_gate(setting(section, "GateFolder", "APPLIANCE_GATE_FOLDER"))
    from gate_setup import make_gate

    gate = make_gate(
        storage=storage,
        quarantine=setting(section, "Quarantine", "APPLIANCE_QUARANTINE") or "quarantine",
        quarantine_mib=int(setting(section, "QuarantineMiB", "APPLIANCE_QUARANTINE_MIB") or 4096),
        crashes_folder=setting(section, "Crashes", "APPLIANCE_CRASHES") or "crashes",
        limits=section.get("Limits", {}),
        upload_token=token_reader(setting(section, "UploadTokenFile", "APPLIANCE_UPLOAD_TOKEN_FILE")),
        log=log,
    )
    keep, discard, modify = (
        int(getattr(orthanc.ReceivedInstanceAction, name)) for name in ("KEEP_AS_IS", "DISCARD", "MODIFY")
    )

    def on_received(content, origin):
        instead = gate.keeper.receive(content, origin)
        if instead is None:
            return keep, None
        return (modify, instead) if instead else (discard, None)

    orthanc.RegisterReceivedInstanceCallback(on_received)
    orthanc.RegisterIncomingCStoreInstanceFilter(lambda dicom: gate.keeper.answer(dicom.GetInstanceRemoteAet()))
    orthanc.RegisterIncomingHttpRequestFilter(
        lambda uri, **request: gate.keeper.allow(uri, request["method"], request["headers"])
    )
    return gate


def install():
    """Register the callbacks; returns the announcer, or None where no address is set."""
    configuration = json.loads(orthanc.GetConfiguration())
    section = configuration.get("Appliance", {})
    gate = install_gate(section, configuration.get("StorageDirectory", "OrthancStorage"))
    announcer = make_announcer(section)

    def on_stored(dicom, instance_id):
        gate.keeper.stored()
        if announcer:
            announcer.put(describe(dicom, instance_id))

    def on_started():
        gate.isolate_suspects(orthanc)
        if announcer:
            announcer.start()
            when_stopped(announcer.stop)

    orthanc.RegisterOnStoredInstanceCallback(on_stored)
    when_started(orthanc, on_started)
    return announcer


def make_announcer(section):
    """The announcer, or None where no address is set."""
    url = setting(section, "AnnounceUrl", "APPLIANCE_ANNOUNCE_URL")
    if not url:
        log("no AnnounceUrl; instances are found by the change feed alone")
        return None
    read_token = token_reader(setting(section, "TokenFile", "APPLIANCE_ANNOUNCE_TOKEN_FILE"))
    return Announcer(url, read_token, log=log)


install()
