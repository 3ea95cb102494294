from datetime import UTC, datetime
from io import BytesIO

import pytest
from pydicom import Dataset, dcmread
from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage

from appliance.results.encoding import encode, local_time, stamp

NOON = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("offset", "hour", "minute"),
    [("+0100", 13, 0), ("-0530", 6, 30), ("", 12, 0), ("rubbish", 12, 0), ("+01:0", 12, 0)],
)
def test_times_are_on_the_clock_of_the_study(offset, hour, minute) -> None:
    header = Dataset()
    header.add_new("TimezoneOffsetFromUTC", "LO", offset)
    moment = local_time(NOON, header)
    assert (moment.hour, moment.minute) == (hour, minute)


def test_a_time_without_zone_is_left_alone() -> None:
    header = Dataset()
    header.TimezoneOffsetFromUTC = "+0100"
    assert local_time(NOON.replace(tzinfo=None), header).hour == 12


def test_encoded_objects_are_utf8_and_repeatable() -> None:
    item = Dataset()
    item.SOPClassUID, item.SOPInstanceUID = SecondaryCaptureImageStorage, "1.2.3"
    item.PatientName = "Müller^山田"
    stamp(item, NOON)
    content = encode(item, ExplicitVRLittleEndian)
    again = dcmread(BytesIO(content))
    assert again.SpecificCharacterSet == "ISO_IR 192"
    assert str(again.PatientName) == "Müller^山田"
    assert (again.ContentDate, again.ContentTime) == ("20260101", "120000")
    assert content == encode(item, ExplicitVRLittleEndian)
