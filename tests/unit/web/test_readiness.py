"""A node is ready when ledger, queue and Orthanc answer; what does not is named by its error code."""

from pathlib import Path

import pytest

from appliance.domain.errors import LedgerError, OrthancUnavailable, QueueUnavailable
from appliance.settings import OrthancSettings, RedisSettings, Settings
from appliance.store.engine import open_ledger
from appliance.web.queue import AnnouncementQueue
from appliance.web.readiness import checks, failures
from tests.helpers.services import free_ports


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    http, redis = free_ports(2)
    made = Settings(home=tmp_path, orthanc=OrthancSettings(http_port=http), redis=RedisSettings(port=redis))
    made.state.mkdir()
    return made


def test_each_component_that_is_away_has_its_code(settings: Settings) -> None:
    failed = failures(checks(settings, AnnouncementQueue(settings)))
    assert failed == {
        "ledger": LedgerError.code,
        "queue": QueueUnavailable.code,
        "orthanc": OrthancUnavailable.code,
    }


def test_a_ledger_is_ready_once_it_is_migrated(settings: Settings) -> None:
    components = checks(settings, AnnouncementQueue(settings))
    with pytest.raises(LedgerError):
        components["ledger"]()
    open_ledger(settings.ledger_url).close()
    components["ledger"]()


def test_what_answers_is_not_named() -> None:
    def away() -> None:
        raise QueueUnavailable("no")

    assert failures({"one": lambda: None, "two": away}) == {"two": "queue-unavailable"}


def test_a_defect_of_a_check_is_not_taken_for_readiness() -> None:
    def broken() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        failures({"one": broken})
