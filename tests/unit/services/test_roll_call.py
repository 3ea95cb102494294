"""What Orthanc holds and the ledger does not know is missing; what was set aside is not."""

from appliance.domain.identifiers import StudyInstanceUID
from appliance.services.roll_call import RollCall
from appliance.store.engine import Ledger
from appliance.store.instances import Instances
from appliance.study.orthanc import OrthancClient
from tests.helpers.dicom_builder import blob_phantom, ct_series
from tests.helpers.orthanc_double import orthanc_double

SLICES = ct_series(blob_phantom((3, 8, 9)))
STUDY = StudyInstanceUID(str(SLICES[0].StudyInstanceUID))


def test_what_was_neither_taken_over_nor_set_aside_is_missing(ledger: Ledger) -> None:
    instances = Instances(ledger)
    with orthanc_double() as node, OrthancClient(node.url) as client:
        ids = [node.receive(item) for item in SLICES]
        roll_call = RollCall(client, instances)
        assert set(roll_call.missing(STUDY)) == set(ids)
        for uid in ids[1:]:
            instances.set_aside(uid, "then", "not-input")
        assert roll_call.missing(STUDY) == (ids[0],)
        assert roll_call.missing(StudyInstanceUID("1.2.3.4")) == ()
