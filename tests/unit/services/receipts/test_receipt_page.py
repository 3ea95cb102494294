"""What the page of a study says of a real analysis, and pictures of its stored objects."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from appliance.bootstrap import Appliance
from appliance.domain.dicom_result import ResultKind
from appliance.domain.errors import ResultRefused, UnknownStudy
from appliance.domain.finding import Outcome
from appliance.domain.identifiers import StudyInstanceUID
from appliance.results.content_tree import content_lines
from appliance.services.receipts.explained import explained
from appliance.services.receipts.receipt_page import StudyPage
from appliance.store.results import ResultRecord
from tests.helpers.received import analysed


@pytest.fixture(scope="module")
def received(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Appliance, StudyInstanceUID]]:
    node, study = analysed(tmp_path_factory.mktemp("home"))
    yield node, study
    node.close()


@pytest.fixture(scope="module")
def node(received: tuple[Appliance, StudyInstanceUID]) -> Appliance:
    return received[0]


@pytest.fixture(scope="module")
def page(received: tuple[Appliance, StudyInstanceUID]) -> StudyPage:
    return received[0].study_page(received[1])


def seg(page: StudyPage) -> ResultRecord:
    return next(record for work in page.works for record in work.results if record.kind is ResultKind.SEG)


def test_the_analysis_comes_before_the_report_that_rests_on_it(page: StudyPage) -> None:
    assert [work.status.workitem.package for work in page.works] == ["blob", "compositional-report"]


def test_a_measured_segment_is_one_card_that_is_not_taken_for_absent(page: StudyPage) -> None:
    (card,) = page.works[0].cards
    assert (card.name, card.outcome) == ("Liver", Outcome.INFORMATIVE)
    assert any(line.startswith("Volume: ") for line in card.numbers)


def test_every_sentence_with_evidence_leads_to_a_card(page: StudyPage) -> None:
    assert page.narrative is not None
    cited = {place for sentence in page.narrative.findings for place in sentence.evidence}
    assert cited
    assert {page.evidence[place] for place in cited} == {page.works[0].cards[0].tracking_uid}


def test_what_arrived_is_counted_by_series(page: StudyPage) -> None:
    (series,) = page.series
    assert (series.modality, series.instances, series.description) == ("CT", 14, "Axial 2 mm")


def test_a_preview_shows_the_outline_in_the_colour_of_the_stored_segment(node: Appliance, page: StudyPage) -> None:
    picture = np.asarray(Image.open(node.previews.of_segmentation(seg(page), 1, "en")).convert("RGB")).astype(int)
    near = np.abs(picture - (221, 130, 101)).max(axis=2) < 30
    assert near.sum() > 100
    rows, columns = np.nonzero(near)
    assert rows.max() - rows.min() < picture.shape[0] / 2, "the outline is of the blob, not of the picture"
    assert columns.min() > 0


def test_the_same_preview_is_made_once(node: Appliance, page: StudyPage) -> None:
    first = node.previews.of_segmentation(seg(page), 1, "en")
    made = first.stat().st_mtime_ns
    assert node.previews.of_segmentation(seg(page), 1, "en").stat().st_mtime_ns == made


def test_a_study_without_results_has_a_thumbnail_all_the_same(node: Appliance, page: StudyPage) -> None:
    plain = np.asarray(Image.open(node.previews.thumbnail(page.uid, [])))
    outlined = np.asarray(Image.open(node.previews.thumbnail(page.uid, [seg(page)])))
    assert plain.shape == outlined.shape == (160, 160, 3)
    assert plain.max() > 0
    assert (plain[..., 0] == plain[..., 2]).all()
    assert not (outlined[..., 0] == outlined[..., 2]).all()


def test_a_result_whose_file_was_changed_is_not_shown(node: Appliance, page: StudyPage) -> None:
    record = seg(page)
    path: Path = node.result_files.path(record.path)
    content = path.read_bytes()
    path.write_bytes(content[:-2] + b"\1\1")
    try:
        with pytest.raises(ResultRefused):
            node.previews.dataset(record)
    finally:
        path.write_bytes(content)


def test_the_content_tree_names_measurements_and_shortens_lists_of_images(node: Appliance, page: StudyPage) -> None:
    record = next(record for work in page.works for record in work.results if record.kind is ResultKind.SR)
    lines = content_lines(node.previews.dataset(record))
    assert [(line.name, line.value) for line in lines if line.name == "Volume"]
    assert sum(line.name == "Source" for line in lines) == 5
    assert any(line.value == "+ 10" for line in lines)


def test_a_code_of_the_error_tree_is_explained_and_another_stands_for_itself() -> None:
    found = explained("geometry-slices-missing")
    assert found is not None
    assert found.remedy
    other = explained("something-else")
    assert other is not None
    assert (other.title, other.remedy) == ("", "")
    assert explained(None) is None


def test_a_study_that_never_came_is_said_to_be_unknown(node: Appliance) -> None:
    with pytest.raises(UnknownStudy):
        node.study_page(StudyInstanceUID("1.2.3"))
