"""Orthanc's configuration, generated from the settings and safe by default.

It differs from the distribution's file in what that leaves open: called AE title and sender's address are checked,
nobody unknown may store or even echo, HTTP answers this machine only and asks for a password, storage and answers
are bounded. `Warnings`, `ExtraMainDicomTags` and `HttpBindAddresses` are set where the version knows them.
"""

import socket
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import appliance
from appliance.domain.errors import SettingsError
from appliance.node.files import write_json
from appliance.node.system import OrthancInstallation
from appliance.settings import LOOPBACK, ORTHANC_USER, DemoSettings, DicomSettings, SecretName, Settings

ANNOUNCEMENTS_PATH = "/internal/announcements"

_EXTRA_TAGS = {
    "Instance": (
        "Rows",
        "Columns",
        "ImageType",
        "SOPClassUID",
        "PhotometricInterpretation",
        "BurnedInAnnotation",
        "FrameOfReferenceUID",
        "SliceThickness",
    ),
    "Series": (
        "ViewPosition",
        "Laterality",
        "ImageType",
        "SliceThickness",
        "FrameOfReferenceUID",
    ),
    "Study": (),
    "Patient": (),
}
"""What selection reads (DICOM keywords) beyond what Orthanc indexes by itself. Orthanc 1.11 and later."""

_ACCEPTED_SYNTAXES = (
    "1.2.840.10008.1.2",
    "1.2.840.10008.1.2.1",
    "1.2.840.10008.1.2.2",
    "1.2.840.10008.1.2.4.*",
    "1.2.840.10008.1.2.5",
)
"""All but Deflated: on the DICOM port DCMTK inflates before anybody can look at what it will become."""

_WARNINGS = {
    "W001_TagsBeingReadFromStorage": True,
    "W002_InconsistentDicomTagsInDb": False,
}


def node_configuration(settings: Settings, installation: OrthancInstallation) -> dict[str, Any]:
    """The configuration of the node's own Orthanc."""
    return {
        **_common(settings, installation, settings.state / "orthanc"),
        **_dicom(settings),
        **_http(settings.orthanc.host, settings.orthanc.http_port, installation),
        "Name": settings.device.station_name,
        "DicomThreadsCount": settings.orthanc.threads,
        "RegisteredUsers": {ORTHANC_USER: settings.secrets.get(SecretName.ORTHANC)},
        "Plugins": [
            str(path)
            for path in (installation.python_plugin, installation.dicomweb_plugin, *installation.other_plugins)
        ],
        "PythonScript": str(plugin_script(settings)),
        "Appliance": {
            "AnnounceUrl": f"http://{settings.web.host}:{settings.web.port}{ANNOUNCEMENTS_PATH}",
            "TokenFile": str(settings.secrets.path(SecretName.ANNOUNCEMENTS)),
            **_gate(settings),
        },
    }


def demo_pacs_configuration(settings: Settings, installation: OrthancInstallation) -> dict[str, Any]:
    """The configuration of the demonstration PACS, which knows our node and nobody else."""
    demo: DemoSettings = settings.demo
    return {
        **_common(settings, installation, settings.state / "demo-pacs"),
        **_http(LOOPBACK, demo.http_port, installation),
        "Name": demo.aet,
        "DicomAet": demo.aet,
        "DicomPort": demo.dicom_port,
        "DicomModalities": {"appliance": _modality(settings.dicom.aet, LOOPBACK, settings.dicom.port, find=True)},
        "RegisteredUsers": {"demo": settings.secrets.get(SecretName.DEMO_PACS)},
        "Plugins": [str(installation.dicomweb_plugin)],
    }


def plugin_script(settings: Settings) -> Path:
    """The plugin's entry: the setting, else the one beside this package, else the one of the installed wheel."""
    project, installed = (
        Path(appliance.__file__).parents[1] / "orthanc/plugin",
        Path(sys.prefix, "share/appliance/orthanc"),
    )
    places = (
        [settings.orthanc.script]
        if settings.orthanc.script
        else [p / "appliance_plugin.py" for p in (project, installed)]
    )
    script = next((place for place in places if place.is_file()), None)
    if script is None:
        raise SettingsError("the plugin for Orthanc is not there", where=str(places[0]))
    return script.resolve()


def _gate(settings: Settings) -> dict[str, Any]:
    """What the gate in Orthanc needs; a script that was set brings its own gate, in a folder beside it."""
    own = {} if settings.orthanc.script else {"GateFolder": str(Path(appliance.__file__).parent / "gate")}
    return {
        **own,
        "UploadTokenFile": str(settings.secrets.path(SecretName.UPLOADS)),
        "Quarantine": str(settings.quarantine),
        "QuarantineMiB": settings.gate.quarantine_mib,
        "Crashes": str(settings.crashes),
        "Limits": asdict(settings.gate_limits),
    }


def write_configuration(file: Path, configuration: dict[str, Any]) -> Path:
    """Write a configuration for its owner's eyes only: it holds a password."""
    return write_json(file, configuration)


