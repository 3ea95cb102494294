"""What arrived, once each, as it came."""

from appliance.domain.identifiers import SeriesInstanceUID
from appliance.store.engine import Ledger
from appliance.store.events import EventKind, Events
from appliance.store.instances import Instances
from appliance.store.studies import Studies
from tests.unit.store.conftest import NOON, STUDY, Clock, arrived


def test_what_arrived_comes_back_as_it_was(ledger: Ledger) -> None:
    (item,) = Instances(ledger).of_study(STUDY)
    assert item == arrived("1.2.3.1.1")
    assert dict(item.instance.attributes) == dict(arrived("1.2.3.1.1").instance.attributes)
    assert item.instance.attributes["ImageType"] == ("ORIGINAL", "PRIMARY")


def test_one_series_of_a_study_can_be_asked_for(ledger: Ledger, clock: Clock) -> None:
    instances = Instances(ledger, clock)
    instances.add([arrived("1.2.3.2.1", series="1.2.3.2")])
    (item,) = instances.of_study(STUDY, SeriesInstanceUID("1.2.3.2"))
    assert item.instance.sop_instance_uid == "1.2.3.2.1"
    assert len(instances.of_study(STUDY)) == 2


def test_arrivals_of_two_studies_touch_both_and_count_on_their_timelines(ledger: Ledger, clock: Clock) -> None:
    news = [arrived("1.2.3.1.2"), arrived("1.2.3.1.3"), arrived("4.5.6.1.1", study="4.5.6")]
    assert Instances(ledger, clock).add(news) == {STUDY, "4.5.6"}
    last = Events(ledger).of_study(STUDY)[-1]
    assert (last.kind, last.detail) == (EventKind.ARRIVED, {"instances": 2})


def test_only_news_moves_the_last_arrival(ledger: Ledger, clock: Clock) -> None:
    instances, studies = Instances(ledger, clock), Studies(ledger, clock)
    clock.pass_by(seconds=5)
    instances.add([arrived("1.2.3.1.1")])
    assert studies.last_arrival(STUDY) == NOON
    instances.add([arrived("1.2.3.1.2")])
    assert studies.last_arrival(STUDY) == clock()
    assert studies.summary(STUDY).first_arrival_at == NOON


def test_what_was_dealt_with_is_known_by_its_reception(ledger: Ledger, clock: Clock) -> None:
    instances = Instances(ledger, clock)
    instances.set_aside("a-report", "then", "not-input")
    assert instances.known(["orthanc-1.2.3.1.1", "a-report", "never-seen"]) == {
        "orthanc-1.2.3.1.1": "now",
        "a-report": "then",
    }


def test_what_was_set_aside_and_then_mended_is_input(ledger: Ledger, clock: Clock) -> None:
    instances = Instances(ledger, clock)
    instances.set_aside("orthanc-1.2.3.1.9", "then", "input-unreadable")
    instances.set_aside("orthanc-1.2.3.1.9", "later", "input-unreadable")
    assert instances.aside() == {"orthanc-1.2.3.1.9": "input-unreadable"}
    instances.add([arrived("1.2.3.1.9")])
    assert instances.aside() == {}
