"""Where the web service listens: loopback as it is, everybody else by TLS, and whose word on clients is believed."""

import json
import os
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from appliance.bootstrap import Appliance
from appliance.domain.access import UserRole
from appliance.settings import Settings, load_settings
from appliance.store.audit_trail import AuditQuery
from tests.helpers.certificates import write_identity
from tests.helpers.people import PASSWORD, add_user
from tests.helpers.services import free_ports

pytestmark = pytest.mark.integration
Start = Callable[..., Settings]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts the service with settings of its `web` section; it is ended afterwards, and must end by itself."""
    running: list[subprocess.Popen[bytes]] = []

    def begin(**web: Any) -> Settings:
        file = tmp_path / "appliance.toml"
        file.write_text("[web]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in web.items()))
        environment = {key: value for key, value in os.environ.items() if not key.startswith("APPLIANCE_")}
        command = [sys.executable, "-m", "appliance.web.serve"]
        environment["APPLIANCE_CONFIG"] = str(file)
        running.append(subprocess.Popen(command, env=environment, cwd=tmp_path))
        url = f"http://127.0.0.1:{web['port']}/health"
        for _ in range(600):
            assert running[-1].poll() is None
            try:
                httpx.get(url)
                break
            except httpx.TransportError:
                time.sleep(0.1)
        return load_settings(file)

    yield begin
    for process in running:
        process.terminate()
        assert process.wait(60) == 0


def sign_in(client: httpx.Client, **headers: str) -> httpx.Response:
    form = {"name": "ada", "password": PASSWORD}
    return client.post("/login", data=form, headers={"Sec-Fetch-Site": "same-origin"} | headers)


def addresses(settings: Settings) -> set[str]:
    """Those that the audit trail has of sign-ins."""
    node = Appliance(settings)
    found = {record.address for record in node.audit.search(AuditQuery(actor="ada"), 10)}
    node.close()
    return found


def with_user(settings: Settings) -> Settings:
    node = Appliance(settings)
    add_user(node, "ada", UserRole.PACS_ADMIN)
    node.close()
    return settings


def test_with_a_certificate_people_come_by_tls_and_the_plugin_as_before(start: Start, tmp_path: Path) -> None:
    port, tls_port = free_ports(2)
    identity = write_identity(tmp_path, "web")
    files = {"tls_certificate": str(identity.certificate), "tls_private_key": str(identity.key)}
    settings = with_user(start(port=port, tls_port=tls_port, tls_bind="127.0.0.1", **files))
    trust = ssl.create_default_context(cafile=str(identity.certificate))
    with httpx.Client(base_url=f"https://127.0.0.1:{tls_port}", verify=trust) as client:
        answer = sign_in(client)
        assert answer.headers["Set-Cookie"].startswith("__Host-")
        assert "Strict-Transport-Security" in answer.headers
        assert client.get("/api/v1/me").json()["name"] == "ada"
    assert httpx.get(f"http://127.0.0.1:{port}/health").json() == {"status": "alive"}
    assert addresses(settings) == {"127.0.0.1"}


def test_without_a_proxy_nobody_says_where_somebody_else_is(start: Start) -> None:
    settings = with_user(start(port=free_ports(1)[0]))
    with httpx.Client(base_url=f"http://127.0.0.1:{settings.web.port}") as client:
        answer = sign_in(client, **{"X-Forwarded-For": "198.51.100.9", "X-Forwarded-Proto": "https"})
    assert not answer.headers["Set-Cookie"].startswith("__Host-")
    assert addresses(settings) == {"127.0.0.1"}


def test_a_proxy_is_believed_from_its_address(start: Start) -> None:
    settings = with_user(start(port=free_ports(1)[0], behind_proxy="127.0.0.1"))
    with httpx.Client(base_url=f"http://127.0.0.1:{settings.web.port}") as client:
        answer = sign_in(client, **{"X-Forwarded-For": "198.51.100.9", "X-Forwarded-Proto": "https"})
    assert answer.headers["Set-Cookie"].startswith("__Host-")
    assert addresses(settings) == {"198.51.100.9"}


def test_another_address_is_not_believed(start: Start) -> None:
    settings = with_user(start(port=free_ports(1)[0], behind_proxy="192.0.2.1"))
    with httpx.Client(base_url=f"http://127.0.0.1:{settings.web.port}") as client:
        sign_in(client, **{"X-Forwarded-For": "198.51.100.9"})
    assert addresses(settings) == {"127.0.0.1"}
