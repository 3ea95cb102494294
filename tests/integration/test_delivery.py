"""Delivery that proves itself: real Orthancs as node and PACS, and a PACS that misbehaves."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from pydicom import dcmread
from pydicom.uid import SecondaryCaptureImageStorage
from typer.testing import CliRunner

from appliance.bootstrap import Appliance
from appliance.cli import context
from appliance.cli.main import app
from appliance.delivery.probe import LABEL_MAP
from appliance.domain.dicom_result import ResultKind
from appliance.domain.identifiers import StudyInstanceUID
from appliance.services.destination_test import Went
from appliance.settings import DestinationSettings, OrthancSettings, Settings
from appliance.store.deliveries import ORTHANC, Delivery, DeliveryState
from appliance.store.destinations import Breaker
from tests.helpers.dicom_builder import blob_phantom, ct_series
from tests.helpers.node import lone_node, process, work
from tests.helpers.pacs import ScriptedPacs, connection_refused, scripted_pacs
from tests.helpers.services import OrthancServer, free_port, orthanc, plugin
from tests.helpers.tiny_models import write_threshold_package
from tests.helpers.validators import complaints, tool_missing

pytestmark = [pytest.mark.integration, connection_refused]


@dataclass
class Site:
    """A node whose Orthanc is real, and the PACS around it."""

    node: Appliance
    pacs: OrthancServer
    odd: ScriptedPacs
    folder: Path

    def study(self, seed: str) -> StudyInstanceUID:
        """A new study, analysed; nothing is delivered yet."""
        slices = ct_series(blob_phantom((6, 12, 12)), seed=seed)
        return process(self.node, slices, self.folder / seed)

    def of(self, study: StudyInstanceUID, destination: str) -> list[Delivery]:
        return [row for row in self.node.outbox.of_study(study) if row.destination == destination]

    def states(self, study: StudyInstanceUID, destination: str) -> set[DeliveryState]:
        return {row.state for row in self.of(study, destination)}


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[OrthancServer, OrthancServer]]:
    """The node's Orthanc, and a PACS that knows no label maps."""
    folder = tmp_path_factory.mktemp("orthancs")
    dicomweb = [str(plugin("libOrthancDicomWeb.so"))]
    known = {"node": {"AET": "APPLIANCE", "Host": "127.0.0.1", "Port": 104}}
    with (
        orthanc(folder / "node") as node,
        orthanc(
            folder / "pacs", DicomAet="PACS", Plugins=dicomweb, UnknownSopClassAccepted=False, DicomModalities=known
        ) as pacs,
    ):
        yield node, pacs


@pytest.fixture
def site(servers: tuple[OrthancServer, OrthancServer], tmp_path: Path) -> Iterator[Site]:
    own, pacs = servers
    write_threshold_package(tmp_path / "models_onnx")
    with scripted_pacs() as odd:
        places = (
            DestinationSettings(name="dimse", kind="dimse", port=pacs.dicom_port, query_port=pacs.dicom_port),
            DestinationSettings(name="web", kind="stow", url=pacs.dicomweb, qido_url=pacs.dicomweb),
            DestinationSettings(name="odd", kind="dimse", port=odd.port, query_port=odd.port, seg_type="LABELMAP"),
            DestinationSettings(name="blind", kind="dimse", port=odd.port),
            DestinationSettings(name="down", kind="dimse", port=free_port()),
        )
        with lone_node(tmp_path, *places, orthanc=OrthancSettings(http_port=own.http_port)) as node:
            yield Site(node, pacs, odd, tmp_path)


def test_delivered_means_that_the_destination_shows_it(site: Site) -> None:
    study = site.study("shown")
    site.odd.hidden = {row.sop_instance_uid for row in site.of(study, "odd") if row.kind is ResultKind.SR}
    site.node.courier.deliver_due()
    assert site.states(study, ORTHANC) == {DeliveryState.DELIVERED}
    assert site.states(study, "dimse") == {DeliveryState.DELIVERED}
    assert site.states(study, "web") == {DeliveryState.DELIVERED}
    assert site.states(study, "blind") == {DeliveryState.UNCHECKED}
    assert site.states(study, "down") == {DeliveryState.PENDING}
    kinds = {row.kind: row.state for row in site.of(study, "odd")}
    assert kinds[ResultKind.SR] is DeliveryState.ACCEPTED
    assert kinds[ResultKind.PDF] is DeliveryState.DELIVERED
    assert len(site.pacs.get(f"/dicom-web/studies/{study}/instances")) == 4


def test_a_pacs_that_says_success_and_forgets_never_has_it_delivered(site: Site) -> None:
    site.odd.forgets = True
    study = site.study("forgotten")
    site.node.courier.deliver_due()
    assert site.states(study, "odd") <= {DeliveryState.ACCEPTED, DeliveryState.REFUSED}
    assert site.states(study, "dimse") == {DeliveryState.DELIVERED}


def test_warnings_and_refusals_stand_in_the_receipt_and_others_go_on(site: Site) -> None:
    site.odd.statuses = [0xB007, 0xA900]
    study = site.study("mixed")
    site.node.courier.deliver_due()
    codes = [(row.state, row.code) for name in ("blind", "odd") for row in site.of(study, name)]
    assert {"B007", "A900"} <= {code for _, code in codes}
    assert site.states(study, "web") == {DeliveryState.DELIVERED}


def test_an_association_that_is_aborted_midway_loses_nothing(site: Site) -> None:
    site.odd.abort_after = 1
    study = site.study("aborted")
    site.node.courier.deliver_due()
    assert DeliveryState.PENDING in site.states(study, "blind")
    assert DeliveryState.REFUSED not in site.states(study, "blind")


