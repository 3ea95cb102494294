"""The plugin begins when Orthanc answers it, and not before."""

from typing import Any

from tests.helpers.receiver import Receiver


def test_it_asks_again_until_orthanc_answers(load_plugin: Any, receiver: Receiver, tmp_path: Any) -> None:
    token = tmp_path / "token"
    token.write_text("secret")
    settings = {"Appliance": {"AnnounceUrl": receiver.url, "TokenFile": str(token)}}
    orthanc = load_plugin(settings, refusals=2)
    orthanc.on_stored(type("Stored", (), {"GetInstanceMetadata": lambda self, name: None})(), "early")
    receiver.wait_for(1)
    assert receiver.ids == ["early"]
    assert orthanc.refusals == 0
