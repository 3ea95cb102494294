"""The plugin as Orthanc calls it, with a stand-in for Orthanc."""

from pathlib import Path
from typing import Any

import pytest

from tests.helpers.receiver import Receiver


class StoredInstance:
    """What Orthanc hands to the callback."""

    def __init__(self, **metadata: str) -> None:
        self._metadata = metadata

    def HasInstanceMetadata(self, name: str) -> bool:  # noqa: N802
        return name in self._metadata

    def GetInstanceMetadata(self, name: str) -> str:  # noqa: N802
        return self._metadata[name]


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    file = tmp_path / "token"
    file.write_text("secret\n")
    return file


def test_a_stored_instance_is_announced_with_its_sender(load_plugin: Any, receiver: Receiver, token_file: Path) -> None:
    orthanc = load_plugin({"Appliance": {"AnnounceUrl": receiver.url, "TokenFile": str(token_file)}})
    orthanc.on_change(orthanc.ChangeType.ORTHANC_STARTED, 0, "")
    orthanc.on_stored(StoredInstance(RemoteAET="CT1", RemoteIP="10.0.0.1", CalledAET="APPLIANCE"), "one")
    orthanc.on_stored(StoredInstance(), "by-http")
    receiver.wait_for(2)
    orthanc.on_change(orthanc.ChangeType.ORTHANC_STOPPED, 0, "")
    sent = [item for batch in receiver.batches for item in batch]
    assert sent == [{"id": "one", "aet": "CT1", "ip": "10.0.0.1", "called": "APPLIANCE"}, {"id": "by-http"}]
    assert set(receiver.tokens) == {"Bearer secret"}


def test_the_environment_wins(
    load_plugin: Any, receiver: Receiver, token_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("APPLIANCE_ANNOUNCE_URL", receiver.url)
    monkeypatch.setenv("APPLIANCE_ANNOUNCE_TOKEN_FILE", str(token_file))
    orthanc = load_plugin({"Appliance": {"AnnounceUrl": "http://127.0.0.1:1/", "TokenFile": "/nowhere"}})
    orthanc.on_change(orthanc.ChangeType.ORTHANC_STARTED, 0, "")
    orthanc.on_stored(StoredInstance(), "one")
    receiver.wait_for(1)
    orthanc.on_change(orthanc.ChangeType.ORTHANC_STOPPED, 0, "")


def test_without_an_address_nothing_is_announced(load_plugin: Any) -> None:
    orthanc = load_plugin({})
    assert orthanc.on_stored is None
    assert orthanc.warnings == ["Appliance: no AnnounceUrl; instances are found by the change feed alone"]
