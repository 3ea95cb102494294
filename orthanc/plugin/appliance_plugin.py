"""The appliance's plugin for Orthanc: entered by Orthanc through its `PythonScript` setting.

Its settings are the section "Appliance" of Orthanc's configuration; an environment variable of the same meaning wins:

    AnnounceUrl   APPLIANCE_ANNOUNCE_URL          where announcements are posted; none: nothing is announced
    TokenFile     APPLIANCE_ANNOUNCE_TOKEN_FILE   file with the bearer token
"""

import json
import os
import pathlib

from announce import Announcer

import orthanc

_METADATA = {"aet": "RemoteAET", "ip": "RemoteIP", "called": "CalledAET"}


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
        if dicom.HasInstanceMetadata(metadata):
            announcement[key] = dicom.GetInstanceMetadata(metadata)
    return announcement


def install():
    """Register the callbacks; returns the announcer, or None where no address is set."""
    section = json.loads(orthanc.GetConfiguration()).get("Appliance", {})
    url = setting(section, "AnnounceUrl", "APPLIANCE_ANNOUNCE_URL")
    if not url:
        orthanc.LogWarning("Appliance: no AnnounceUrl; instances are found by the change feed alone")
        return None
    read_token = token_reader(setting(section, "TokenFile", "APPLIANCE_ANNOUNCE_TOKEN_FILE"))
    announcer = Announcer(url, read_token, log=lambda message: orthanc.LogWarning("Appliance: " + message))

    def on_stored(dicom, instance_id):
        announcer.put(describe(dicom, instance_id))

    def on_change(change, level, resource):
        if change == orthanc.ChangeType.ORTHANC_STARTED:
            announcer.start()
        elif change == orthanc.ChangeType.ORTHANC_STOPPED:
            announcer.stop()

    orthanc.RegisterOnStoredInstanceCallback(on_stored)
    orthanc.RegisterOnChangeCallback(on_change)
    return announcer


install()
