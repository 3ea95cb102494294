"""The configuration that Orthanc gets is the safe one, on every version of it."""

import json
from pathlib import Path
from typing import Any

import pytest

from appliance.domain.errors import SettingsError
from appliance.node.orthanc_config import (
    demo_pacs_configuration,
    node_configuration,
    plugin_script,
    write_configuration,
)
from appliance.settings import Modality, SecretName, Settings
from tests.unit.node.conftest import installation

DEBIAN = (1, 10, 1)
NEWEST = (1, 12, 10)


def configuration(settings: Settings, *version: int, **changes: Any) -> dict[str, Any]:
    return node_configuration(settings.model_copy(update=changes), installation(*(version or DEBIAN)))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DicomCheckCalledAet", True),
        ("DicomCheckModalityHost", True),
        ("StrictAetComparison", True),
        ("DicomModalitiesInDatabase", False),
        ("DicomAlwaysAllowEcho", False),
        ("DicomAlwaysAllowStore", False),
        ("DicomAlwaysAllowFind", False),
        ("DicomAlwaysAllowFindWorklist", False),
        ("DicomAlwaysAllowGet", False),
        ("DicomAlwaysAllowMove", False),
        ("RemoteAccessAllowed", False),
        ("AuthenticationEnabled", True),
        ("WebDavEnabled", False),
        ("HttpDescribeErrors", False),
        ("ExecuteLuaEnabled", False),
        ("RestApiWriteToFileSystemEnabled", False),
        ("DeidentifyLogs", True),
        ("SaveJobs", False),
        ("OverwriteInstances", False),
        ("HttpCompressionEnabled", False),
        ("TcpNoDelay", True),
        ("UnknownSopClassAccepted", True),
        ("StorageCompression", False),
        ("StorageAccessOnFind", "Never"),
        ("DicomTlsEnabled", False),
    ],
)
@pytest.mark.parametrize("version", [DEBIAN, NEWEST], ids=str)
def test_each_safety_setting_has_its_value(
    settings: Settings, version: tuple[int, ...], name: str, value: object
) -> None:
    assert configuration(settings, *version)[name] == value


def test_storage_and_answers_are_bounded_by_the_settings(settings: Settings) -> None:
    bounds = settings.orthanc.model_copy(
        update={"maximum_storage_mib": 123, "storage_cache_mib": 45, "limit_find_results": 6, "threads": 7}
    )
    made = configuration(settings, orthanc=bounds)
    assert (made["MaximumStorageSize"], made["MaximumStorageCacheSize"]) == (123, 45)
    assert (made["LimitFindResults"], made["LimitFindInstances"], made["DicomThreadsCount"]) == (6, 6, 7)


def test_bounds_are_there_without_any_setting(settings: Settings) -> None:
    made = configuration(settings)
    for name in ("MaximumStorageSize", "MaximumStorageCacheSize", "LimitFindResults", "LimitFindInstances"):
        assert made[name] > 0, name


def test_senders_are_known_by_title_and_address_and_may_only_echo_and_store(settings: Settings) -> None:
    sender = Modality(aet="CT1", host="192.0.2.7", port=105)
    made = configuration(settings, dicom=settings.dicom.model_copy(update={"modalities": (sender,)}))
    (known,) = made["DicomModalities"].values()
    assert (known["AET"], known["Host"], known["Port"]) == ("CT1", "192.0.2.7", 105)
    allowed = {name for name, value in known.items() if name.startswith("Allow") and value}
    assert allowed == {"AllowEcho", "AllowStore"}


def test_a_destination_may_echo_and_nothing_else(settings: Settings) -> None:
    place = {"name": "archive", "kind": "dimse", "host": "192.0.2.9", "aet": "ARCHIVE"}
    made = configuration(Settings(home=settings.home, destinations=(place,)))
    known = made["DicomModalities"]["destination-archive"]
    assert {name for name, value in known.items() if name.startswith("Allow") and value} == {"AllowEcho"}


def test_a_destination_that_also_sends_is_listed_once_as_sender(settings: Settings) -> None:
    place = {"name": "pacs", "kind": "dimse", "host": "192.0.2.9", "aet": "SAMPLES"}
    made = configuration(Settings(home=settings.home, destinations=(place,)))
    assert [item["AET"] for item in made["DicomModalities"].values()] == ["SAMPLES"]


def test_the_name_of_a_sender_is_resolved_because_orthanc_compares_addresses(settings: Settings) -> None:
    dicom = settings.dicom.model_copy(update={"modalities": (Modality(aet="CT1", host="localhost"),)})
    (known,) = configuration(settings, dicom=dicom)["DicomModalities"].values()
    assert known["Host"] == "127.0.0.1"


