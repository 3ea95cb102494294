"""Rows of the ledger as the commands show them; the keys are the contract of `--json`."""

from typing import Any

from appliance.cli.output import short
from appliance.domain.workitem import ProcedureStepState
from appliance.store.deliveries import STATE_IN_WORDS, Delivery
from appliance.store.results import ResultRecord
from appliance.store.studies import Receipt
from appliance.store.transitions import SUPERSEDED
from appliance.store.workitem_rows import WorkitemStatus


def workitem_row(status: WorkitemStatus) -> dict[str, Any]:
    """One workitem."""
    item = status.workitem
    reason = status.stopped or status.reason_code or ""
    return {
        "id": short(item.uid),
        "uid": item.uid,
        "study": item.study_instance_uid,
        "series": item.series_instance_uid,
        "model": f"{item.package}@{item.version}",
        "priority": item.priority,
        "state": status.state,
        "attempts": status.attempts,
        "worker": status.worker,
        "started": status.started_at,
        "finished": status.finished_at,
        "not_before": status.not_before if status.state is ProcedureStepState.SCHEDULED else None,
        "reason": f"{reason}: {status.reason_detail}" if reason and status.reason_detail else reason,
    }


def in_order(receipt: Receipt) -> list[WorkitemStatus]:
    """The workitems that stand, in the order of their work: gates, analyses, report."""
    standing = [status for status in receipt.workitems if status.reason_code != SUPERSEDED]
    return sorted(standing, key=lambda status: len(status.workitem.waits_for))


def result_row(record: ResultRecord) -> dict[str, Any]:
    """One result object, without its text."""
    return {
        "id": short(record.sop_instance_uid),
        "kind": record.kind,
        "description": record.description,
        "study": record.study_instance_uid,
        "series": record.series_instance_uid,
        "sop_instance_uid": record.sop_instance_uid,
        "sop_class_uid": record.sop_class_uid,
        "workitem": record.workitem_uid,
        "size": record.size,
        "sha256": record.sha256,
        "created": record.created_at,
        "superseded_by": record.superseded_by,
    }


def delivery_row(delivery: Delivery) -> dict[str, Any]:
    """One result on its way to one destination."""
    return {
        "kind": delivery.kind,
        "sop_instance_uid": delivery.sop_instance_uid,
        "destination": delivery.destination,
        "state": delivery.state,
        "stands": STATE_IN_WORDS.get(delivery.state, delivery.state),
        "attempts": delivery.attempts,
        "due": delivery.due_at,
        "delivered": delivery.delivered_at,
        "code": delivery.code,
        "detail": " ".join(part for part in (delivery.code, delivery.detail) if part),
    }


def receipt_as_data(receipt: Receipt) -> dict[str, Any]:
    """A whole receipt, for `--json`."""
    return {
        "study": receipt.summary.study_instance_uid,
        "selections": [
            {
                "package": selection.package,
                "rules": list(selection.rules),
                "chosen": list(selection.chosen),
                "considered": [
                    {
                        "series": item.series_instance_uid,
                        "modality": item.modality,
                        "fits": item.fits,
                        "score": item.score,
                        "reasons": list(item.reasons),
                    }
                    for item in selection.considered
                ],
            }
            for selection in receipt.selections
        ],
        "workitems": [workitem_row(status) for status in receipt.workitems],
        "results": [result_row(record) for record in receipt.results],
        "deliveries": [delivery_row(delivery) for delivery in receipt.deliveries],
        "events": [
            {
                "sequence": event.sequence,
                "at": event.at,
                "kind": event.kind,
                "series": event.series_instance_uid,
                "workitem": event.workitem_uid,
                "code": event.code,
                "detail": event.detail,
            }
            for event in receipt.events
        ],
    }