def test_a_slow_pacs_holds_up_nobody(site: Site) -> None:
    study = site.study("slow")
    site.odd.hold.clear()
    threads = site.node.courier.start_due()
    for thread in threads:
        if thread.name in ("courier-dimse", "courier-web"):
            thread.join()
    assert site.states(study, "dimse") == site.states(study, "web") == {DeliveryState.DELIVERED}
    assert site.states(study, "blind") == {DeliveryState.PENDING}
    site.odd.hold.set()
    for thread in threads:
        thread.join()
    assert site.states(study, "blind") == {DeliveryState.UNCHECKED}


def test_a_probe_is_kept_and_label_maps_give_way_to_binary(site: Site) -> None:
    before = site.study("before")
    assert LABEL_MAP in {row.sop_class_uid for row in site.of(before, "odd")}
    assert site.node.probe("odd")[LABEL_MAP] == ()
    assert site.node.destination_states.get("odd").accepted is not None
    after = site.study("after")
    assert LABEL_MAP not in {row.sop_class_uid for row in site.of(after, "odd")}
    assert ResultKind.SEG in {row.kind for row in site.of(after, "odd")}
    assert site.node.probe("dimse")[LABEL_MAP] == ()


def test_a_destination_that_is_down_is_set_aside_and_comes_back(site: Site) -> None:
    study = site.study("set-aside")
    for _ in range(5):
        site.node.courier.deliver_due()
        site.node.outbox.replay(study, "dimse")
        site.node.destination_states.failed("down", "no connection")
    assert site.node.destination_states.get("down").breaker is Breaker.OPEN
    assert site.node.destination_states.get("dimse").breaker is Breaker.CLOSED


@pytest.mark.skipif("dciodvfy" in tool_missing(), reason="dciodvfy is not installed")
def test_who_reads_neither_sr_nor_seg_is_sent_a_picture(
    servers: tuple[OrthancServer, OrthancServer], tmp_path: Path
) -> None:
    own, pacs = servers
    write_threshold_package(tmp_path / "models_onnx")
    place = DestinationSettings(
        name="pictures", kind="dimse", port=pacs.dicom_port, query_port=pacs.dicom_port, accepts=("SUMMARY",)
    )
    with lone_node(tmp_path, place, orthanc=OrthancSettings(http_port=own.http_port)) as node:
        study = process(node, ct_series(blob_phantom(), seed="pictured"), tmp_path / "pictured")
        node.courier.deliver_due()
        (sent,) = [row for row in node.outbox.of_study(study) if row.destination == "pictures"]
    assert (sent.kind, sent.state) == (ResultKind.SUMMARY, DeliveryState.DELIVERED)
    (shown,) = pacs.get(f"/dicom-web/studies/{study}/instances")
    assert shown["00080018"]["Value"] == [sent.sop_instance_uid]
    (found,) = [item for item in pacs.get("/instances?expand") if sent.sop_instance_uid in str(item["MainDicomTags"])]
    received = tmp_path / "received.dcm"
    received.write_bytes(httpx.get(f"{pacs.url}/instances/{found['ID']}/file").content)
    assert str(dcmread(received).SOPClassUID) == SecondaryCaptureImageStorage
    assert complaints([received]) == []


def test_the_test_of_a_destination_says_that_orthanc_hides_nothing(site: Site) -> None:
    for name in ("dimse", "web"):
        steps = {step.name: step for step in site.node.try_destination(name)}
        assert [steps[part].went for part in ("store", "find", "withdraw")] == [Went.OK] * 3
        assert steps["hidden"].went is Went.WARNING
        assert "by hand" in steps["left over"].detail
    (store,) = site.node.try_destination("down")
    assert store.went is Went.FAILED


@pytest.fixture
def run(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[CliRunner]:
    # a command sends logs to a stream that is closed when it ends, and loggers would remember it
    monkeypatch.setattr("appliance.cli.main.configure_logs", lambda **_: None)
    context.use_settings(site.node.settings)
    yield CliRunner()
    context.appliance().close()
    context.use_settings(Settings(home=tmp_path))


def test_the_command_line_replays_probes_and_tests(site: Site, run: CliRunner) -> None:
    study = site.study("replayed")
    site.node.courier.deliver_due()
    again = run.invoke(app, ["replay", study, "--destination", "dimse"], catch_exceptions=False)
    assert "4 results are due again for dimse" in again.output
    site.node.courier.deliver_due()
    assert site.states(study, "dimse") == {DeliveryState.DELIVERED}
    before = len(site.node.workitems.of_study(study))
    run.invoke(app, ["replay", study, "--model", "blob"], catch_exceptions=False)
    statuses = site.node.workitems.of_study(study)
    assert len(statuses) == before + 2
    assert max(status.workitem.revision for status in statuses) == 1
    assert run.invoke(app, ["destinations", "probe", "dimse"], catch_exceptions=False).exit_code == 0
    tried = run.invoke(app, ["destinations", "test", "dimse"], catch_exceptions=False)
    assert (tried.exit_code, "ok  find: it is shown" in tried.output) == (0, True)
    assert run.invoke(app, ["destinations", "test", "down"], catch_exceptions=False).exit_code == 4
    shown = run.invoke(app, ["destinations", "list"], catch_exceptions=False)
    assert "closed" in shown.output


def test_a_new_analysis_replaces_at_every_destination(site: Site) -> None:
    study = site.study("renewed")
    site.node.courier.deliver_due()
    (first,) = [s.workitem for s in site.node.workitems.of_study(study) if s.workitem.series_instance_uid]
    site.node.workitems.repeat(first.uid)
    work(site.node)
    site.node.courier.deliver_due()
    assert site.states(study, "dimse") == {DeliveryState.DELIVERED}
    assert len(site.of(study, "dimse")) == 8
