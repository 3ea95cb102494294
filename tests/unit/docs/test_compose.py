"""What compose/compose.yaml promises: hardened services, two published ports, no secret outside a file."""

from typing import Any

import pytest

from appliance.node.services import our_services
from appliance.settings import SecretName, Settings
from tests.helpers.compose import PROJECT, load, services

SERVICES = services()
ONCE = {"migrate", "configure"}
OURS = {name: service for name, service in SERVICES.items() if "appliance:" in service["image"]}


def _setting(path: list[str], kind: Any) -> bool:
    """Whether Settings has such a field."""
    fields = kind.model_fields
    return path[0] in fields and (len(path) == 1 or _setting(path[1:], fields[path[0]].annotation))


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_is_hardened_and_bounded(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["user"].split(":")[0] not in ("root", "0")
    assert {"mem_limit", "pids_limit"} <= service.keys()
    assert not {"privileged", "cap_add", "devices", "network_mode", "pid", "ipc"} & service.keys()
    assert "healthcheck" in service or name in ONCE


def test_only_dicom_and_web_are_published_and_web_on_this_machine_alone() -> None:
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert published == {"orthanc": ["4242:4242"], "web": ["127.0.0.1:8080:8080"]}


def test_only_who_must_reach_out_is_on_a_network_that_leads_out() -> None:
    content = load()
    assert content["networks"]["backend"]["internal"] is True
    outside = {name for name, service in SERVICES.items() if set(service["networks"]) != {"backend"}}
    assert outside == {"orthanc", "web", "worker-planning"}


def test_images_are_pinned() -> None:
    for name, service in SERVICES.items():
        assert ":" in service["image"], name
        assert not service["image"].endswith(("latest", ":")), name


def test_every_service_of_the_node_is_there_and_no_other() -> None:
    gpu = Settings(worker={"gpu": True})
    commands = {service["command"][1] for service in OURS.values() if service["command"][0] == "serve"}
    assert commands == set(our_services(gpu))
    assert {name for name, service in OURS.items() if service["command"][0] == "serve"} == commands
    assert SERVICES["worker-inference-gpu"]["profiles"] == ["gpu"]


def test_every_variable_is_a_setting() -> None:
    for name, service in OURS.items():
        for variable in service["environment"]:
            path = variable.removeprefix("APPLIANCE_").lower().split("__")
            assert _setting(path, Settings), f"{name}: {variable}"


def test_secrets_come_as_files_and_all_that_are_needed_are_made() -> None:
    content = load()
    script = (PROJECT / "compose" / "make-secrets.sh").read_text(encoding="utf-8")
    assert set(content["secrets"]) == {line.split()[1] for line in script.splitlines() if line.startswith("make ")}
    assert {name for name in SecretName if name is not SecretName.DEMO_PACS} <= set(content["secrets"])
    for name, service in SERVICES.items():
        named = [key for key in service.get("environment", {}) if "PASSWORD" in key or "TOKEN" in key]
        assert all(key.endswith("_FILE") for key in named), name


def test_orthanc_finds_plugin_and_gate_where_its_configuration_says() -> None:
    mounts = {entry.split(":")[1]: entry.split(":")[0] for entry in SERVICES["orthanc"]["volumes"]}
    for inside in ("/app/orthanc/plugin", "/app/appliance/gate"):
        assert (PROJECT / "compose" / mounts[inside]).resolve() == PROJECT / inside.removeprefix("/app/")
