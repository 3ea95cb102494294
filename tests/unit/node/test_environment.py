"""Services get exactly the settings of the node, and no secret with them."""

import pytest

from appliance.node.environment import MARK, service_environment
from appliance.settings import Settings, load_settings
from tests.unit.node.conftest import secret_values


def test_the_settings_come_back_unchanged_through_the_environment(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = {"name": "pacs", "kind": "dimse", "host": "192.0.2.9", "port": 11112}
    changed = Settings(
        home=settings.home, destinations=(place,), web={"port": 8099}, database_url="postgresql://user:pass@host/name"
    )
    for name, value in service_environment(changed).items():
        if name.startswith("APPLIANCE_"):
            monkeypatch.setenv(name, value)
    monkeypatch.delenv(MARK)
    assert load_settings() == changed


def test_variables_of_the_caller_do_not_reach_the_services_by_the_side(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("APPLIANCE_WEB__PORT", "1")
    monkeypatch.setenv("ELSE", "kept")
    environment = service_environment(settings)
    assert "APPLIANCE_WEB__PORT" not in environment
    assert environment["ELSE"] == "kept"


def test_every_service_carries_the_mark_of_its_node_and_small_packets_go_at_once(settings: Settings) -> None:
    environment = service_environment(settings)
    assert environment[MARK] == str(settings.state)
    assert environment["TCP_NODELAY"] == "1"


def test_no_generated_secret_is_in_the_environment(settings: Settings) -> None:
    text = repr(service_environment(settings))
    assert not [secret for secret in secret_values(settings) if secret in text]
