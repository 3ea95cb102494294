"""The demonstration PACS is one more destination, added once."""

from appliance.node.demo_pacs import NAME, explorer_url, with_demo_pacs
from appliance.settings import Settings
from tests.unit.node.conftest import secret_values


def test_the_node_delivers_to_it_by_dicom(settings: Settings) -> None:
    (place,) = with_demo_pacs(settings).destinations
    assert (place.name, place.kind, place.host) == (NAME, "dimse", "127.0.0.1")
    assert (place.port, place.aet) == (settings.demo.dicom_port, settings.demo.aet)


def test_other_destinations_stay_and_a_second_call_changes_nothing(settings: Settings) -> None:
    other = {"name": "archive", "kind": "stow", "url": "https://archive.example/dicom-web"}
    once = with_demo_pacs(Settings(home=settings.home, destinations=(other,)))
    assert [place.name for place in once.destinations] == ["archive", NAME]
    assert with_demo_pacs(once) == once


def test_its_address_carries_no_password(settings: Settings) -> None:
    assert not [secret for secret in secret_values(settings) if secret in explorer_url(settings)]
