"""DICOM TLS on the node's DICOM port, with DCMTK as the sender: who shows a certificate of ours is let in."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.node.orthanc_config import node_configuration
from appliance.node.system import find_orthanc
from appliance.settings import SecretName, Settings
from tests.helpers.certificates import Identity, write_identity
from tests.helpers.services import OrthancServer, free_ports, orthanc, orthanc_settings, program

pytestmark = [pytest.mark.integration, pytest.mark.orthanc]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Identity:
    return write_identity(tmp_path_factory.mktemp("authority"), "authority")


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory, authority: Identity) -> Iterator[OrthancServer]:
    """A node that asks senders for their certificate."""
    program("Orthanc")
    home = tmp_path_factory.mktemp("home")
    own = write_identity(home, "node", issuer=authority)
    dicom, http, web = free_ports(3)
    settings = Settings(
        home=home,
        dicom={
            "port": dicom,
            "tls_certificate": own.certificate,
            "tls_private_key": own.key,
            "tls_trusted_certificates": authority.certificate,
        },
        orthanc={"http_port": http, **orthanc_settings()},
        web={"port": web},
    )
    settings.secrets.get(SecretName.ANNOUNCEMENTS)
    with orthanc(settings.state, **node_configuration(settings, find_orthanc(settings))) as server:
        yield server


def _echo(node: OrthancServer, *tls: str) -> int:
    command = [program("echoscu"), "-aet", "SAMPLES", "-aec", "APPLIANCE", *tls, "127.0.0.1", str(node.dicom_port)]
    return subprocess.run(command, env=os.environ, capture_output=True, check=False, timeout=60).returncode


def test_a_sender_with_a_certificate_of_our_authority_is_answered(
    node: OrthancServer, authority: Identity, tmp_path: Path
) -> None:
    sender = write_identity(tmp_path, "sender", issuer=authority)
    assert _echo(node, "+tls", str(sender.key), str(sender.certificate), "+cf", str(authority.certificate)) == 0


def test_a_sender_without_one_is_not(node: OrthancServer, authority: Identity) -> None:
    assert _echo(node, "+tla", "+cf", str(authority.certificate)) != 0


def test_a_sender_with_a_foreign_certificate_is_not(node: OrthancServer, authority: Identity, tmp_path: Path) -> None:
    foreign = write_identity(tmp_path, "sender", issuer=write_identity(tmp_path, "other-authority"))
    assert _echo(node, "+tls", str(foreign.key), str(foreign.certificate), "+cf", str(authority.certificate)) != 0


def test_plain_dicom_is_not_answered(node: OrthancServer) -> None:
    assert _echo(node) != 0
