"""Rows are the contract of `--json`: their keys, and what they never hold."""

import json
from pathlib import Path

import pytest

from appliance.cli import context
from appliance.cli.output import short
from appliance.cli.receipts import delivery_row, in_order, receipt_as_data, result_row, workitem_row
from appliance.domain.identifiers import StudyInstanceUID
from appliance.store.studies import Receipt
from appliance.store.transitions import SUPERSEDED


@pytest.fixture
def receipt(worked_home: Path, study_uid: StudyInstanceUID) -> Receipt:
    return context.appliance().studies.receipt(study_uid)


def test_a_workitem_row_has_its_keys(receipt: Receipt) -> None:
    row = workitem_row(receipt.workitems[0])
    assert set(row) >= {"id", "uid", "study", "series", "model", "priority", "state", "attempts", "reason"}
    assert row["id"] == short(row["uid"])
    assert row["reason"] == ""


def test_a_result_row_leaves_the_text_out(receipt: Receipt) -> None:
    row = result_row(receipt.results[0])
    assert "text" not in row
    assert row["sop_instance_uid"].endswith(row["id"])


def test_a_delivery_row_says_where_and_how_it_stands(receipt: Receipt) -> None:
    row = delivery_row(receipt.deliveries[0])
    assert (row["destination"], row["state"], row["attempts"], row["detail"]) == ("orthanc", "pending", 0, "")


def test_the_report_comes_after_what_it_waits_for(receipt: Receipt) -> None:
    assert [status.workitem.package for status in in_order(receipt)] == ["blob", "compositional-report"]


def test_what_was_replaced_is_not_in_the_order_of_work(receipt: Receipt, study_uid: StudyInstanceUID) -> None:
    node = context.appliance()
    blob = in_order(receipt)[0].workitem
    for _ in range(2):
        node.workitems.repeat(blob.uid)
    again = node.studies.receipt(study_uid)
    assert SUPERSEDED in {status.reason_code for status in again.workitems}
    assert SUPERSEDED not in {status.reason_code for status in in_order(again)}


def test_a_receipt_becomes_plain_data(receipt: Receipt) -> None:
    data = receipt_as_data(receipt)
    assert set(data) == {"study", "selections", "workitems", "results", "deliveries", "events"}
    assert json.loads(json.dumps(data, default=str))["study"] == receipt.summary.study_instance_uid
