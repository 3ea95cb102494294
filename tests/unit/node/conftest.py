"""Settings in a folder of their own, and an Orthanc that is described, not installed."""

from pathlib import Path

import pytest

from appliance.node.system import OrthancInstallation
from appliance.settings import SecretName, Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "a home")


def installation(*version: int) -> OrthancInstallation:
    return OrthancInstallation(
        binary=Path("/opt/Orthanc"),
        version=version,
        python_plugin=Path("/opt/libOrthancPython.so"),
        dicomweb_plugin=Path("/opt/libOrthancDicomWeb.so"),
        other_plugins=(Path("/opt/libOther.so"),),
    )


def secret_values(settings: Settings) -> list[str]:
    """Every secret of the node, made where it was not."""
    return [settings.secrets.get(name) for name in SecretName]
