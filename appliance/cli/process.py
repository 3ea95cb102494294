"""`appliance process`: the whole pipeline on a folder, without any service.

It opens a ledger in a temporary folder and calls the same planner and analyst as the workers do, so that there is no
second way through the pipeline.
"""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from appliance.bootstrap import Appliance, read_limits
from appliance.cli import context
from appliance.cli.headlines import headline
from appliance.cli.output import ExitCode, JsonOption, coloured, err, out, print_json, short, show
from appliance.cli.receipts import in_order, receipt_as_data
from appliance.domain.dicom_result import ResultKind
from appliance.domain.errors import InputRefused, UsageError
from appliance.domain.identifiers import StudyInstanceUID, content_hash
from appliance.domain.workitem import Analysis, ProcedureStepState
from appliance.services.folder import take_in
from appliance.settings import Settings
from appliance.store.clock import utc_now
from appliance.store.studies import Receipt
from appliance.study.files import FoundObjects, LeftOut, open_input

_WORKER = "process"
_MANY = 100_000

Written = dict[StudyInstanceUID, list[Path]]


def process(
    folder: Annotated[Path, typer.Argument(help="Folder, file or archive (zip, tar) of DICOM objects.")],
    target: Annotated[Path, typer.Option("--out", help="Folder for the results; made if it is not there.")],
    as_json: JsonOption = False,
) -> None:
    """Run every model that applies to the studies in FOLDER, and write SEG, SR and report to OUT.

    Exit code 0: results, or NOT APPLICABLE with the reasons. 1: some input was refused. 2: wrong usage.
    """
    if not folder.exists():
        raise UsageError("there is no such file or folder", where=str(folder))
    if target.exists() and not target.is_dir():
        raise UsageError("--out must name a folder", where=str(target))
    settings = context.settings()
    with (
        _node_without_services(settings) as node,
        open_input(folder, limits=read_limits(settings), read=node.read_instance) as found,
    ):
        _analyse(node, found)
        receipts = [node.studies.receipt(s.study_instance_uid) for s in reversed(node.studies.latest(_MANY))]
        written = {receipt.summary.study_instance_uid: _write(node, receipt, target) for receipt in receipts}
        rows = [row for receipt in receipts for row in _rows(node, receipt)]
    refused = [item for item in found.left_out if item.refusal]
    if as_json:
        print_json(_as_data(receipts, written, refused))
    else:
        _show(rows, refused, target, written)
    if refused or any(row["state"] == "refused" for row in rows):
        raise typer.Exit(ExitCode.REFUSED)
    if any(row["state"] == "failed" for row in rows):
        raise typer.Exit(ExitCode.FAILED)


@contextmanager
def _node_without_services(settings: Settings) -> Iterator[Appliance]:
    """An appliance whose state lives as long as the command; models and their choice are the installation's."""
    with tempfile.TemporaryDirectory(prefix="appliance-process-") as state:
        values = {"state_dir": Path(state), "database_url": "", "database_url_file": None, "destinations": ()}
        node = Appliance(settings.model_copy(update=values), choices=settings.state / "models.json")
        try:
            yield node
        finally:
            node.close()


def _analyse(node: Appliance, found: FoundObjects) -> None:
    with err.status("Reading …") as status:
        for study in sorted(take_in(found, node.instances, utc_now())):
            node.planner.plan(study)
        while work := node.workitems.runnable():
            status.update(f"{work[0].package} on …{short(work[0].series_instance_uid or work[0].study_instance_uid)}")
            node.analyst.run(work[0].uid, _WORKER)


def _write(node: Appliance, receipt: Receipt, target: Path) -> list[Path]:
    """Copy the results of a study into a folder of its own; names come from our identifiers, never from the input.

    The same input gives the same names, so that a second run replaces and never adds.
    """
    folder = target / f"study-{content_hash(receipt.summary.study_instance_uid)[:8]}"
    written: list[Path] = []
    for record in receipt.results:
        folder.mkdir(parents=True, exist_ok=True)
        package = node.workitems.get(record.workitem_uid).workitem.package
        file = folder / f"{record.kind.lower()}-{package}-{content_hash(record.sop_instance_uid)[:6]}.dcm"
        shutil.copyfile(node.result_files.path(record.path), file)
        written.append(file)
        if record.kind is ResultKind.REPORT:
            file.with_suffix(".txt").write_text(record.text + "\n", encoding="utf-8")
            written.append(file.with_suffix(".txt"))
    return written


def _rows(node: Appliance, receipt: Receipt) -> Iterator[dict[str, Any]]:
    study = receipt.summary.study_instance_uid
    analyses = {analysis.workitem.uid: analysis for analysis in node.workitems.analyses(study)}
    for status in in_order(receipt):
        item = status.workitem
        yield {
            "study": short(study),
            "model": item.package,
            "state": _state(status.state, status.reason_code),
            "finding": _finding(analyses.get(item.uid), status.reason_code, status.reason_detail),
            "results": sorted(record.kind for record in receipt.results if record.workitem_uid == item.uid),
        }
    if not receipt.workitems:
        yield {
            "study": short(study),
            "model": "every model",
            "state": "NOT APPLICABLE",
            "finding": _why_not(receipt),
            "results": [],
        }


def _state(state: ProcedureStepState, code: str | None) -> str:
    if state is ProcedureStepState.COMPLETED:
        return "ok"
    return "refused" if code in _input_codes() else "failed"


def _input_codes() -> set[str]:
    found, todo = set[str](), [InputRefused]
    while todo:
        kind = todo.pop()
        found.add(kind.code)
        todo.extend(kind.__subclasses__())
    return found


def _finding(analysis: Analysis | None, code: str | None, detail: str | None) -> str:
    if analysis is not None:
        return headline(analysis)
    return ": ".join(part for part in (code, detail) if part)


def _why_not(receipt: Receipt) -> str:
    reasons = [
        f"{selection.package.split('@')[0]}: {selection.considered[0].reasons[0]}"
        for selection in receipt.selections
        if selection.considered and selection.considered[0].reasons
    ]
    return "\n".join(reasons) or "no series that carries images"


def _show(rows: list[dict[str, Any]], refused: list[LeftOut], target: Path, written: Written) -> None:
    columns = {"study": "Study", "model": "Model", "state": "State", "finding": "Finding", "results": "Results"}
    show(rows, columns, as_json=False, empty="No DICOM study in there.")
    for file in refused:
        err.print(f"{coloured('refused')} {escape(file.name)}: {escape(file.reason)}", highlight=False)
    count = sum(len(files) for files in written.values())
    out.print(f"\n{count} files in {target}" if count else "\nNo results.", highlight=False)


def _as_data(receipts: list[Receipt], written: Written, refused: list[LeftOut]) -> dict[str, Any]:
    return {
        "studies": [
            {**receipt_as_data(receipt), "files": written[receipt.summary.study_instance_uid]} for receipt in receipts
        ],
        "refused": [
            {"name": file.name, "code": file.refusal.code if file.refusal else "", "reason": file.reason}
            for file in refused
        ],
    }
