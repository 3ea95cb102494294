"""C-STORE: one association per batch, what is proposed, and what is done with what the peer accepts."""

import ssl
import subprocess
from pathlib import Path

import pytest
from pydicom import Dataset
from pydicom.uid import JPEGLSLossless

from appliance.delivery.destinations import Destination, Protocol, Tls
from appliance.delivery.dimse import DimseSender, sop_class_name, tls_arguments
from appliance.delivery.sender import Outcome
from tests.helpers.dicom_builder import blob_phantom, compressed, ct_series
from tests.helpers.pacs import connection_refused, parcel, scripted_pacs
from tests.helpers.services import free_port, program

IMPLICIT, EXPLICIT = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1"


@pytest.fixture(scope="module")
def slices() -> list[Dataset]:
    return ct_series(blob_phantom((3, 8, 8)), seed="dimse")


def test_a_batch_takes_one_association(slices: list[Dataset], tmp_path: Path) -> None:
    with scripted_pacs() as pacs:
        answers = list(DimseSender(pacs.destination).send([parcel(item, tmp_path) for item in slices]))
        assert {answer.outcome for answer in answers} == {Outcome.ACCEPTED}
        assert pacs.associations == 1
        assert len(pacs.stored) == 3


def test_answers_come_one_by_one(slices: list[Dataset], tmp_path: Path) -> None:
    with scripted_pacs() as pacs:
        answers = iter(DimseSender(pacs.destination).send([parcel(item, tmp_path) for item in slices]))
        next(answers)
        assert pacs.received == 1
        assert len(list(answers)) == 2


def test_an_object_keeps_its_syntax_where_the_peer_takes_it(slices: list[Dataset], tmp_path: Path) -> None:
    packed = compressed(slices[0], JPEGLSLossless)
    with scripted_pacs(syntaxes=(IMPLICIT, EXPLICIT, JPEGLSLossless)) as pacs:
        list(DimseSender(pacs.destination).send([parcel(packed, tmp_path)]))
        assert set(pacs.syntaxes.values()) == {JPEGLSLossless}


def test_an_object_is_unpacked_where_the_peer_does_not_take_its_syntax(slices: list[Dataset], tmp_path: Path) -> None:
    packed = compressed(slices[0], JPEGLSLossless)
    with scripted_pacs(syntaxes=(EXPLICIT,)) as pacs:
        (answer,) = DimseSender(pacs.destination).send([parcel(packed, tmp_path)])
        assert answer.outcome is Outcome.ACCEPTED
        assert set(pacs.syntaxes.values()) == {EXPLICIT}
        assert bytes(slices[0].PixelData) in pacs.stored[slices[0].SOPInstanceUID]


def test_a_class_that_the_peer_does_not_take_is_refused_by_name(slices: list[Dataset], tmp_path: Path) -> None:
    with scripted_pacs(classes=("1.2.840.10008.5.1.4.1.1.4",)) as pacs:
        (answer,) = DimseSender(pacs.destination).send([parcel(slices[0], tmp_path)])
    assert (answer.outcome, answer.code) == (Outcome.REFUSED, "destination-refused")
    assert answer.detail == "no presentation context for the SOP class CT Image Storage"


def test_a_temporary_failure_of_one_object_does_not_end_the_batch(slices: list[Dataset], tmp_path: Path) -> None:
    with scripted_pacs() as pacs:
        pacs.statuses = [0xA700]
        answers = list(DimseSender(pacs.destination).send([parcel(item, tmp_path) for item in slices[:2]]))
    assert [answer.outcome for answer in answers] == [Outcome.UNAVAILABLE, Outcome.ACCEPTED]


@connection_refused
def test_nobody_there_is_no_error_but_an_answer(slices: list[Dataset], tmp_path: Path) -> None:
    place = Destination(name="pacs", kind=Protocol.DIMSE, host="127.0.0.1", port=free_port(), aet="PACS")
    (answer,) = DimseSender(place).send([parcel(slices[0], tmp_path)])
    assert (answer.outcome, answer.detail) == (Outcome.UNAVAILABLE, "no connection")


def test_newer_classes_have_a_name_too() -> None:
    assert sop_class_name("1.2.840.10008.5.1.4.1.1.66.7") == "Label Map Segmentation Storage"
    assert sop_class_name("1.2.840.10008.5.1.4.1.1.66.4") == "Segmentation Storage"
    assert sop_class_name("1.2.3.4") == "1.2.3.4"


def test_a_plain_destination_asks_for_no_tls() -> None:
    assert tls_arguments(Destination(name="pacs", kind=Protocol.DIMSE)) is None


def test_tls_checks_the_name_of_the_peer(tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    command = [program("openssl"), "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=authority"]
    subprocess.run([*command, "-keyout", tmp_path / "key.pem", "-out", file], check=True, capture_output=True)
    place = Destination(name="pacs", kind=Protocol.DIMSE, host="pacs.example", tls=Tls(trusted=file))
    arguments = tls_arguments(place)
    assert arguments is not None
    context, host = arguments
    assert host == "pacs.example"
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
