"""Who gets which edition of the results; nobody gets anything twice."""

from appliance.delivery.destinations import Destination, Protocol
from appliance.domain.dicom_result import DicomResult, ResultKind
from appliance.domain.identifiers import SeriesInstanceUID, SOPInstanceUID, StudyInstanceUID, WorkitemUID
from appliance.services.editions import Addressed, Readers, addressed, by_edition

ENGLISH = Destination(name="english", kind=Protocol.DIMSE, language="en")
GERMAN = Destination(name="german", kind=Protocol.DIMSE, language="de")
NUMBERS_ONLY = Destination(name="numbers", kind=Protocol.DIMSE, accepts=frozenset({ResultKind.SR}))


def result(uid: str, kind: ResultKind = ResultKind.SR) -> DicomResult:
    return DicomResult(
        kind=kind,
        workitem_uid=WorkitemUID("1"),
        study_instance_uid=StudyInstanceUID("1.1"),
        series_instance_uid=SeriesInstanceUID("1.2"),
        sop_class_uid="1.3",
        sop_instance_uid=SOPInstanceUID(uid),
        transfer_syntax_uid="1.4",
        description="",
        content=b"",
    )


def language(place: Destination | None) -> str:
    return (place and place.language) or "en"


def test_destinations_that_read_as_the_node_does_share_its_edition() -> None:
    assert by_edition([ENGLISH, GERMAN, NUMBERS_ONLY], language) == {
        "en": Readers(node=True, places=(ENGLISH, NUMBERS_ONLY)),
        "de": Readers(node=False, places=(GERMAN,)),
    }


def test_the_node_has_an_edition_even_if_nobody_shares_it() -> None:
    assert by_edition([GERMAN], language)["en"] == Readers(node=True, places=())


def test_an_object_that_two_editions_share_goes_out_once_to_the_readers_of_both() -> None:
    shared, own = result("1"), result("2")
    sent = addressed(
        [([shared], Readers(node=True, places=(ENGLISH,))), ([shared, own], Readers(node=False, places=(GERMAN,)))]
    )
    assert sent == (
        Addressed(result=shared, destinations=("english", "german"), for_node=True),
        Addressed(result=own, destinations=("german",), for_node=False),
    )


def test_a_destination_gets_only_the_kinds_that_it_accepts() -> None:
    seg, sr = result("1", ResultKind.SEG), result("2")
    sent = addressed([([seg, sr], Readers(node=True, places=(NUMBERS_ONLY,)))])
    assert [item.destinations for item in sent] == [(), ("numbers",)]


def test_an_object_that_nobody_gets_is_left_out() -> None:
    assert addressed([([result("1", ResultKind.SEG)], Readers(node=False, places=(NUMBERS_ONLY,)))]) == ()
