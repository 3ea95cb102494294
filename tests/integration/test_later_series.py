"""A better series that comes later: the package runs on it, and what it said of the earlier one is replaced."""

import copy
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from pydicom import Dataset

from appliance.bootstrap import Appliance
from appliance.domain.identifiers import SeriesInstanceUID, StudyInstanceUID
from appliance.services.folder import take_in
from appliance.settings import Settings
from appliance.store.clock import utc_now
from appliance.study.files import open_input
from tests.helpers.dicom_builder import blob_phantom, ct_series, save
from tests.helpers.node import work
from tests.helpers.tiny_models import write_threshold_package


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Appliance]:
    write_threshold_package(tmp_path / "models_onnx")
    appliance = Appliance(Settings(home=tmp_path))
    yield appliance
    appliance.close()


def arrive(node: Appliance, objects: Sequence[Dataset], folder: Path) -> StudyInstanceUID:
    """The objects arrive, the study is planned anew, and its work is done."""
    save(objects, folder)
    with open_input(folder) as found:
        (study,) = take_in(found, node.instances, utc_now())
    node.planner.plan(study)
    work(node)
    return study


def standing(node: Appliance, study: StudyInstanceUID) -> set[tuple[str, SeriesInstanceUID | None]]:
    """Kind and series of every result that is not superseded."""
    records = node.results.of_study(study)
    return {(one.kind, node.workitems.get(one.workitem_uid).workitem.series_instance_uid) for one in records}


def results_on(series: Sequence[Dataset]) -> set[tuple[str, SeriesInstanceUID | None]]:
    uid = SeriesInstanceUID(str(series[0].SeriesInstanceUID))
    return {("SEG", uid), ("SR", uid), ("REPORT", None), ("PDF", None)}


def unfit_for_ct(series: Sequence[Dataset]) -> Dataset:
    """A late object of the series, with which it no longer is what the package asks for."""
    late = copy.deepcopy(series[0])
    late.SOPInstanceUID, late.Modality = "1.2.3.4", "PT"
    return late


def test_only_the_results_of_the_series_that_is_chosen_now_stand(node: Appliance, tmp_path: Path) -> None:
    first, second = ct_series(blob_phantom(), seed="s/one"), ct_series(blob_phantom((20, 20, 24)), seed="s/two")
    arrive(node, first, tmp_path / "one")
    study = arrive(node, second, tmp_path / "two")
    analysed = {analysis.workitem.series_instance_uid for analysis in node.workitems.analyses(study)}
    assert analysed == {SeriesInstanceUID(second[0].SeriesInstanceUID), None}
    assert standing(node, study) == results_on(second)
    everything = [record.kind for record in node.results.of_study(study, superseded=True)]
    assert Counter(everything) == {"PDF": 2, "REPORT": 2, "SEG": 2, "SR": 2}


def test_the_earlier_series_stands_again_once_it_is_the_best_again(node: Appliance, tmp_path: Path) -> None:
    first, second = ct_series(blob_phantom(), seed="s/one"), ct_series(blob_phantom((20, 20, 24)), seed="s/two")
    arrive(node, first, tmp_path / "one")
    arrive(node, second, tmp_path / "two")
    study = arrive(node, [unfit_for_ct(second)], tmp_path / "late")
    assert standing(node, study) == results_on(first)
    reports = [item for item in node.workitems.of_study(study) if item.workitem.package == "compositional-report"]
    newest = {analysis.workitem.uid for analysis in node.workitems.analyses(study)}
    assert set(reports[-1].workitem.waits_for) <= newest

    known = len(node.workitems.of_study(study))
    node.planner.plan(study)
    assert len(node.workitems.of_study(study)) == known


def test_work_on_the_earlier_series_that_had_not_begun_is_done_after_all(node: Appliance, tmp_path: Path) -> None:
    first, second = ct_series(blob_phantom(), seed="s/one"), ct_series(blob_phantom((20, 20, 24)), seed="s/two")
    for name, objects in (("one", first), ("two", second), ("late", [unfit_for_ct(second)])):
        save(objects, tmp_path / name)
        with open_input(tmp_path / name) as found:
            (study,) = take_in(found, node.instances, utc_now())
        node.planner.plan(study)
    work(node)
    assert standing(node, study) == results_on(first)
