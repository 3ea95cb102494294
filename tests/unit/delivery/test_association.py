"""An answer is never lost to the thread of the association, however late that thread goes on after a request."""

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pynetdicom.dimse import DIMSEServiceProvider

from appliance.delivery import association
from appliance.delivery.association import Checkpoint
from appliance.delivery.dimse import DimseSender
from appliance.delivery.sender import Outcome
from appliance.delivery.visibility import DimseFinder, Sought
from tests.helpers.dicom_builder import blob_phantom, ct_series
from tests.helpers.pacs import parcel, scripted_pacs

SLICES = ct_series(blob_phantom((6, 8, 8)), seed="association")


class Late(Checkpoint):
    """The thread of the association gets no turn for a while after it was let go."""

    def wait(self, timeout: float | None = None) -> bool:
        passed = super().wait(timeout)
        time.sleep(0.02)
        return passed


def late(get_msg: Callable[..., Any]) -> Callable[..., Any]:
    """`DIMSEServiceProvider.get_msg`, asked by who waits for an answer only when that has long been there."""

    def get(self: Any, block: bool = False) -> Any:
        time.sleep(0.04 if block else 0)
        return get_msg(self, block)

    return get


def test_every_answer_of_requests_in_a_row_is_received(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(association, "Checkpoint", Late)
    monkeypatch.setattr(DIMSEServiceProvider, "get_msg", late(DIMSEServiceProvider.get_msg))
    with scripted_pacs() as pacs:
        place = replace(pacs.destination, query_port=pacs.port)
        answers = DimseSender(place, timeout_s=2).send([parcel(item, tmp_path) for item in SLICES])
        assert {answer.outcome for answer in answers} == {Outcome.ACCEPTED}
        sought = [
            Sought(
                study_instance_uid=item.StudyInstanceUID,
                series_instance_uid=item.SeriesInstanceUID,
                sop_instance_uid=item.SOPInstanceUID,
            )
            for item in SLICES
        ]
        assert DimseFinder(place, timeout_s=2).visible(sought) == {item.SOPInstanceUID for item in SLICES}


def test_a_checkpoint_is_closed_when_the_thread_stands_still_there() -> None:
    passes: list[int] = []
    ended = threading.Event()

    def run() -> None:
        while not ended.is_set():
            checkpoint.wait()
            passes.append(0)

    thread = threading.Thread(target=run)
    checkpoint = Checkpoint(thread)
    thread.start()
    for _ in range(50):
        checkpoint.clear()
        before = len(passes)
        time.sleep(0.001)
        assert len(passes) == before
        checkpoint.set()
    ended.set()
    thread.join()
    checkpoint.clear()  # nobody is there to wait for


def test_a_checkpoint_is_closed_at_once_for_the_thread_itself() -> None:
    def run() -> None:
        checkpoint.clear()
        closed.append(not checkpoint.wait(timeout=0))

    closed: list[bool] = []
    thread = threading.Thread(target=run)
    checkpoint = Checkpoint(thread)
    thread.start()
    thread.join(timeout=10)
    assert closed == [True]
