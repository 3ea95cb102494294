"""The plugin as Orthanc calls it, with a stand-in for Orthanc."""

import random
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.helpers.hostile import image, joined, part10
from tests.helpers.receiver import Receiver


class StoredInstance:
    """What Orthanc hands to the callback."""

    def __init__(self, **metadata: str) -> None:
        self._metadata = metadata

    def GetInstanceMetadata(self, name: str) -> str | None:  # noqa: N802
        return self._metadata.get(name)


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    file = tmp_path / "token"
    file.write_text("secret\n")
    return file


def test_a_stored_instance_is_announced_with_its_sender(load_plugin: Any, receiver: Receiver, token_file: Path) -> None:
    orthanc = load_plugin({"Appliance": {"AnnounceUrl": receiver.url, "TokenFile": str(token_file)}})
    orthanc.on_stored(StoredInstance(RemoteAET="CT1", RemoteIP="10.0.0.1", CalledAET="APPLIANCE"), "one")
    orthanc.on_stored(StoredInstance(), "by-http")
    receiver.wait_for(2)
    sent = [item for batch in receiver.batches for item in batch]
    assert all(0 <= item.pop("age_s") < 60 for item in sent)
    assert sent == [{"id": "one", "aet": "CT1", "ip": "10.0.0.1", "called": "APPLIANCE"}, {"id": "by-http"}]
    assert set(receiver.tokens) == {"Bearer secret"}


def test_the_environment_wins(
    load_plugin: Any, receiver: Receiver, token_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("APPLIANCE_ANNOUNCE_URL", receiver.url)
    monkeypatch.setenv("APPLIANCE_ANNOUNCE_TOKEN_FILE", str(token_file))
    orthanc = load_plugin({"Appliance": {"AnnounceUrl": "http://127.0.0.1:1/", "TokenFile": "/nowhere"}})
    orthanc.on_stored(StoredInstance(), "one")
    receiver.wait_for(1)


def test_without_an_address_nothing_is_announced(load_plugin: Any) -> None:
    orthanc = load_plugin({})
    orthanc.on_stored(StoredInstance(), "one")
    assert orthanc.warnings == ["Appliance: no AnnounceUrl; instances are found by the change feed alone"]


def test_orthanc_is_told_what_to_store_in_its_own_numbers(load_plugin: Any) -> None:
    orthanc = load_plugin({"Appliance": {"Limits": {"depth": 2}}})
    action = orthanc.ReceivedInstanceAction
    good = part10(joined(image(random.Random(1))))
    foreign = b"MZ".ljust(128, b"x") + good[128:]
    assert orthanc.on_received(good, 2) == (action.KEEP_AS_IS, None)
    assert orthanc.on_received(foreign, 3) == (action.MODIFY, good)
    assert orthanc.on_received(b"rubbish", 3) == (action.DISCARD, None)
    assert orthanc.on_received(b"rubbish", 2)[0] == action.MODIFY
    assert orthanc.on_c_store(SimpleNamespace(GetInstanceRemoteAet=lambda: "CT1")) == 0xC000
    assert not orthanc.on_request("/instances", method=2, headers={})
