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

    ReceivedInstanceAction = SimpleNamespace(KEEP_AS_IS=1, MODIFY=2, DISCARD=3)

    def __init__(self, configuration: dict[str, Any]) -> None:
        super().__init__("orthanc")
        self.configuration = configuration
        self.warnings: list[str] = []
        self.on_stored: Any = None
        self.refusals = 0
        self.on_received: Any = None
        self.on_c_store: Any = None
        self.on_request: Any = None

    def GetConfiguration(self) -> str:  # noqa: N802
        return json.dumps(self.configuration)

    def LogWarning(self, message: str) -> None:  # noqa: N802
        self.warnings.append(message)

    def RegisterOnStoredInstanceCallback(self, callback: Any) -> None:  # noqa: N802
        self.on_stored = callback

    def RegisterReceivedInstanceCallback(self, callback: Any) -> None:  # noqa: N802
        self.on_received = callback

    def RegisterIncomingCStoreInstanceFilter(self, callback: Any) -> None:  # noqa: N802
        self.on_c_store = callback

    def RegisterIncomingHttpRequestFilter(self, callback: Any) -> None:  # noqa: N802
        self.on_request = callback

    def RestApiGet(self, uri: str) -> bytes:  # noqa: N802
        if self.refusals:
            self.refusals -= 1
            raise RuntimeError("not yet")
        return b"{}"


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
def load_plugin(monkeypatch: pytest.MonkeyPatch, announce: ModuleType, tmp_path: Path) -> Iterator[Any]:
    """A function that loads the plugin into a stand-in for Orthanc with the given configuration."""
    monkeypatch.chdir(tmp_path)
    at_exit: list[Any] = []
    monkeypatch.setattr("atexit.register", at_exit.append)

    def load(configuration: dict[str, Any], refusals: int = 0) -> FakeOrthanc:
        fake = FakeOrthanc(configuration)
        fake.refusals = refusals
        monkeypatch.setitem(sys.modules, "orthanc", fake)
        for name in ("appliance_plugin", "gate_setup", "gatekeeper", "lifecycle", "tombstone"):
            monkeypatch.delitem(sys.modules, name, raising=False)
        for name in [name for name in sys.modules if name.split(".")[0] == "appliance_gate"]:
            monkeypatch.delitem(sys.modules, name)
        importlib.import_module("appliance_plugin")
        return fake

    yield load
    for act in at_exit:
        act()
