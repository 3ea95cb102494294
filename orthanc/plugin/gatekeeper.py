"""The gate in Orthanc: every object is looked at before Orthanc stores it; what is refused goes to quarantine.

Orthanc calls these methods from its own threads, while a sender waits. Whatever goes wrong in here counts against the
one object at hand: it is kept out, and Orthanc goes on.
"""

import hashlib
import hmac
import re
import sys
import threading

from appliance_gate.inspection import inspect
from appliance_gate.notes import fingerprint
from appliance_gate.reasons import Reason, Refused
from tombstone import tombstone

DICOM = 2  # OrthancPluginInstanceOrigin_DicomProtocol
CANNOT_UNDERSTAND = 0xC000  # C-STORE status, PS3.4 table B.2-1
OUT_OF_RESOURCES = 0xA700
ROOM = 64 * 1024 * 1024
"""Bytes that must be free besides those of the object. On a disk without room Orthanc 1.10 acknowledges a small object
and stores nothing of it, and then takes it for known when it comes again."""
PARSES = re.compile(
    r"/(?:instances|series|studies|patients)/[^/]+/"
    r"(?!file$|metadata|attachments|statistics$|is-stable|series$|instances$|studies$|study$|patient$)."
    r"|/dicom-web/.*/(?:frames|rendered|metadata|bulk)|/wado"
)
"""Requests for which Orthanc parses or decodes what it has stored."""
UPLOADS = re.compile(r"/instances/?$|/dicom-web/studies|/modalities/[^/]+/store-straight|/tools/create-dicom")
"""Requests that bring objects. Orthanc 1.10 parses a body that was discarded once more to name it in its answer, so a
body has to be looked at before it comes here: the appliance does, and shows the upload token."""
UPLOAD_HEADER = "x-appliance-upload"
POST, PUT = 2, 3  # OrthancPluginHttpMethod


class Gatekeeper:
    """Decides on every object and on every HTTP request.

    `quarantine` is a QuarantineFolder, `limits` are Limits, `notes` are Notes; `crashed` holds the fingerprints of
    objects that Orthanc died of; `upload_token` is asked for anew each time; `free` tells how many bytes the storage
    has left; `log` takes a line of text.
    """

    def __init__(
        self,
        quarantine,
        limits,
        notes,
        *,
        crashed=frozenset(),
        upload_token=lambda: "",
        free=lambda: sys.maxsize,
        log=print,
    ):
        self._quarantine = quarantine
        self._limits = limits
        self._notes = notes
        self._crashed = frozenset(crashed)
        self._upload_token = upload_token
        self._free = free
        self._log = log
        self._refused = {}

    def receive(self, content, origin):
        """What to store in place of `content`: None for as it is, b"" for nothing, or other bytes."""
        if self._free() < len(content) + ROOM:
            return self._no_room(origin)
        try:
            mark = fingerprint(content)
            if mark in self._crashed:
                raise Refused(Reason.CRASH, "Orthanc died of this object before")
            foreign_preamble = inspect(content, self._limits).foreign_preamble
            self._notes.begin("store", mark)
        except Refused as refusal:
            return self._keep_out(content, origin, refusal.reason, refusal.detail, refusal.study)
        except Exception as error:  # noqa: BLE001 - a defect of the gate must not let the object in
            return self._keep_out(content, origin, Reason.DEFECT, type(error).__name__, "")
        if foreign_preamble:
            self._log("a foreign preamble (%s) was zeroed" % content[:4].hex())
            return b"\0" * 128 + content[128:]
        return None

    def answer(self, calling_aet):
        """The status for the C-STORE request that this thread serves; 0 to store what `receive` gave."""
        status, name = self._refused.pop(threading.get_ident(), (0, ""))
        if name:
            self._quarantine.amend(name, calling_aet=calling_aet[:16])
        return status

    def stored(self):
        """This thread has stored what it received."""
        self._notes.end()

    def allow(self, uri, method, headers):
        """Whether an HTTP request may go on: a body is bounded and never compressed, and objects come from the
        appliance alone. Readings are noted."""
        fields = {key.lower(): value.strip() for key, value in headers.items()}
        if fields.get("content-encoding", "identity").lower() != "identity":
            self._log("an HTTP request with a compressed body was refused")
            return False
        length = fields.get("content-length", "0")
        if not length.isdigit() or int(length) > self._limits.object_bytes:
            self._log("an HTTP request with too long a body was refused")
            return False
        if method in (POST, PUT) and UPLOADS.match(uri) and not self._is_ours(fields.get(UPLOAD_HEADER, "")):
            self._log("an upload that did not come through the appliance was refused")
            return False
        if PARSES.match(uri):
            self._notes.begin("read", uri[:300])
        else:
            self._notes.end()
        return True

    def _is_ours(self, shown):
        token = self._upload_token()
        return bool(token) and hmac.compare_digest(shown.encode("utf-8"), token.encode("utf-8"))

    def _no_room(self, origin):
        """Nothing is kept of it: a sender by C-STORE hears so, and sends it again when there is room."""
        self._log("an object was refused: the disk of the storage is full")
        if origin != DICOM:
            return b""
        self._refused[threading.get_ident()] = OUT_OF_RESOURCES, ""
        return tombstone()

    def _keep_out(self, content, origin, reason, detail, study):
        """Into quarantine; a sender by C-STORE gets a tombstone stored in its place, which `answer` then refuses."""
        name = ""
        try:
            if reason.may_be_overridden and self._quarantine.is_admitted(hashlib.sha256(content).hexdigest()):
                return None
            way = "dicom" if origin == DICOM else "http"
            record = self._quarantine.hold(content, reason.value, detail, way=way, study=study)
            name = record["id"]
            self._log("kept out %s: %s (%s)" % (name, reason.value, detail))
            if record["dropped"]:
                self._log("the quarantine is full; the bytes went of %s" % ", ".join(record["dropped"]))
        except Exception as error:  # noqa: BLE001 - a full disk must not let the object in
            self._log("kept out, but the quarantine failed (%s): %s" % (type(error).__name__, reason.value))
        if origin != DICOM:
            return b""
        self._refused[threading.get_ident()] = CANNOT_UNDERSTAND, name
        return tombstone()
