"""How an instance came is among what rules may ask."""

from dataclasses import replace

from appliance.store.engine import Ledger
from appliance.store.instances import Instances, Origin
from tests.unit.store.conftest import STUDY, arrived


def test_the_origin_of_an_instance_is_among_its_attributes(ledger: Ledger) -> None:
    origin = Origin(received="now", calling_aet="CT1", called_aet="APPLIANCE", sender_address="10.1.2.3")
    Instances(ledger).add([replace(arrived("1.2.3.1.9"), origin=origin)])
    found = {item.instance.sop_instance_uid: item for item in Instances(ledger).of_study(STUDY)}
    (item,) = [found[uid] for uid in found if uid == "1.2.3.1.9"]
    assert item.origin == origin
    assert item.instance.attributes["CallingAETitle"] == "CT1"
    assert item.instance.attributes["CalledAETitle"] == "APPLIANCE"
    assert item.instance.attributes["SenderAddress"] == "10.1.2.3"


def test_what_is_not_known_of_the_origin_is_absent(ledger: Ledger) -> None:
    (item,) = Instances(ledger).of_study(STUDY)
    assert "CallingAETitle" not in item.instance.attributes
    assert "SenderAddress" not in item.instance.attributes
