"""The printed page and the plain text."""

from dataclasses import replace
from io import BytesIO

from pydicom import dcmread

from appliance.domain.coding import HOUNSFIELD_UNIT, MILLILITRE, NO_UNITS
from appliance.domain.finding import Measurement
from appliance.domain.model_package import Status
from appliance.results import build_report
from appliance.results.plain_text import measurement_text, report_text
from appliance.results.wording import GERMAN as GERMAN_WORDS
from appliance.results.wording import wording
from tests.helpers.findings import ATTENUATION, DEVICE, MEAN, VOLUME, package, planar_images, workitem_for
from tests.unit.results.test_report_document import GERMAN, IMAGES, REPORTED


def test_plain_text_has_the_mark_first_and_the_models_last() -> None:
    text = report_text(GERMAN, [package()], lambda sentence: bool(sentence.evidence))
    lines = text.splitlines()
    assert lines[0] == GERMAN_WORDS.draft
    assert "- Übriger Befund unauffällig. [ohne Messung als Beleg]" in lines
    assert lines[-1] == "  CT liver (ct-liver 1.2.0, Model Makers; in Erprobung)"


def test_numbers_read_well() -> None:
    mean = Measurement(concept=ATTENUATION, value=98.7654321, unit=HOUNSFIELD_UNIT, derivation=MEAN)
    assert measurement_text(mean) == "Attenuation Coefficient (mean): 98.765 HU"
    assert measurement_text(Measurement(concept=VOLUME, value=1364.2, unit=MILLILITRE)) == "Volume: 1364.2 ml"
    assert measurement_text(Measurement(concept=VOLUME, value=0.5, unit=NO_UNITS)) == "Volume: 0.5"


def test_every_language_names_every_status() -> None:
    assert all(set(words.statuses) == set(Status) for words in (wording("en"), wording("de-AT")))
    assert wording("fr") is wording("en")


def test_the_pdf_is_a_whole_file_with_the_sentences() -> None:
    _, pdf = build_report(GERMAN, (REPORTED,), IMAGES.headers, DEVICE, workitem_for(IMAGES, "report"))
    dataset = dcmread(BytesIO(pdf.content))
    file = dataset.EncapsulatedDocument[: dataset.EncapsulatedDocumentLength]
    assert file.startswith(b"%PDF-")
    assert file.rstrip().endswith(b"%%EOF")
    assert dataset.BurnedInAnnotation == "YES"
    assert dataset.DocumentTitle == GERMAN.title
    assert len(dataset.SourceInstanceSequence) == len(IMAGES.headers)


def test_names_that_the_page_cannot_print_do_not_stop_the_report() -> None:
    images = planar_images()
    images.headers[0].PatientName = "Yamada^Tarou=山田^太郎"
    narrative = replace(GERMAN, findings=(), title="<b>&")
    report, _ = build_report(narrative, (), images.headers, DEVICE, workitem_for(images, "report"))
    assert str(dcmread(BytesIO(report.content)).PatientName) == "Yamada^Tarou=山田^太郎"
