"""A better series that comes later: the package runs on it, and what it said of the earlier one is replaced."""

from pathlib import Path

from appliance.bootstrap import Appliance
from appliance.domain.identifiers import SeriesInstanceUID
from appliance.services.folder import take_in
from appliance.settings import Settings
from appliance.store.clock import utc_now
from appliance.study.files import open_input
from tests.helpers.dicom_builder import blob_phantom, ct_series, save
from tests.helpers.tiny_models import write_threshold_package


def test_only_the_results_of_the_series_that_is_chosen_now_stand(tmp_path: Path) -> None:
    write_threshold_package(tmp_path / "models_onnx")
    node = Appliance(Settings(home=tmp_path))
    first, second = ct_series(blob_phantom(), seed="s/one"), ct_series(blob_phantom((20, 20, 24)), seed="s/two")
    for name, series in (("one", first), ("two", second)):
        save(series, tmp_path / name)
        with open_input(tmp_path / name) as found:
            (study,) = take_in(found, node.instances, utc_now())
            node.planner.plan(study)
            while work := node.workitems.runnable():
                node.analyst.run(work[0].uid, "test")
    analysed = {analysis.workitem.series_instance_uid for analysis in node.workitems.analyses(study)}
    assert analysed == {SeriesInstanceUID(second[0].SeriesInstanceUID), None}
    standing = [record.kind for record in node.results.of_study(study)]
    everything = [record.kind for record in node.results.of_study(study, superseded=True)]
    assert sorted(standing) == ["PDF", "REPORT", "SEG", "SR"]
    assert sorted(everything) == sorted(standing * 2)
    node.close()
