"""Rhythms by sender and modality, the latest in place of the earlier."""

from appliance.store.arrival_gaps import ArrivalGaps
from appliance.store.engine import Ledger


def test_rhythms_are_kept_by_sender_and_modality(ledger: Ledger) -> None:
    gaps = ArrivalGaps(ledger)
    gaps.remember(("CT1", "CT"), [1, 2, 3])
    gaps.remember(("CT1", "MR"), [4])
    gaps.remember(("", "CT"), [5])
    wanted = [("CT1", "CT"), ("", "CT"), ("MR1", "MR")]
    assert ArrivalGaps(ledger).of(wanted) == {("CT1", "CT"): (1, 2, 3), ("", "CT"): (5,)}


def test_the_latest_replaces_the_earlier(ledger: Ledger) -> None:
    gaps = ArrivalGaps(ledger)
    gaps.remember(("CT1", "CT"), [1])
    gaps.remember(("CT1", "CT"), [2])
    assert gaps.of([("CT1", "CT")]) == {("CT1", "CT"): (2,)}
    assert gaps.of([]) == {}
