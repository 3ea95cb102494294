"""Which destinations a workitem means, and what a destination reads unless it is told otherwise."""

from appliance.delivery.destinations import ALL, Destination, Protocol, SegmentationType, asked_for

PACS = Destination(name="pacs", kind=Protocol.DIMSE)
ARCHIVE = Destination(name="archive", kind=Protocol.STOW, user="u", password="secret")


def test_a_star_means_all() -> None:
    assert asked_for([ALL], [PACS, ARCHIVE]) == (PACS, ARCHIVE)


def test_names_mean_those_that_there_are() -> None:
    assert asked_for(["archive", "gone"], [PACS, ARCHIVE]) == (ARCHIVE,)


def test_no_name_means_nobody() -> None:
    assert asked_for([], [PACS, ARCHIVE]) == ()


def test_a_destination_reads_binary_segmentations_and_the_language_of_the_workitem_unless_told_otherwise() -> None:
    assert PACS.seg_type is SegmentationType.BINARY
    assert PACS.language is None
    assert not PACS.refuse_burnt_in_text


def test_a_password_is_never_printed() -> None:
    assert "secret" not in repr(ARCHIVE)
