"""Secrets, keys and certificates."""

from pathlib import Path

import pytest

from appliance.node.health import protection
from appliance.node.health.check import State
from appliance.settings import SecretName, Settings
from tests.helpers.certificates import Identity, write_identity


def _with(settings: Settings, own: Identity, trusted: Path | None = None) -> Settings:
    tls = {"tls_certificate": own.certificate, "tls_private_key": own.key, "tls_trusted_certificates": trusted}
    return settings.model_copy(update={"dicom": settings.dicom.model_copy(update=tls)})


def test_secrets_that_others_can_read_are_a_failure(settings: Settings) -> None:
    settings.secrets.get(SecretName.ORTHANC)
    assert [line.state for line in protection.secrets(settings)] == [State.OK]
    settings.secrets.path(SecretName.ORTHANC).chmod(0o640)
    (line,) = protection.secrets(settings)
    assert (line.part, line.state) == ("secret orthanc-password", State.FAILED)
    assert line.do.startswith("chmod 600 ")


def test_mounted_secrets_may_be_shared_with_a_group_and_with_nobody_else(settings: Settings, tmp_path: Path) -> None:
    mounted = settings.model_copy(update={"secrets_dir": tmp_path})
    file = mounted.secrets.path(SecretName.REDIS)
    file.write_text("swordfish", encoding="ascii")
    file.chmod(0o440)
    assert [line.state for line in protection.secrets(mounted)] == [State.OK]
    file.chmod(0o444)
    assert [line.state for line in protection.secrets(mounted)] == [State.FAILED]


def test_without_tls_nothing_is_wrong(settings: Settings) -> None:
    assert [(line.part, line.detail) for line in protection.certificates(settings)] == [("DICOM TLS", "off")]


@pytest.mark.parametrize(("days", "state"), [(365, State.OK), (29, State.WARNING), (-2, State.FAILED)])
def test_a_certificate_is_reported_before_it_ends(settings: Settings, tmp_path: Path, days: int, state: State) -> None:
    lines = {
        line.part: line
        for line in protection.certificates(_with(settings, write_identity(tmp_path, "node", days=days)))
    }
    assert lines["DICOM TLS certificate"].state is state
    assert lines["DICOM TLS key"].state is State.OK


def test_each_trusted_certificate_is_looked_at(settings: Settings, tmp_path: Path) -> None:
    old, new = (write_identity(tmp_path, name, days=days) for name, days in (("old", -2), ("new", 300)))
    trusted = tmp_path / "trusted.pem"
    trusted.write_bytes(old.certificate.read_bytes() + new.certificate.read_bytes())
    lines = protection.certificates(_with(settings, new, trusted))
    assert [line.state for line in lines if line.part == "trusted certificates"] == [State.FAILED, State.OK]


def test_a_key_of_another_certificate_is_a_failure(settings: Settings, tmp_path: Path) -> None:
    one, other = write_identity(tmp_path, "one"), write_identity(tmp_path, "other")
    mixed = Identity(certificate=one.certificate, key=other.key)
    assert "DICOM TLS key" in {
        line.part for line in protection.certificates(_with(settings, mixed)) if line.state is State.FAILED
    }


def test_a_key_that_others_can_read_is_a_failure(settings: Settings, tmp_path: Path) -> None:
    own = write_identity(tmp_path, "node")
    own.key.chmod(0o644)
    assert State.FAILED in {line.state for line in protection.certificates(_with(settings, own))}


@pytest.mark.parametrize("which", ["certificate", "key"])
def test_a_file_that_is_none_is_a_failure_and_no_traceback(settings: Settings, tmp_path: Path, which: str) -> None:
    own = write_identity(tmp_path, "node")
    getattr(own, which).write_text("nonsense", encoding="ascii")
    assert State.FAILED in {line.state for line in protection.certificates(_with(settings, own))}
