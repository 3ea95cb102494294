"""Seen is what the destination shows in the study and series that it belongs to."""

from dataclasses import replace
from pathlib import Path

import pytest
from pydicom import Dataset

from appliance.delivery.destinations import Destination, Protocol
from appliance.delivery.dimse import DimseSender
from appliance.delivery.stow import StowSender
from appliance.delivery.visibility import DimseFinder, QidoFinder, Sought, finder_for
from appliance.domain.errors import DestinationUnavailable
from tests.helpers.dicom_builder import blob_phantom, ct_series
from tests.helpers.pacs import connection_refused, parcel, scripted_pacs, scripted_web
from tests.helpers.services import free_port

SLICES = ct_series(blob_phantom((3, 8, 8)), seed="visibility")


def sought(item: Dataset) -> Sought:
    return Sought(
        study_instance_uid=item.StudyInstanceUID,
        series_instance_uid=item.SeriesInstanceUID,
        sop_instance_uid=item.SOPInstanceUID,
    )


def test_the_settings_decide_how_it_is_asked() -> None:
    place = Destination(name="pacs", kind=Protocol.DIMSE)
    assert finder_for(place) is None
    assert isinstance(finder_for(replace(place, query_port=104)), DimseFinder)
    assert isinstance(finder_for(replace(place, qido_url="http://pacs/dicom-web")), QidoFinder)


def test_c_find_tells_what_is_shown_from_what_is_not(tmp_path: Path) -> None:
    with scripted_pacs() as pacs:
        place = replace(pacs.destination, query_port=pacs.port)
        list(DimseSender(place).send([parcel(item, tmp_path) for item in SLICES]))
        pacs.hidden = {SLICES[1].SOPInstanceUID}
        elsewhere = replace(sought(SLICES[2]), study_instance_uid="1.2.3")
        seen = DimseFinder(place).visible([sought(SLICES[0]), sought(SLICES[1]), elsewhere])
        assert seen == {SLICES[0].SOPInstanceUID}
        assert pacs.queries == 3


def test_qido_tells_what_is_shown_from_what_is_not(tmp_path: Path) -> None:
    with scripted_web() as web:
        place = replace(web.destination, qido_url=web.destination.url)
        list(StowSender(place).send([parcel(SLICES[0], tmp_path)]))
        assert QidoFinder(place).visible([sought(item) for item in SLICES]) == {SLICES[0].SOPInstanceUID}


@connection_refused
def test_who_does_not_answer_a_query_is_not_taken_for_one_who_shows_nothing() -> None:
    place = Destination(name="pacs", kind=Protocol.DIMSE, host="127.0.0.1", query_port=free_port(), aet="PACS")
    with pytest.raises(DestinationUnavailable):
        DimseFinder(place).visible([sought(SLICES[0])])
    web = replace(place, qido_url=f"http://127.0.0.1:{free_port()}/dicom-web")
    with pytest.raises(DestinationUnavailable):
        QidoFinder(web).visible([sought(SLICES[0])])
