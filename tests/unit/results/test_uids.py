from appliance.domain.dicom_result import ResultKind
from appliance.domain.identifiers import WorkitemUID
from appliance.results import uids
from tests.helpers.findings import DEVICE

ONE, OTHER = WorkitemUID("2.25.1"), WorkitemUID("2.25.2")


def test_uids_follow_from_the_workitem() -> None:
    assert uids.instance_uid(ONE, ResultKind.SEG) == uids.instance_uid(ONE, ResultKind.SEG, 0)
    made = [f(w, k) for f in (uids.series_uid, uids.instance_uid) for w in (ONE, OTHER) for k in ResultKind]
    made += [uids.instance_uid(ONE, ResultKind.SEG, 1), uids.tracking_uid(ONE, "segment", 0, 1)]
    made += [uids.tracking_uid(ONE, "segment", 0, 2), uids.device_uid(DEVICE)]
    assert len(set(made)) == len(made)
    assert all(uid.startswith("2.25.") and len(uid) <= 64 for uid in made)


def test_series_numbers_tell_kinds_apart() -> None:
    numbers = [uids.series_number("ct-liver", kind) for kind in ResultKind]
    assert len(set(numbers)) == len(numbers)
    assert all(9000 < number < 10000 for number in numbers)