def test_an_address_that_nobody_knows_is_refused(settings: Settings) -> None:
    dicom = settings.dicom.model_copy(update={"modalities": (Modality(aet="CT1", host="ct1.invalid"),)})
    with pytest.raises(SettingsError, match=r"ct1\.invalid"):
        configuration(settings, dicom=dicom)


def test_http_binds_to_loopback_where_the_version_can(settings: Settings) -> None:
    assert "HttpBindAddresses" not in configuration(settings, *DEBIAN)
    assert configuration(settings, *NEWEST)["HttpBindAddresses"] == ["127.0.0.1"]


def test_extra_main_tags_are_set_where_the_version_knows_them(settings: Settings) -> None:
    assert "ExtraMainDicomTags" not in configuration(settings, *DEBIAN)
    tags = configuration(settings, 1, 11)["ExtraMainDicomTags"]
    assert {"Rows", "Columns", "BurnedInAnnotation", "SOPClassUID"} <= set(tags["Instance"])
    assert {"Laterality", "ViewPosition", "SliceThickness"} <= set(tags["Series"])
    assert "ContrastBolusAgent" not in tags["Series"], "Orthanc indexes it by itself"


def test_in_containers_the_compose_network_reaches_orthanc_with_a_password(settings: Settings) -> None:
    orthanc = settings.orthanc.model_copy(update={"host": "orthanc"})
    made = configuration(settings, *NEWEST, orthanc=orthanc)
    assert made["RemoteAccessAllowed"] is True
    assert made["AuthenticationEnabled"] is True
    assert "HttpBindAddresses" not in made


def test_dicom_tls_is_on_where_certificate_and_key_are_set(settings: Settings) -> None:
    dicom = settings.dicom.model_copy(update={"tls_certificate": Path("a.crt"), "tls_private_key": Path("a.key")})
    made = configuration(settings, dicom=dicom)
    assert made["DicomTlsEnabled"] is True
    assert made["DicomTlsCertificate"] == str((settings.home / "a.crt").resolve())
    assert made["DicomTlsRemoteCertificateRequired"] is False
    trusting = dicom.model_copy(update={"tls_trusted_certificates": Path("ca.crt")})
    made = configuration(settings, dicom=trusting)
    assert made["DicomTlsRemoteCertificateRequired"] is True
    assert made["DicomTlsTrustedCertificates"] == str((settings.home / "ca.crt").resolve())


def test_half_a_tls_configuration_is_refused(settings: Settings) -> None:
    with pytest.raises(SettingsError, match="tls_private_key"):
        configuration(settings, dicom=settings.dicom.model_copy(update={"tls_certificate": Path("a.crt")}))


def test_the_plugin_is_told_where_to_announce_and_reads_the_token_from_its_file(settings: Settings) -> None:
    token = settings.secrets.get(SecretName.ANNOUNCEMENTS)
    made = configuration(settings)
    assert made["Appliance"]["AnnounceUrl"] == "http://127.0.0.1:8080/internal/announcements"
    assert Path(made["Appliance"]["TokenFile"]).read_text(encoding="ascii") == token
    assert token not in json.dumps(made)
    assert made["Plugins"] == ["/opt/libOrthancPython.so", "/opt/libOrthancDicomWeb.so", "/opt/libOther.so"]


def test_a_plugin_that_is_not_there_is_refused(settings: Settings) -> None:
    orthanc = settings.orthanc.model_copy(update={"script": Path("missing.py")})
    with pytest.raises(SettingsError, match=r"missing\.py"):
        plugin_script(settings.model_copy(update={"orthanc": orthanc}))


def test_the_demonstration_pacs_is_as_closed_and_knows_our_node_only(settings: Settings) -> None:
    made = demo_pacs_configuration(settings, installation(*DEBIAN))
    for name in ("DicomCheckCalledAet", "DicomCheckModalityHost", "AuthenticationEnabled"):
        assert made[name] is True, name
    assert [item["AET"] for item in made["DicomModalities"].values()] == [settings.dicom.aet]
    assert made["StorageDirectory"] != configuration(settings)["StorageDirectory"]
    assert "PythonScript" not in made


def test_the_file_is_for_its_owner_only(settings: Settings, tmp_path: Path) -> None:
    made = configuration(settings)
    file = write_configuration(tmp_path / "run" / "orthanc.json", made)
    assert file.stat().st_mode & 0o077 == 0
    assert json.loads(file.read_text()) == made
