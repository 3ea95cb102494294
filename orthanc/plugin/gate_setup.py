"""The gate put together for Orthanc, and what it does about the objects that Orthanc died of."""

import json
import os
import pathlib
import re
import sys

from appliance_gate.crashes import NOTES, crashes, mark_handled
from appliance_gate.limits import Limits
from appliance_gate.notes import Notes
from appliance_gate.quarantine import QuarantineFolder
from appliance_gate.reasons import Reason
from gatekeeper import Gatekeeper

_BY_ORTHANC_ID = re.compile(r"/instances/([0-9a-f]{8}(?:-[0-9a-f]{8}){4})/")
_BY_SOP_INSTANCE = re.compile(r"/dicom-web/.*/instances/([0-9.]{1,64})(?:/|$)")


class Gate:
    """The keeper, and the crashes before this start."""

    def __init__(self, keeper, quarantine, earlier, log):
        self.keeper = keeper
        self._quarantine = quarantine
        self._earlier = earlier
        self._log = log

    def isolate_suspects(self, orthanc):
        """Move what Orthanc was reading when it died out of its storage and into quarantine, once per crash.

        Only `/file` is asked for, which does not parse.
        """
        for path, record in self._earlier:
            if not record["handled"]:
                for uri in record["read"]:
                    self._isolate(orthanc, uri)
                mark_handled(path, record)

    def _isolate(self, orthanc, uri):
        try:
            for instance in _instances(orthanc, uri):
                content = orthanc.RestApiGet("/instances/%s/file" % instance)
                detail = "Orthanc died while this was read"
                held = self._quarantine.hold(content, Reason.CRASH.value, detail, way="crash", study="")
                orthanc.RestApiDelete("/instances/%s" % instance)
                self._log("kept out %s: Orthanc died while it was read" % held["id"])
        except Exception as error:  # noqa: BLE001 - Orthanc must start whatever is wrong with a suspect
            self._log("a suspect of the last crash could not be isolated (%s)" % type(error).__name__)


def make_gate(*, storage, quarantine, quarantine_mib, crashes_folder, limits, upload_token, log):
    """The gate with its folders; `storage` is Orthanc's own.

    `limits` replaces defaults by name; an unknown name is an error.
    """
    folder = pathlib.Path(crashes_folder)
    earlier = crashes(folder)
    held = QuarantineFolder(quarantine, limit_bytes=quarantine_mib * 1024 * 1024)
    crashed = {mark for _, record in earlier for mark in record["stored"]}
    keeper = Gatekeeper(
        held,
        Limits(**limits),
        Notes(folder / NOTES),
        crashed=crashed,
        upload_token=upload_token,
        free=lambda: _free_bytes(storage),
        log=log,
    )
    return Gate(keeper, held, earlier, log)


def _free_bytes(folder):
    """How much a file system has left for us; without bound where it does not tell."""
    try:
        facts = os.statvfs(folder)
    except OSError:
        return sys.maxsize
    return facts.f_bavail * facts.f_frsize


def _instances(orthanc, uri):
    """The instances that a path of the REST API or of DICOMweb is about."""
    if match := _BY_ORTHANC_ID.search(uri):
        return [match.group(1)]
    if match := _BY_SOP_INSTANCE.search(uri):
        found = json.loads(orthanc.RestApiPost("/tools/lookup", match.group(1).encode("ascii")))
        return [item["ID"] for item in found if item["Type"] == "Instance"]
    return []