def _common(settings: Settings, installation: OrthancInstallation, folder: Path) -> dict[str, Any]:
    """What both Orthancs share.

    OverwriteInstances is off: DICOM gives changed content a new UID, and an instance that was analysed must not
    change under its result. SaveJobs is off: our ledger remembers, and a stored job may not revive after a crash.
    """
    configuration = {
        "StorageDirectory": str(folder),
        "IndexDirectory": str(folder),
        "StorageCompression": False,
        "MaximumStorageSize": settings.orthanc.maximum_storage_mib,
        "MaximumStorageCacheSize": settings.orthanc.storage_cache_mib,
        "OverwriteInstances": False,
        "StorageAccessOnFind": "Never",
        "StableAge": settings.orthanc.stable_age_s,
        "LimitFindResults": settings.orthanc.limit_find_results,
        "LimitFindInstances": settings.orthanc.limit_find_results,
        "SaveJobs": False,
        "ConcurrentJobs": 2,
        "ExecuteLuaEnabled": False,
        "RestApiWriteToFileSystemEnabled": False,
        "DicomServerEnabled": True,
        "DicomCheckCalledAet": True,
        "DicomCheckModalityHost": True,
        "StrictAetComparison": True,
        "DicomAlwaysAllowEcho": False,
        "DicomAlwaysAllowStore": False,
        "DicomAlwaysAllowFind": False,
        "DicomAlwaysAllowFindWorklist": False,
        "DicomAlwaysAllowGet": False,
        "DicomAlwaysAllowMove": False,
        "DicomModalitiesInDatabase": False,
        "UnknownSopClassAccepted": True,
        "TranscodeDicomProtocol": True,
        "AcceptedTransferSyntaxes": list(_ACCEPTED_SYNTAXES),
        "DeidentifyLogs": True,
        "DicomWeb": {"Enable": True, "Root": "/dicom-web/", "EnableWado": False},
    }
    if installation.is_at_least(1, 11):
        configuration |= {"ExtraMainDicomTags": {level: list(tags) for level, tags in _EXTRA_TAGS.items()}}
        configuration |= {"Warnings": dict(_WARNINGS)}
    return configuration


def _http(host: str, port: int, installation: OrthancInstallation) -> dict[str, Any]:
    """HTTP for this machine only. Before 1.12.10 Orthanc listens everywhere and answers others with 403."""
    local = host == LOOPBACK
    configuration: dict[str, Any] = {
        "HttpServerEnabled": True,
        "HttpPort": port,
        "RemoteAccessAllowed": not local,
        "AuthenticationEnabled": True,
        "HttpDescribeErrors": False,
        "HttpCompressionEnabled": False,
        "TcpNoDelay": True,
        "KeepAlive": True,
        "WebDavEnabled": False,
    }
    if local and installation.is_at_least(1, 12, 10):
        configuration["HttpBindAddresses"] = [host]
    return configuration


def _dicom(settings: Settings) -> dict[str, Any]:
    dicom = settings.dicom
    known = {
        f"sender-{number:02d}": _modality(sender.aet, sender.host, sender.port)
        for number, sender in enumerate(dicom.modalities, 1)
    }
    senders = {sender.aet for sender in dicom.modalities}
    known |= {
        f"destination-{place.name}": _modality(place.aet, place.host, place.port, store=False)
        for place in settings.destinations
        if place.kind == "dimse" and place.aet not in senders
    }
    return {"DicomAet": dicom.aet, "DicomPort": dicom.port, "DicomModalities": known, **_tls(dicom, settings.home)}


def _modality(aet: str, host: str, port: int, *, store: bool = True, find: bool = False) -> dict[str, Any]:
    """A known peer. Orthanc compares addresses as text, so a name is resolved here."""
    return {
        "AET": aet,
        "Host": address_of(host),
        "Port": port,
        "AllowEcho": True,
        "AllowStore": store,
        "AllowFind": find,
        "AllowFindWorklist": False,
        "AllowGet": False,
        "AllowMove": False,
        "AllowStorageCommitment": False,
    }


def address_of(host: str) -> str:
    """The IPv4 address of a host. Raises SettingsError where it is not known."""
    try:
        return str(socket.getaddrinfo(host, None, socket.AF_INET)[0][4][0])
    except socket.gaierror as error:
        raise SettingsError("the address of this host is not known", where=host) from error


def _tls(settings: DicomSettings, home: Path) -> dict[str, Any]:
    """DICOM TLS on the DICOM port, where certificate and key are set."""
    certificate, key, trusted = settings.tls_certificate, settings.tls_private_key, settings.tls_trusted_certificates
    if not certificate and not key:
        return {"DicomTlsEnabled": False}
    if not certificate or not key:
        raise SettingsError("DICOM TLS needs both tls_certificate and tls_private_key", where="dicom")
    configuration: dict[str, Any] = {
        "DicomTlsEnabled": True,
        "DicomTlsCertificate": str((home / certificate).resolve()),
        "DicomTlsPrivateKey": str((home / key).resolve()),
        "DicomTlsRemoteCertificateRequired": trusted is not None,
    }
    if trusted:
        configuration["DicomTlsTrustedCertificates"] = str((home / trusted).resolve())
    return configuration
