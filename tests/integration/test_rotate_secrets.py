"""The runbook of rotation, word by word, on a running node: everything is new, and everything still works."""

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.node import supervision
from appliance.settings import SecretName, Settings, load_settings
from tests.helpers.services import free_ports
from tests.helpers.tiny_models import write_threshold_package

pytestmark = pytest.mark.integration

_APPLIANCE = f"{shlex.quote(sys.executable)} -c 'from appliance.cli.main import main; main()'"
_FAILED = 6


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """A node that runs."""
    home = tmp_path_factory.mktemp("a home")
    write_threshold_package(home / "models_onnx")
    dicom, http, redis, web = free_ports(4)
    ports = f"[dicom]\nport={dicom}\n[orthanc]\nhttp_port={http}\n[redis]\nport={redis}\n[web]\nport={web}\n"
    (home / "appliance.toml").write_text(ports, encoding="utf-8")
    node = load_settings(home / "appliance.toml")
    supervision.start(node)
    try:
        supervision.wait_ready(node, 120)
        yield node
    finally:
        supervision.stop(node)


def _secrets(settings: Settings) -> dict[str, str]:
    return {name: settings.secrets.get(name) for name in SecretName}


def test_the_node_works_with_new_secrets_and_no_old_one(settings: Settings, project: Path) -> None:
    text = (project / "runbooks" / "rotate-secrets.md").read_text(encoding="utf-8")
    (commands,) = re.findall(r"```sh rotate\n(.*?)```", text, re.S)
    before = _secrets(settings)
    script = f'set -eu\nappliance() {{ {_APPLIANCE} "$@"; }}\n{commands}'
    said = subprocess.run(
        ["bash", "-c", script], cwd=settings.home, env=os.environ, capture_output=True, text=True, check=False
    )
    assert said.returncode == 0, said.stdout + said.stderr
    after = _secrets(settings)
    assert not [name for name in SecretName if after[name] == before[name]]
    used = [path.read_text(errors="replace") for path in (settings.state / "run").iterdir() if path.is_file()]
    assert not [name for name, value in before.items() if any(value in content for content in used)]
    assert [name for name in ("orthanc-password", "redis-password") if any(after[name] in content for content in used)]


def test_what_the_doctor_says_is_for_scripts_too(settings: Settings) -> None:
    command = [sys.executable, "-c", "from appliance.cli.main import main; main()", "doctor", "--json"]
    said = subprocess.run(command, cwd=settings.home, capture_output=True, text=True, check=False)
    failed = [check for check in json.loads(said.stdout) if check["state"] == "failed"]
    assert (said.returncode == _FAILED) == bool(failed)
    assert failed == []
