"""The demonstration of `make run`: sample studies go through the whole way, and a table shows what came out."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pydicom import dcmread
from rich.live import Live
from rich.table import Table

from appliance.bootstrap import Appliance
from appliance.cli import context
from appliance.cli.headlines import headline
from appliance.cli.output import coloured, err, out, show
from appliance.cli.progress import download_progress
from appliance.cli.receipts import in_order
from appliance.domain.errors import NodeNotReady
from appliance.domain.identifiers import StudyInstanceUID
from appliance.domain.workitem import FINAL_STATES, Analysis, ProcedureStepState
from appliance.node.demo_pacs import explorer_url
from appliance.node.samples import SampleStudy, pull_samples
from appliance.node.sender import send
from appliance.settings import SecretName, Settings
from appliance.store.deliveries import OPEN_DELIVERIES, Delivery, DeliveryState
from appliance.store.studies import Receipt
from appliance.store.workitem_rows import WorkitemStatus

_POLL_S = 0.3
_PATIENCE_S = 1200.0
_WAY = ("read", "preprocessing", "inference", "findings", "results", "report")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sent:
    """A sample on its way."""

    sample: SampleStudy
    study: StudyInstanceUID
    instances: int


def run(settings: Settings) -> None:
    """Send the sample studies, watch them, and print the table of results.

    Raises NodeNotReady when a study does not reach its end, or a workitem fails.
    """
    node = context.appliance()
    with download_progress("samples") as progress:
        samples = pull_samples(settings.state / "downloads", settings.state / "samples", progress=progress)
    out.print("\nSample studies", style="bold")
    for sample in samples:
        out.print(f"  {sample.name}: {sample.attribution} ({sample.licence})", highlight=False)
    with err.status("Sending by C-STORE …"):
        sent = [_send(settings, sample) for sample in samples]
    receipts = _watch(node, sent)
    rows = [row for item in sent for row in _rows(node, item, receipts[item.study])]
    _print(rows)
    if failed := [row for row in rows if row["state"] not in ("ok", "NOT APPLICABLE")]:
        raise NodeNotReady(f"{len(failed)} of {len(rows)} analyses did not end well; see `appliance workitems list`")


def say_where(settings: Settings) -> None:
    """Where a person looks at what came out."""
    secret = settings.secrets.path(SecretName.DEMO_PACS)
    out.print(f"Demonstration PACS: {explorer_url(settings)}  user demo, password in {secret}", highlight=False)


def _send(settings: Settings, sample: SampleStudy) -> _Sent:
    files = sorted(path for path in sample.folder.rglob("*") if path.is_file())
    study = StudyInstanceUID(str(dcmread(files[0], specific_tags=["StudyInstanceUID"]).StudyInstanceUID))
    return _Sent(sample=sample, study=study, instances=send(settings, files))


def _watch(node: Appliance, sent: Sequence[_Sent]) -> dict[StudyInstanceUID, Receipt]:
    """Show how far each study is until all have ended."""
    deadline = time.monotonic() + _PATIENCE_S
    receipts: dict[StudyInstanceUID, Receipt] = {}
    with Live(console=err, refresh_per_second=4, transient=True) as live:
        while True:
            arrived = {summary.study_instance_uid for summary in node.studies.latest(1000)}
            receipts = {item.study: node.studies.receipt(item.study) for item in sent if item.study in arrived}
            live.update(_progress(sent, receipts))
            if len(receipts) == len(sent) and all(_is_over(receipt) for receipt in receipts.values()):
                return receipts
            if time.monotonic() > deadline:
                raise NodeNotReady("the sample studies do not come to an end; see `appliance studies list`")
            time.sleep(_POLL_S)


def _is_over(receipt: Receipt) -> bool:
    pending = OPEN_DELIVERIES & receipt.summary.deliveries.keys()
    ended = all(status.state in FINAL_STATES for status in receipt.workitems)
    return receipt.summary.planned_at is not None and ended and not pending


def _progress(sent: Sequence[_Sent], receipts: dict[StudyInstanceUID, Receipt]) -> Table:
    table = Table(box=None, pad_edge=False)
    for heading in ("Study", "Arrived", "Analyses", "Delivered"):
        table.add_column(heading)
    for item in sent:
        receipt = receipts.get(item.study)
        if receipt is None:
            table.add_row(item.sample.name, "…")
            continue
        ended = sum(1 for status in receipt.workitems if status.state in FINAL_STATES)
        delivered = receipt.summary.deliveries.get(DeliveryState.DELIVERED, 0)
        table.add_row(
            item.sample.name,
            f"{receipt.summary.instances}/{item.instances}",
            f"{ended}/{len(receipt.workitems)}",
            f"{delivered}/{len(receipt.deliveries)}",
        )
    return table


def _rows(node: Appliance, item: _Sent, receipt: Receipt) -> Iterator[dict[str, Any]]:
    analyses = {analysis.workitem.uid: analysis for analysis in node.workitems.analyses(item.study)}
    for status in in_order(receipt):
        uid = status.workitem.uid
        analysis = analyses.get(uid)
        deliveries = [delivery for delivery in receipt.deliveries if delivery.workitem_uid == uid]
        done = {delivery.destination for delivery in deliveries if delivery.state is DeliveryState.DELIVERED}
        yield {
            "study": item.sample.name,
            "model": status.workitem.package,
            "state": "ok" if status.state is ProcedureStepState.COMPLETED else str(status.reason_code),
            "finding": headline(analysis) if analysis else status.reason_detail,
            "results": sorted({str(delivery.kind) for delivery in deliveries}),
            "where": sorted(done),
            "seconds": ", ".join(f"{stage} {span:.1f}" for stage, span in _stages(status, analysis, deliveries)),
        }
    if not receipt.workitems:
        yield {
            "study": item.sample.name,
            "model": "every model",
            "state": "NOT APPLICABLE",
            "finding": "",
            "results": [],
        }


def _stages(
    status: WorkitemStatus, analysis: Analysis | None, deliveries: Sequence[Delivery]
) -> Iterator[tuple[str, float]]:
    """Stage -> seconds: waiting (for gates, other analyses and a free thread), the work, the way to every place."""
    if status.started_at is not None:
        yield "waiting", (status.started_at - status.workitem.created_at).total_seconds()
    seconds = dict(analysis.seconds) if analysis else {}
    yield from ((stage, seconds[stage]) for stage in _WAY if stage in seconds)
    delivered = [delivery.delivered_at for delivery in deliveries if delivery.delivered_at is not None]
    if delivered and status.finished_at is not None:
        yield "delivery", (max(delivered) - status.finished_at).total_seconds()


def _print(rows: Sequence[dict[str, Any]]) -> None:
    columns = {
        "study": "Study",
        "model": "Model",
        "finding": "Finding",
        "results": "Results",
        "where": "Delivered to",
        "seconds": "Seconds",
    }
    out.print()
    show(list(rows), columns, as_json=False, title="Results")
    for row in rows:
        if row["state"] not in ("ok", "NOT APPLICABLE"):
            out.print(f"{row['study']}, {row['model']}: {coloured('failed')} {row['state']}")
