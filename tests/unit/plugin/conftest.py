"""The plugin outside Orthanc: a stand-in for the module that Orthanc provides, and a real service to announce to."""

import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from tests.helpers.receiver import Receiver

PLUGIN = Path(__file__).resolve().parents[3] / "orthanc" / "plugin"


class FakeOrthanc(ModuleType):
    """What the plugin uses of the `orthanc` module."""

    ChangeType = SimpleNamespace(ORTHANC_STARTED=10, ORTHANC_STOPPED=11)

    def __init__(self, configuration: dict[str, Any]) -> None:
        super().__init__("orthanc")
        self.configuration = configuration
        self.warnings: list[str] = []
        self.on_stored: Any = None
        self.on_change: Any = None

    def GetConfiguration(self) -> str:  # noqa: N802
        return json.dumps(self.configuration)

    def LogWarning(self, message: str) -> None:  # noqa: N802
        self.warnings.append(message)

    def RegisterOnStoredInstanceCallback(self, callback: Any) -> None:  # noqa: N802
        self.on_stored = callback

    def RegisterOnChangeCallback(self, callback: Any) -> None:  # noqa: N802
        self.on_change = callback


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    service = Receiver()
    yield service
    service.close()


@pytest.fixture
def announce(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The plugin's module."""
    monkeypatch.syspath_prepend(str(PLUGIN))
    return importlib.import_module("announce")


@pytest.fixture
def load_plugin(monkeypatch: pytest.MonkeyPatch, announce: ModuleType) -> Any:
    """A function that loads the plugin into a stand-in for Orthanc with the given configuration."""

    def load(configuration: dict[str, Any]) -> FakeOrthanc:
        fake = FakeOrthanc(configuration)
        monkeypatch.setitem(sys.modules, "orthanc", fake)
        monkeypatch.delitem(sys.modules, "appliance_plugin", raising=False)
        importlib.import_module("appliance_plugin")
        return fake

    return load
